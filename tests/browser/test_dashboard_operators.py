"""Operators on the dashboard: the log-in, what a role may do, and that a token stays where it was typed."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_support.traffic import Said, say
from browser_support.watched import Open
from e2e_support.gateway import Config, Gateway, write_config
from e2e_support.upstream import Upstream
from playwright.sync_api import Page, Request, expect

from aimux.core.operator_tokens import with_checksum

VIEWER, COMMANDER, STRANGER = (with_checksum(letter * 43) for letter in "VCS")
MANAGEMENT = ("/routes", "/agents", "/config", "/audit", "/admin", "/readyz")
Asked = list[Request]


def operator(name: str, token: str, role: str) -> Config:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return {"name": name, "role": role, "token": {"digest": f"sha256:{digest}"}}


def settings(upstream: Upstream, *allowed: str) -> Config:
    return {
        "agents": ["finance-bot", {"name": "audit-bot", "groups": ["reviewers"]}],
        "operators": [operator("day-shift", VIEWER, "viewer"), operator("night-shift", COMMANDER, "operator")],
        "routes": [{"name": "ledger", "upstream": upstream.url, "allowed": [*allowed]}],
        "fallback": {"upstream": upstream.url},
    }


@pytest.fixture
def guarded(chromium: str, upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with a viewer and an operator."""
    assert chromium
    gateway = Gateway(write_config(tmp_path / "aimux.yaml", settings(upstream, "finance-bot")))
    try:
        gateway.wait_listening()
        gateway.wait_ready()
        yield gateway
    finally:
        gateway.close()


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Operator token").fill(token)
    page.get_by_role("button", name="Log in").click()


def listened(page: Page) -> Asked:
    """All that the page asks for from now on."""
    asked: Asked = []

    def hear(request: Request) -> None:
        asked.append(request)

    page.on("request", hear)
    return asked


def head_of(page: Page) -> Any:
    return page.get_by_label("Session")


def kept_in(page: Page) -> str:
    """All that the page, its browser and its address hold that outlasts a moment."""
    stores = page.evaluate(
        """async () => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href,
        history.state, window.name, await caches.keys().catch(() => []), (await indexedDB.databases?.()) ?? []])"""
    )
    return f"{stores} {page.context.cookies()} {page.context.storage_state()} {page.content()}"


def test_an_operator_logs_in_reloads_and_logs_out(opened: Open, guarded: Gateway, upstream: Upstream) -> None:
    watched = opened(guarded.port)
    page = watched.open("configuration")
    asked = listened(page)
    button = page.get_by_role("button", name="Reload configuration")
    expect(head_of(page).get_by_role("button", name="Log in")).to_be_visible()
    expect(button).to_have_count(0)
    log_in(page, COMMANDER)
    expect(head_of(page)).to_contain_text("night-shift")
    expect(head_of(page)).to_contain_text("operator")
    expect(page.locator("#main")).to_be_focused()
    expect(head_of(page)).to_be_in_viewport()
    write_config(guarded.config, settings(upstream, "finance-bot", "group:reviewers"))
    button.click()
    reloaded = page.get_by_role("region", name="Reload", exact=True)
    expect(reloaded).to_contain_text("Taken over. 1 setting has changed.")
    expect(reloaded.get_by_role("row").last).to_contain_text("routes.ledger.allowed")
    expect(reloaded.get_by_role("row").last).to_contain_text('["finance-bot","group:reviewers"]')
    expect(page.get_by_role("region", name="Last reload")).to_contain_text("Taken over at")
    button.click()
    expect(reloaded).to_contain_text("Nothing has changed")
    guarded.config.write_text("routes: nonsense\n", encoding="utf-8")
    watched.expects_errors = True  # the browser tells of each answer that is a refusal
    button.click()
    expect(reloaded.locator(".problems li").first).to_contain_text('routes: "nonsense" stands where a list is expected')
    assert COMMANDER not in kept_in(page)
    head_of(page).get_by_role("button", name="Log out").click()
    expect(head_of(page)).to_contain_text("Logged out.")
    expect(button).to_have_count(0)
    expect(head_of(page)).not_to_contain_text("night-shift")
    asked.clear()
    page.get_by_role("link", name="Routes").click()
    expect(page.get_by_text("For only finance-bot, group:reviewers (audit-bot)")).to_be_visible()
    assert asked
    assert not any(each.headers.get("authorization") for each in asked)


def test_every_read_and_the_stream_prove_the_operator(opened: Open, guarded: Gateway) -> None:
    watched = opened(guarded.port)
    page = watched.open("feed")
    log_in(page, VIEWER)
    expect(head_of(page)).to_contain_text("viewer")
    asked = listened(page)
    for view in ("Audit", "Routes", "Live feed"):
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.get_by_role("heading", level=1, name=view)).to_be_visible()
        expect(page.locator(".state-loading, .outdated")).to_have_count(0)
    say(guarded.port, Said("finance-bot", "anything", 1, "forward", "ledger"))
    expect(page.get_by_role("list", name="Decisions").get_by_role("link")).to_have_count(1)
    reads = [each for each in asked if each.url.removeprefix(watched.origin.rstrip("/")).startswith(MANAGEMENT)]
    assert {True} == {each.headers.get("authorization") == f"Bearer {VIEWER}" for each in reads}
    assert any("/audit/stream" in each.url for each in reads)
    page.get_by_role("link", name="Audit", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSONL").click()
    assert "finance-bot" in Path(download.value.path()).read_text(encoding="utf-8")


def test_a_viewer_sees_no_button(opened: Open, guarded: Gateway) -> None:
    page = opened(guarded.port).open("configuration")
    log_in(page, VIEWER)
    expect(head_of(page)).to_contain_text("day-shift")
    expect(page.get_by_role("region", name="Workers")).to_contain_text("in force")
    expect(page.get_by_role("region", name="State")).to_contain_text("Kept in")
    expect(page.get_by_role("button", name="Reload configuration")).to_have_count(0)


@pytest.mark.parametrize("token", [STRANGER, "not a token", VIEWER[:-1]])
def test_a_wrong_token_logs_nobody_in(opened: Open, guarded: Gateway, token: str) -> None:
    watched = opened(guarded.port)
    watched.expects_errors = True
    page = watched.open("configuration")
    log_in(page, token)
    expect(head_of(page)).to_contain_text(re.compile("No operator of this gateway has this token|That is no token"))
    expect(page.get_by_label("Operator token")).to_have_value("")
    expect(page.get_by_label("Operator token")).to_be_focused()
    assert token not in kept_in(page)
    log_in(page, VIEWER)
    expect(head_of(page)).to_contain_text("day-shift")


def test_reading_the_page_again_logs_out_and_no_log_has_the_token(opened: Open, guarded: Gateway) -> None:
    watched = opened(guarded.port)
    page = watched.open("configuration")
    log_in(page, COMMANDER)
    expect(head_of(page)).to_contain_text("night-shift")
    page.get_by_role("button", name="Reload configuration").click()
    expect(page.get_by_role("region", name="Reload", exact=True)).to_contain_text("Nothing has changed")
    page.reload()
    expect(head_of(page).get_by_role("button", name="Log in")).to_be_visible()
    assert COMMANDER not in kept_in(page)
    guarded.signal()
    guarded.exited()
    recorded = b"".join(path.read_bytes() for path in guarded.audit.rglob("*") if path.is_file())
    assert b"night-shift" in recorded
    assert COMMANDER.encode() not in recorded
    assert COMMANDER not in json.dumps(guarded.lines)


def test_from_elsewhere_the_log_in_comes_first(opened: Open, guarded: Gateway) -> None:
    watched = opened(guarded.port)
    watched.expects_errors = True
    # Another machine's request, as far as the gateway can tell: it came through a proxy.
    watched.page.set_extra_http_headers({"X-Forwarded-For": "192.0.2.7"})
    page = watched.page
    page.goto(f"{watched.origin}dashboard/#/configuration")
    expect(page.get_by_role("heading", level=1, name="Log in")).to_be_visible()
    expect(page.get_by_label("Operator token")).to_have_count(1)
    expect(page.get_by_text("ledger")).to_have_count(0)
    log_in(page, STRANGER)
    expect(page.get_by_role("region", name="Log in")).to_contain_text("No operator of this gateway has this token")
    log_in(page, VIEWER)
    expect(page.get_by_role("heading", level=1, name="Configuration")).to_be_visible()
    expect(page.get_by_role("region", name="In force")).to_be_visible()
    head_of(page).get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1, name="Log in")).to_be_visible()
    expect(page.get_by_role("region", name="In force")).to_have_count(0)


def test_a_token_that_is_taken_back_logs_out(opened: Open, guarded: Gateway, upstream: Upstream) -> None:
    watched = opened(guarded.port)
    watched.expects_errors = True
    page = watched.open("configuration")
    log_in(page, VIEWER)
    expect(head_of(page)).to_contain_text("day-shift")
    without = settings(upstream, "finance-bot")
    without["operators"] = without["operators"][1:]
    assert guarded.reload(without)["event"] == "reloaded"
    expect(head_of(page)).to_contain_text("does not take this token any more")
    expect(head_of(page).get_by_role("button", name="Log in")).to_be_visible()


def test_without_operators_there_is_no_log_in(opened: Open, gateway: Gateway) -> None:
    page = opened(gateway.port).open("configuration")
    expect(page.get_by_role("region", name="Workers")).to_be_visible()
    expect(page.get_by_label("Operator token")).to_have_count(0)


def test_it_is_done_by_keyboard_on_a_small_dark_screen(opened: Open, guarded: Gateway) -> None:
    page = opened(guarded.port, width=390, height=780, scheme="dark").open("configuration")
    page.get_by_label("Operator token").focus()
    page.keyboard.type(COMMANDER)
    page.keyboard.press("Enter")
    expect(head_of(page)).to_contain_text("Logged in as night-shift.")
    page.get_by_role("button", name="Reload configuration").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Reload", exact=True)).to_contain_text("Nothing has changed")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
