"""The page shows the requests of a log that an older build wrote, and why they were decided so."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from browser_support.watched import Open, Watched
from e2e_support.gateway import Gateway
from old_log import LOG, read_answers
from old_log.mesh import reading_config
from old_log.over_http import serving
from old_log.questions import CURRENT, Entry
from old_log.signing_key import write_key
from playwright.sync_api import Locator, Page, expect


@pytest.fixture(scope="module")
def old_entries() -> list[Entry]:
    """All requests as the older build read them, the oldest first."""
    found: list[Entry] = read_answers()["commands"]["export --format jsonl"]["output"]
    return found


@pytest.fixture(scope="module")
def old_gateway(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that goes on with a copy of the log."""
    folder = tmp_path_factory.mktemp("old-log")
    log = Path(shutil.copytree(LOG, folder / "log"))
    with serving(CURRENT, log, reading_config(write_key(folder / "key.pem"))) as gateway:
        yield gateway


@pytest.fixture
def old_page(opened: Open, old_gateway: Gateway) -> Watched:
    """A page of it."""
    return opened(old_gateway.port)


def feed(page: Page) -> Locator:
    return page.get_by_role("list", name="Decisions").get_by_role("link")


def test_the_feed_shows_old_requests(old_page: Watched, old_entries: list[Entry]) -> None:
    wanted = [
        entry for entry in old_entries if (entry["agent"], entry["verdict"]) == ("finance-bot", "route_forbidden")
    ]
    page = old_page.open("feed?agent=finance-bot&verdict=route_forbidden")
    expect(feed(page)).to_have_count(len(wanted))
    last = wanted[-1]
    expect(feed(page).first).to_contain_text(last["text"])
    expect(feed(page).first.locator("time")).to_have_attribute("datetime", last["time"])
    feed(page).first.click()
    why = page.get_by_role("complementary", name="Why it was decided so")
    expect(why.get_by_text(last["rule"])).to_be_visible()
    expect(why.locator(".score-row")).to_have_count(len(last["scores"]))
    expect(why.get_by_text("checked: it follows from the record before it")).to_be_visible()


def test_the_feed_begins_with_the_request_that_was_under_way_when_the_older_gateway_was_killed(
    old_page: Watched, old_entries: list[Entry]
) -> None:
    assert old_entries[-1]["position"]["outcome"] is None
    page = old_page.open("feed")
    expect(feed(page).first.locator("time")).to_have_attribute("datetime", old_entries[-1]["time"])


def test_old_requests_are_found_and_both_chains_are_checked(old_page: Watched, old_entries: list[Entry]) -> None:
    guarded = next(entry for entry in old_entries if entry["verdict"] == "guard_refused")
    page = old_page.open(f"audit?text={quote(guarded['text'])}")
    expect(page.get_by_text("Every hash checked")).to_have_count(2)
    expect(page.locator(".list-text").first).to_have_text(guarded["text"])
