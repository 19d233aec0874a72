"""Where an upstream's redirect leads a client: to a path at the gateway that it asked, or nowhere."""

import re
from typing import Final
from urllib.parse import parse_qsl

from aimux.core.policy import Upstream
from aimux.core.reason import Failure
from aimux.wire.redirects import Asked, Kept, kept_at_gateway
from fuzz import seeds
from fuzz.target import Target, expect

GATEWAY: Final = "gateway:8080"
_BASES: Final = ("", "/base")
_SPEAKING: Final = frozenset({"client_id", "q"})
_ADDRESS: Final = re.compile(rb"(?im)^(?:location|refresh): (.*?)\r?$")
_BLANKS: Final = "".join(map(chr, range(33)))


def check(data: bytes) -> None:
    """Send what follows the first byte, which chooses base path and header, as an address."""
    if not data or b"\r" in data or b"\n" in data:
        return
    base, value = _BASES[data[0] % 2], data[1:].strip(b" \t")
    upstream = Upstream(f"http://x:8001{base}", False, "x", 8001, base)
    asked = Asked(Kept(upstream, _SPEAKING), f"{base}/a?q=b".encode(), (GATEWAY.encode(),))
    name, status = (b"location", 302) if data[0] & 2 else (b"refresh", 200)
    try:
        ((_, line),) = kept_at_gateway([(name, name + b": " + value)], status, asked)
    except Failure:
        return
    found = line[len(name) + 2 :]
    if name == b"refresh":
        seconds, sign, found = found.partition(b"; url=")
        if not sign:
            expect("a Refresh without an address is seconds", kept=re.fullmatch(rb"[0-9.]+", seconds) is not None)
            return
    expect("an address is a path, and no host", kept=re.match(rb"/(?![/\\])", found) is not None)
    expect("an address is plain ASCII", kept=re.fullmatch(rb"[\x21-\x7e]+", found) is not None)
    expect("a browser asks the gateway next", kept=browser_host(found.decode("ascii")) == GATEWAY)
    query = found.partition(b"#")[0].partition(b"?")[2].decode("ascii")
    spoken = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] in _SPEAKING]
    expect("nobody speaks for the client", kept=set(spoken) <= {("q", "b")})


def browser_host(text: str) -> str:
    """The host that a browser asks next, which asked the gateway: blanks go, and a backslash is a slash."""
    text = re.sub(r"[\t\r\n]", "", text.strip(_BLANKS))
    end = re.search(r"[?#]", text)
    path = text[: end.start()] if end else text
    text = path.replace("\\", "/") + text[len(path) :]
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    if scheme and scheme[1].lower() not in {"http", "https"}:
        return scheme[0]
    rest = text[scheme.end() :] if scheme else text
    if not rest.startswith("//") and (scheme is None or scheme[1].lower() == "http"):
        return GATEWAY
    return re.split(r"[/?#]", rest.lstrip("/"), maxsplit=1)[0]


def _addresses() -> list[bytes]:
    found = [address for response in seeds.responses() for address in _ADDRESS.findall(response)]
    return [bytes([at]) + address for address in dict.fromkeys(found) for at in (0, 2, 3)]


TARGET = Target(
    "redirects",
    check,
    _addresses,
    (
        *(b"http://", b"https://", b"//", b"/\\", b"\\\\", b"x:8001", b"gateway:8080", b"/base", b"/../", b"%2e%2e"),
        *(b"; url=", b"'", b'"', b"?q=", b"&client_id=", b"@", b"[::1]", b"javascript:"),
    ),
    longest=512,
)
