"""Every view in both themes and at both widths: nothing overflows, nothing is asked of elsewhere, nothing fails."""

import os
from pathlib import Path

import pytest
from browser_support.pictures import packed
from browser_support.watched import VIEWS, Open, Watched
from e2e_support.gateway import ROOT, Gateway
from playwright.sync_api import Page, expect

PICTURES = ROOT / "docs" / "images"
WANTED = bool(os.environ.get("AIMUX_SCREENSHOTS"))
# For pictures the mesh is at work for some minutes first.
pytestmark = pytest.mark.timeout(600)
SHOWN = {
    ("light", 1280): ("mesh", "feed"),
    ("dark", 1280): ("mesh", "overview"),
    ("light", 390): ("mesh",),
}
# Contrast as WCAG 2 computes it, of every piece of text in sight with the ground that it stands on.
CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const over = (top, below) => below.map((value, i) => top[i] * top[3] + value * (1 - top[3])).slice(0, 3).concat(1);
  const ground = (element) => {
    if (!element) return [1, 1, 1, 1];
    const own = parse(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, ground(element.parentElement));
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const unseen = !element.checkVisibility() || element.closest(".unseen, option, .skip, title");
    if (unseen || !walker.currentNode.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const text = element.closest("svg") ? style.fill : style.color;
    const [light, dark] = [luminance(over(parse(text), below)), luminance(below)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    const name = element.className.baseVal ?? element.className;
    if (contrast < 4.5) poor.push(`${contrast.toFixed(2)} ${name}: ${element.textContent}`);
  }
  return [...new Set(poor)];
}
"""


def take(page: Page, view: str, scheme: str, width: int) -> None:
    """Keep a picture, where somebody has asked for pictures."""
    if WANTED and view in SHOWN.get((scheme, width), ()):
        PICTURES.mkdir(parents=True, exist_ok=True)
        suffix = "narrow" if width < 800 else scheme
        picture = page.screenshot(animations="disabled")
        (PICTURES / f"dashboard-{view}-{suffix}.png").write_bytes(packed(picture))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_in_every_look(opened: Open, gateway: Gateway, scheme: str, width: int) -> None:
    watched = opened(gateway.port, width=width, height=860 if width > 800 else 844, scheme=scheme)
    for view in VIEWS:
        place = "try?try=reset+the+database&as=finance-bot" if view == "try" else f"{view}?span=5m"
        page = watched.open(place)
        expect(page.get_by_role("link", name="Overview")).to_be_attached()
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        assert page.evaluate(CONTRAST) == [], (view, scheme)
        if view == "feed" and width > 800:
            page.get_by_role("list", name="Decisions").get_by_role("link").filter(
                has_text="route_forbidden"
            ).first.click()
            page.get_by_text("under a checkpoint").wait_for()
        take(page, view, scheme, width)


def test_the_theme_that_is_chosen_stays(watched: Watched) -> None:
    page = watched.open("overview")
    page.get_by_role("button", name="Dark", exact=True).click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    expect(page.get_by_role("button", name="Dark", exact=True)).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="As the system").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_the_pictures_of_the_documents_are_small() -> None:
    pictures = sorted(Path(PICTURES).glob("dashboard-*.png"))
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > 200_000] == []
