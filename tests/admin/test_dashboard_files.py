"""The files of the web page: read once, under their exact names, with a policy that keeps the page to itself."""

from pathlib import Path

import pytest

from aimux.admin.dashboard import dashboard_files
from aimux.admin.page import Page


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder like the one that the page is built into."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>built")
    for name in ("index-a1b2.js", "index-c3d4.css", "icon-e5f6.svg", "notes.txt"):
        (tmp_path / "assets" / name).write_text(name)
    return tmp_path


def policy(page: Page) -> dict[str, str]:
    line = next(line for line in page.headers if line.startswith(b"Content-Security-Policy: "))
    rules = line.decode().removeprefix("Content-Security-Policy: ").split("; ")
    return dict(rule.split(" ", 1) for rule in rules)


def test_each_file_has_its_exact_path_and_type(built: Path) -> None:
    files = dashboard_files(built)
    assert {path: page.content_type.split(b";")[0] for path, page in files.items() if page.status == 200} == {
        b"/dashboard/": b"text/html",
        b"/dashboard/assets/index-a1b2.js": b"text/javascript",
        b"/dashboard/assets/index-c3d4.css": b"text/css",
        b"/dashboard/assets/icon-e5f6.svg": b"image/svg+xml",
    }
    assert files[b"/dashboard/"].body == b"<!doctype html>built"


def test_the_short_address_leads_to_the_page(built: Path) -> None:
    moved = dashboard_files(built)[b"/dashboard"]
    assert moved.status == 308
    assert b"Location: /dashboard/" in moved.headers


def test_hashed_files_are_kept_by_browsers_and_the_page_is_not(built: Path) -> None:
    files = dashboard_files(built)
    assert b"Cache-Control: no-store" in files[b"/dashboard/"].headers
    assert b"Cache-Control: private, max-age=31536000, immutable" in files[b"/dashboard/assets/index-a1b2.js"].headers


@pytest.mark.parametrize("is_built", [True, False])
def test_every_answer_is_hardened(built: Path, tmp_path_factory: pytest.TempPathFactory, is_built: bool) -> None:
    for page in dashboard_files(built if is_built else tmp_path_factory.mktemp("nothing")).values():
        rules = policy(page)
        assert rules["default-src"] == "'none'"
        assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
        assert not any("unsafe" in value or "*" in value or "http" in value for value in rules.values())
        assert b"X-Content-Type-Options: nosniff" in page.headers
        assert b"Referrer-Policy: no-referrer" in page.headers
        assert b"Cross-Origin-Resource-Policy: same-origin" in page.headers


def test_where_it_is_not_built_the_page_says_how(tmp_path: Path) -> None:
    files = dashboard_files(tmp_path)
    assert files.keys() == {b"/dashboard", b"/dashboard/"}
    assert b"make dashboard" in files[b"/dashboard/"].body
    assert b"Node.js" in files[b"/dashboard/"].body
