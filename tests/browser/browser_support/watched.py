"""A page that keeps account of what must not happen on it: errors, requests to elsewhere, sideways scrolling."""

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page, Request, expect

VIEWS = ("overview", "mesh", "feed", "try", "routes", "agents", "audit", "configuration")


@dataclass
class Watched:
    """A page of the dashboard of the gateway at this port."""

    page: Page
    port: int
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    expects_errors: bool = False

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:")):
            self.elsewhere.append(request.url)

    @property
    def origin(self) -> str:
        """Where the page comes from."""
        return f"http://localhost:{self.port}/"

    def open(self, place: str) -> Page:
        """Go to a view, with its filters, and wait until it has read what it shows."""
        self.page.goto(f"{self.origin}dashboard/#/{place}")
        self.page.get_by_role("heading", level=1).wait_for()
        expect(self.page.locator(".state-loading, .outdated")).to_have_count(0)
        return self.page

    def check(self) -> None:
        """Nothing has happened that must not."""
        assert self.elsewhere == []
        assert self.expects_errors or self.errors == []


Open = Callable[..., Watched]
