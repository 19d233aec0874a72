"""The files of the web page, read once and kept, under their exact names, with what keeps the page to itself.

The page comes from this gateway alone and speaks to this gateway alone: its policy lets it do nothing else.
"""

from pathlib import Path
from typing import Final

from aimux.admin.page import Page

FOLDER: Final = Path(__file__).resolve().parents[1] / "bundle" / "dashboard"
ROOT: Final = b"/dashboard/"

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
_HARDENING: Final = (
    b"Content-Security-Policy: " + _POLICY,
    b"X-Content-Type-Options: nosniff",
    b"Referrer-Policy: no-referrer",
    b"Cross-Origin-Opener-Policy: same-origin",
    b"Cross-Origin-Embedder-Policy: require-corp",
    b"Cross-Origin-Resource-Policy: same-origin",
    b"Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
)
_FRESH: Final = (b"Cache-Control: no-store", *_HARDENING)
# A file whose name has its content's hash in it never changes.
_LASTING: Final = (b"Cache-Control: private, max-age=31536000, immutable", *_HARDENING)
_HTML: Final = b"text/html; charset=utf-8"
_TYPES: Final = {
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_NOT_BUILT: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>AIMux: the dashboard is not built</title>
<h1>The dashboard is not built</h1>
<p>The gateway runs; only this page is missing. In the checkout, this builds it (with the machine's Node.js or one that
it installs):</p>
<pre>make dashboard</pre>
<p>Then start the gateway again. Until then: <a href="/routes">routes</a>, <a href="/agents">agents</a>,
<a href="/config">configuration</a>, <a href="/metrics">metrics</a>, <a href="/audit">audit</a>.</p>
</html>
"""


def dashboard_files(folder: Path = FOLDER) -> dict[bytes, Page]:
    """What is answered at each path of the web page: the built page, or one that says how to build it."""
    moved = Page(308, b"text/plain; charset=utf-8", b"", (b"Location: " + ROOT, *_FRESH))
    files = {ROOT.rstrip(b"/"): moved, ROOT: Page(200, _HTML, _NOT_BUILT, _FRESH)}
    index = folder / "index.html"
    if index.is_file():
        files[ROOT] = Page(200, _HTML, index.read_bytes(), _FRESH)
        for path in sorted((folder / "assets").iterdir()):
            if path.is_file() and path.suffix in _TYPES:
                name = ROOT + b"assets/" + path.name.encode("ascii")
                files[name] = Page(200, _TYPES[path.suffix], path.read_bytes(), _LASTING)
    return files
