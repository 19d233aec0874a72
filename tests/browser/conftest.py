"""Chromium, and a gateway whose traffic is known."""

import contextlib
import os
import random
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

# The processes, clients and upstreams are those of the end-to-end tests, the old log is that of the audit log's.
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[1] / "audit"))
sys.path.insert(0, str(Path(__file__).parent))

from browser_support.traffic import config, contradict, live_for, play
from browser_support.watched import Open, Watched
from e2e_support.gateway import ROOT, Gateway, write_config
from e2e_support.upstream import Upstream

PICTURES_WANTED = bool(os.environ.get("AIMUX_SCREENSHOTS"))
PAGE = ROOT / "src" / "aimux" / "bundle" / "dashboard" / "index.html"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that open a browser: Playwright's own Node.js needs libatomic."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.needs("chromium", "libatomic1"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's Chromium, for the page that `make dashboard` has built."""
    program = shutil.which("chromium")
    assert program is not None
    assert PAGE.exists(), "the dashboard is not built: make dashboard"
    return program


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A running browser. No longer than for a module: while it runs its thread has an event loop, which others mind."""
    expect.set_options(timeout=15_000)  # as long as a slow machine may need; what is there is found at once
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def free_port() -> int:
    """A free port of 127.0.0.1 that no outgoing connection gets while a gateway starts there again."""
    for port in random.sample(range(15_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports are taken")


@pytest.fixture(scope="session")
def dead_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nobody listens, and nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """What all routes but the broken one lead to."""
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="session")
def gateway(
    chromium: str, upstream: Upstream, dead_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway through which the known traffic has gone."""
    folder = tmp_path_factory.mktemp("browser")
    gateway = Gateway(write_config(folder / "aimux.yaml", config(upstream, dead_port)))
    try:
        gateway.wait_listening()
        gateway.wait_ready()
        play(gateway)
        contradict(gateway.port)
        if PICTURES_WANTED:
            live_for(gateway, 270)
        yield gateway
    finally:
        gateway.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens pages, and checks at the end of the test that nothing happened on them that must not."""
    made: list[Watched] = []

    def begin(
        port: int, *, width: int = 1280, height: int = 860, scheme: str = "light", motion: str = "reduce"
    ) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion=motion,  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        made.append(Watched(context.new_page(), port))
        return made[-1]

    yield begin
    for watched in made:
        watched.page.context.close()
    for watched in made:
        watched.check()


@pytest.fixture
def watched(opened: Open, gateway: Gateway) -> Watched:
    """A page of the gateway with the known traffic."""
    return opened(gateway.port)
