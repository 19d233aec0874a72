"""What the page shows where there is nothing, not yet anything, or not any more: designed states, and the way back."""

import json
import re
from pathlib import Path

from browser_support.traffic import Said, config, say
from browser_support.watched import Open
from e2e_support.client import ask
from e2e_support.gateway import Gateway, write_config
from e2e_support.upstream import Upstream
from e2e_support.waiting import until
from playwright.sync_api import Route, expect


def begin(folder: Path, settings: dict[str, object], port: int = 0) -> Gateway:
    gateway = Gateway(write_config(folder / "aimux.yaml", {**settings, "server": {"port": port}}))
    gateway.wait_listening()
    gateway.wait_ready()
    return gateway


def test_from_nothing_to_traffic_through_a_restart_and_a_failed_reload(
    opened: Open, upstream: Upstream, dead_port: int, free_port: int, tmp_path: Path
) -> None:
    settings = config(upstream, dead_port)
    gateway = begin(tmp_path, settings, free_port)
    try:
        watched = opened(free_port)
        watched.expects_errors = True  # the browser itself tells of every request that found nobody
        page = watched.open("overview")
        expect(page.get_by_text("No requests in the last 15 min")).to_be_visible()
        page = watched.open("mesh")
        expect(page.get_by_text("No traffic in the last 15 min")).to_be_visible()
        expect(page.get_by_role("link", name="agent finance-bot: idle")).to_be_visible()
        page = watched.open("feed")
        expect(page.get_by_text("No agent has asked anything yet")).to_be_visible()
        rows = page.get_by_role("list", name="Decisions").get_by_role("link")
        say(free_port, Said("finance-bot", "analyze the budget", 1, "forward"))
        expect(rows).to_have_count(1)

        gateway.close()
        expect(page.get_by_test_id("disconnected")).to_contain_text(re.compile(r"as of \d\d:\d\d:\d\d"))
        expect(rows).to_have_count(1)
        gateway = begin(tmp_path, settings, free_port)
        expect(page.get_by_test_id("disconnected")).to_have_count(0)
        say(free_port, Said("finance-bot", "forecast revenue", 1, "forward"))
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("forecast revenue")

        line = gateway.reload("routes: nonsense\n")
        assert line["event"] == "reload"
        page = watched.open("configuration")
        expect(page.get_by_role("region", name="Last reload")).to_contain_text("Not taken over")
        expect(page.locator(".problems li").first).to_contain_text("routes")
    finally:
        gateway.close()


def test_without_an_audit_log_the_page_says_so(opened: Open, upstream: Upstream, tmp_path: Path) -> None:
    settings = {"routes": [{"name": "plain", "upstream": upstream.url}], "audit": {"enabled": False}}
    gateway = begin(tmp_path, settings)
    try:
        watched = opened(gateway.port)
        watched.expects_errors = True
        for view in ("overview", "mesh", "feed"):
            page = watched.open(view)
            expect(page.get_by_text("audit.enabled is false")).to_be_visible()
        page = watched.open("audit")
        expect(page.get_by_text("Nothing is recorded")).to_be_visible()
        page = watched.open("routes")
        expect(page.get_by_text("Fewer than two routes have intents.")).to_be_visible()
        expect(page.get_by_role("article")).to_contain_text("Reached by its name only")
    finally:
        gateway.close()


def test_waiting_and_failing_look_like_it(opened: Open, gateway: Gateway) -> None:
    watched = opened(gateway.port)
    watched.expects_errors = True
    page = watched.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/audit/stats*", hold)
    page.goto(f"{watched.origin}dashboard/#/overview")
    expect(page.get_by_role("status")).to_have_text("Reading the sums")
    until(lambda: page.evaluate("1") and held, "a request that waits")
    error = {"code": "not_ready", "type": "unavailable", "status": 503, "message": "being built", "request_id": "1"}
    held[0].fulfill(status=503, body=json.dumps({"error": error}))
    expect(page.get_by_role("alert")).to_contain_text("being built")
    page.unroute("**/audit/stats*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="Verdicts")).to_be_visible()


def test_the_gateway_that_is_asked_from_elsewhere_shows_nothing(gateway: Gateway) -> None:
    for target in ("/dashboard/", "/dashboard/api/try?text=x", "/dashboard/api/overlaps"):
        assert ask(gateway.port, "GET", target, host="evil.example").status == 403
