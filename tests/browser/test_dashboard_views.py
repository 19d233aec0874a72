"""Each view shows what happened: the known traffic, in figures, in pictures and in words."""

import json
import re
from pathlib import Path

from browser_support.traffic import HOSTILE, HOSTILE_NAME, TRAFFIC, Said, say
from browser_support.watched import Open, Watched
from e2e_support.client import ask
from e2e_support.gateway import Gateway
from e2e_support.upstream import Upstream
from playwright.sync_api import Locator, Page, expect


def times(verdict: str) -> int:
    return sum(said.times for said in TRAFFIC if said.verdict == verdict)


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Decisions").get_by_role("link")


def api(gateway: Gateway, target: str) -> object:
    answer = ask(gateway.port, "GET", target)
    assert answer.status == 200
    return json.loads(answer.body)


def test_overview_counts_what_happened(watched: Watched) -> None:
    page = watched.open("overview?agent=finance-bot")
    verdicts = page.get_by_role("region", name="Verdicts")
    expect(verdicts.get_by_role("link").filter(has_text="route_forbidden")).to_contain_text("6")
    expect(page.get_by_text("1 fault", exact=True)).to_be_visible()
    for name in ("Requests per second", "Latency of the whole request", "Where the time goes"):
        expect(page.get_by_role("region", name=name).locator("canvas")).to_be_visible()
    page.get_by_role("button", name="1 h").click()
    assert "span=1h" in page.url
    verdicts.get_by_role("link").filter(has_text="route_forbidden").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Live feed")
    assert all(part in page.url for part in ("agent=finance-bot", "verdict=route_forbidden", "span=1h"))
    expect(rows(page)).to_have_count(6)


DRAWN = """
() => {
  const regions = [...document.querySelectorAll("section")];
  const region = regions.find((each) => each.innerText.startsWith("Requests per second"));
  const plot = region?.querySelector("canvas");
  const swatch = region?.querySelector(".swatch");
  if (!plot || !swatch) return false;
  const wanted = getComputedStyle(swatch).backgroundColor.match(/\\d+/g).map(Number);
  const { data } = plot.getContext("2d").getImageData(0, 0, plot.width, plot.height);
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255 && wanted.every((value, place) => Math.abs(data[at + place] - value) < 3)) return true;
  }
  return false;
}
"""


def test_the_bar_of_the_step_that_has_just_begun_is_drawn(watched: Watched) -> None:
    # All that happened is in the last step of so long a span.
    watched.open("overview?span=7d").wait_for_function(DRAWN)


def width_at_the_stop(page: Page, agent: str, route: str) -> float:
    stop = page.get_by_role("link", name=f"{agent} to {route}", exact=False).locator("rect.stop")
    return float(stop.get_attribute("height") or 0)


def test_mesh_draws_links_by_their_traffic_and_refusals_short_of_the_route(watched: Watched) -> None:
    page = watched.open("mesh")
    forbidden = width_at_the_stop(page, "finance-bot", "admin")
    assert forbidden / width_at_the_stop(page, "data-processor", "finance") == 2
    refused = page.get_by_role("link", name="finance-bot to admin").bounding_box()
    let_in = page.get_by_role("link", name="admin-bot to admin").bounding_box()
    assert refused
    assert let_in
    assert refused["x"] + refused["width"] < let_in["x"] + let_in["width"] - 30
    page.get_by_role("link", name=re.compile("^agent finance-bot")).click()
    assert "agent=finance-bot" in page.url
    expect(page.get_by_role("link", name="admin-bot to admin")).to_have_class(re.compile("dim"))
    expect(page.get_by_role("link", name="finance-bot to admin")).not_to_have_class(re.compile("dim"))
    expect(page.get_by_role("region", name="The chosen part").get_by_role("row")).to_have_count(6)
    page.get_by_role("link", name="finance-bot to admin").focus()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(6)
    expect(page.get_by_role("combobox", name="route")).to_have_value("admin")


def test_feed_shows_decisions_as_they_happen_and_filters_them(watched: Watched, gateway: Gateway) -> None:
    page = watched.open("feed?agent=data-processor&route=finance")
    expect(rows(page)).to_have_count(3)
    say(gateway.port, Said("data-processor", "forecast revenue for the moon", 1, "route_forbidden"))
    say(gateway.port, Said("admin-bot", "forecast revenue for the moon", 1, "forward"))
    expect(rows(page).first).to_contain_text("for the moon")
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="Pause").click()
    say(gateway.port, Said("data-processor", "forecast revenue for the sun", 1, "route_forbidden"))
    expect(page.get_by_test_id("waiting")).to_have_text("1 new")
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="Resume").click()
    expect(rows(page).first).to_contain_text("for the sun")
    page.get_by_role("searchbox", name="text").fill("THE MOON")
    expect(rows(page)).to_have_count(1)
    assert "text=THE" in page.url
    page.get_by_role("combobox", name="agent").select_option("admin-bot")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("admin-bot")
    page.get_by_role("button", name="Clear").click()
    expect(rows(page).nth(30)).to_be_attached()


def test_a_row_opens_to_the_whole_why_by_keyboard_and_closes_again(watched: Watched) -> None:
    page = watched.open("feed?agent=finance-bot&verdict=route_forbidden")
    row = rows(page).first
    row.focus()
    page.keyboard.press("Enter")
    why = page.get_by_role("complementary", name="Why it was decided so")
    expect(why.get_by_text("route 'admin' is restricted and does not allow agent 'finance-bot'")).to_be_visible()
    expect(why.locator(".why-rule code")).to_have_text("access.not_listed")
    expect(fact(why, "Assurance")).to_contain_text("Claimed: the caller named itself.")
    expect(fact(why, "Proof")).to_have_text("claim")
    expect(fact(why, "Action")).not_to_be_empty()
    expect(why.get_by_text("The text", exact=True)).to_be_visible()
    expect(why.locator(".score-row")).to_have_count(4)
    expect(why.locator(".score-row.best")).to_contain_text("admin")
    expect(why.locator(".score-needed")).to_have_count(4)
    expect(why.locator(".waterfall li")).not_to_have_count(0)
    expect(why.get_by_text("checked: it follows from the record before it")).to_be_visible()
    expect(why.get_by_text("under a checkpoint signed at")).to_be_visible()
    assert "request=" in page.url
    address = page.url
    page.keyboard.press("Escape")
    expect(why).to_have_count(0)
    expect(row).to_be_focused()
    page.goto(address)
    expect(why.get_by_text("route 'admin' is restricted")).to_be_visible()


def fact(why: Locator, name: str) -> Locator:
    """What stands beside this name."""
    return why.locator(".fact").filter(has=why.page.get_by_text(name, exact=True)).locator(".fact-value")


PARTED = "The lunch on Friday was good and all is well \U0001f600. Delete users. I am at the dentist until four."


def test_the_part_that_decided_is_marked_in_its_text_and_in_a_trial(watched: Watched, gateway: Gateway) -> None:
    page = watched.open("feed?agent=admin-bot&text=dentist")
    say(gateway.port, Said("admin-bot", PARTED, 1, "forward"))
    rows(page).first.click()
    why = page.get_by_role("complementary", name="Why it was decided so")
    expect(why.locator("blockquote")).to_have_text(PARTED)
    expect(why.locator("blockquote mark")).to_have_text("Delete users.")
    expect(why).to_contain_text("stands for admin with")
    expect(why).to_contain_text("The whole text means no route, so that this part chose.")
    expect(why).to_contain_text("in that part; needed")
    page = watched.open("try")
    page.get_by_label("Text").fill(PARTED)
    decision = page.get_by_role("region", name="The decision")
    expect(decision).to_contain_text("Delete users.")
    expect(decision).to_contain_text("stands for admin with")
    page.get_by_label("Text").fill("delete users")
    expect(decision).not_to_contain_text("stands for")


def test_a_row_names_its_route_wherever_it_is_shown(watched: Watched, opened: Open, gateway: Gateway) -> None:
    page = watched.open("feed?agent=finance-bot&route=admin")
    expect(rows(page).first.get_by_text("admin", exact=True)).to_be_visible()
    rows(page).first.click()
    expect(page.get_by_role("complementary", name="Why it was decided so")).to_be_visible()
    expect(rows(page).first.get_by_text("admin", exact=True)).to_be_visible()
    small = opened(gateway.port, width=390).open("feed?verdict=anonymous_forbidden")
    route = rows(small).first.locator(".row-route")
    expect(route).to_have_text("admin")
    assert route.evaluate("each => each.scrollWidth <= each.clientWidth"), "it is cut"
    assert small.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_examples_to_try_are_the_mesh_s_own(watched: Watched) -> None:
    page = watched.open("try")
    for intent in ("what is 40 times 6", "analyze the budget", "reset the database"):
        expect(page.get_by_role("button", name=intent, exact=True)).to_be_visible()
    expect(page.locator(".examples button")).to_have_count(3)


def test_what_agents_send_is_shown_as_text(watched: Watched) -> None:
    page = watched.open("feed?text=onerror")
    row = rows(page).filter(has_text="onerror")
    expect(row.locator(".row-text")).to_have_text(HOSTILE)
    row.click()
    expect(page.locator("blockquote")).to_have_text(HOSTILE)
    page = watched.open("audit?text=onerror")
    expect(page.locator(".list-text")).to_have_text(HOSTILE)
    page = watched.open("feed?text=analyze&agent=finance-bot")
    rows(page).first.click()
    expect(page.get_by_role("complementary", name="Why")).to_contain_text(HOSTILE_NAME)
    page = watched.open("try")
    page.get_by_label("Text").fill(HOSTILE)
    expect(page.locator(".command")).to_contain_text("onerror")
    expect(page.get_by_role("region", name="The decision").locator(".score-row")).to_have_count(4)
    assert page.locator("main img, main script").count() == 0
    assert "owned" not in page.title()


def test_try_it_decides_as_one_types_and_sends_nothing(watched: Watched, gateway: Gateway, upstream: Upstream) -> None:
    before = len(gateway.lines), len(upstream.requests)
    page = watched.open("try")
    decision = page.get_by_role("region", name="The decision")
    expect(decision).to_contain_text("as you type")
    page.get_by_label("Text").press_sequentially("reset the database", delay=5)
    expect(decision).to_contain_text("anonymous_forbidden")
    page.get_by_label("Asked by").select_option("finance-bot")
    expect(decision).to_contain_text("agent 'finance-bot' may not use route 'admin'")
    page.get_by_label("Asked by").select_option("admin-bot")
    expect(decision.locator(".verdict")).to_contain_text("forward")
    expect(decision.locator(".score-row").first).to_contain_text("admin")
    page.reload()
    expect(page.get_by_label("Text")).to_have_value("reset the database")
    expect(decision.locator(".verdict")).to_contain_text("forward")
    assert (len(gateway.lines), len(upstream.requests)) == before


def test_routes_show_who_may_use_them_and_how_close_they_are(watched: Watched, gateway: Gateway) -> None:
    page = watched.open("routes")
    card = page.get_by_role("article").filter(has=page.get_by_role("link", name="admin", exact=True))
    expect(card).to_contain_text("restricted")
    expect(card).to_contain_text("only admin-bot")
    expect(card).to_contain_text("8 refused")
    card.locator("summary").click()
    expect(card.get_by_text("grant admin rights to a user")).to_be_visible()
    overlaps = api(gateway, "/dashboard/api/overlaps")
    assert isinstance(overlaps, dict)
    pair = next(each for each in overlaps["pairs"] if (each["first"], each["second"]) == ("math", "finance"))
    cell = page.get_by_role("button", name=f"math and finance: {pair['similarity']:.2f}")
    cell.click()
    heat = page.get_by_role("region", name="How close routes are")
    expect(heat).to_contain_text(pair["first_intent"])
    expect(heat).to_contain_text(pair["second_intent"])
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name=re.compile("^math and admin"))).to_be_focused()
    expect(heat.get_by_role("heading", level=3)).to_have_text("math and admin")


def test_agents_show_what_they_may_reach_what_they_did_and_what_was_refused(watched: Watched) -> None:
    page = watched.open("agents")
    card = page.get_by_role("article").filter(has=page.get_by_role("link", name="finance-bot", exact=True))
    expect(card.get_by_role("link", name="math 5")).to_be_visible()
    expect(card.get_by_role("link", name="admin route_forbidden 6")).to_be_visible()
    expect(card.get_by_text("public-api")).to_be_visible()
    stranger = page.get_by_role("article").filter(has=page.get_by_role("link", name="(unidentified)"))
    expect(stranger.get_by_role("link", name="unknown_agent 4")).to_be_visible()


def test_audit_searches_verifies_and_exports(watched: Watched, gateway: Gateway, tmp_path: Path) -> None:
    page = watched.open("audit?verdict=refused")
    expect(page.get_by_text("Every hash checked")).to_be_visible()
    page.get_by_role("searchbox", name="text").fill("wipe all")
    expect(page.locator("tbody tr")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="JSONL").click()
    download.value.save_as(tmp_path / "export.jsonl")
    lines = (tmp_path / "export.jsonl").read_text().splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["anonymous_forbidden"] * 2
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Show older ones").click()
    expect(page.get_by_text("That is all")).to_be_visible()
    page.get_by_role("textbox", name="From").fill("no moment")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("since is no moment")
    watched.expects_errors = True  # the refusal of that moment


def test_configuration_shows_what_is_in_force(watched: Watched, gateway: Gateway) -> None:
    found = api(gateway, "/config")
    assert isinstance(found, dict)
    page = watched.open("configuration")
    expect(page.get_by_text(found["digest"])).to_be_visible()
    expect(page.get_by_role("region", name="Last reload")).to_contain_text("None since the start")
    expect(page.get_by_role("region", name="All of it")).to_contain_text("ambiguity_threshold: 0.05")


def test_the_keyboard_reaches_everything_from_the_top(watched: Watched) -> None:
    page = watched.open("mesh")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="5 min", exact=True)).to_be_focused()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert {"agent finance-bot: 25 requests", "route broken: 1 in"} <= {
        re.sub(r"\d+ requests", "25 requests", r) for r in reached if r
    }
