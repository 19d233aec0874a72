"""Reads the URL of an upstream, strictly: what could be understood in two ways is refused."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import unquote

from aimux.core.policy import Upstream

_LONGEST: Final = 2048
_SCHEME: Final = re.compile(r"(https?)://", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::(.*))?", re.DOTALL)
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_PATH: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_LIKE: Final = "write it as http://host:port or https://host/path"


class UpstreamError(ValueError):
    """Why a text is no upstream. `{value}` in the message stands for the text, where that may be shown."""

    def __init__(self, message: str, remedy: str = _LIKE) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def parse_upstream(url: str, ca_file: str | None = None) -> Upstream:
    """The upstream that a URL names; `ca_file` is kept where the URL is https.

    Raises UpstreamError.
    """
    _refuse_strange_characters(url)
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise UpstreamError(f"{_shown(url)} is not an http or https URL")
    for sign, part in (("#", "a fragment (#)"), ("?", "a query (?)")):
        if sign in url:
            raise UpstreamError(f"the URL has {part}", "end it before that; a request brings its own path and query")
    authority, slash, rest = url[scheme.end() :].partition("/")
    if "@" in authority:
        raise UpstreamError("the URL holds a user name or password", "remove everything up to the @")
    secure = scheme[1].lower() == "https"
    host, port = _host_and_port(authority, 443 if secure else 80)
    base_path = _base_path(slash + rest)
    bracketed = f"[{host}]" if ":" in host else host
    canonical = f"{scheme[1].lower()}://{bracketed}{'' if port == (443 if secure else 80) else f':{port}'}{base_path}"
    return Upstream(canonical, secure, host, port, base_path, ca_file if secure else None)


def is_host(text: str) -> bool:
    """Whether a text is a host name, an IPv4 address or a bare IPv6 address."""
    return _is_ipv6(text) if ":" in text else _is_name_or_ipv4(text)


def _refuse_strange_characters(url: str) -> None:
    if not url:
        raise UpstreamError("the URL is empty")
    if len(url) > _LONGEST:
        raise UpstreamError(f"the URL is longer than {_LONGEST} characters", "shorten it")
    if "\\" in url:
        raise UpstreamError(f"{_shown(url)} holds a backslash", "write / where a path goes on")
    if any(c.isspace() or not c.isprintable() for c in url):
        raise UpstreamError(f"{_shown(url)} holds a space or a control character", "remove it")
    if not url.isascii():
        raise UpstreamError(
            f"{_shown(url)} holds a character outside ASCII",
            "write a host name as xn--..., and a path percent-encoded",
        )


def _host_and_port(authority: str, default_port: int) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise UpstreamError("{value} has no clear host and port", "put an IPv6 address in brackets: http://[::1]:8000")
    host, port = found[1], found[2]
    if host.startswith("["):
        host = host[1:-1]
        if not _is_ipv6(host):
            raise UpstreamError("{value} has no IPv6 address between the brackets", "write it as in http://[::1]:8000")
        host = IPv6Address(host).compressed
    elif not host:
        raise UpstreamError("the URL names no host")
    elif not _is_name_or_ipv4(host):
        raise UpstreamError("{value} names a host that is neither a name nor an IP address")
    if port is None:
        return host.lower(), default_port
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise UpstreamError("{value} has no valid port after the colon", "write a number from 1 to 65535 there")
    return host.lower(), int(port)


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and bool(IPv6Address(text).packed)
    except AddressValueError:
        return False


def _is_name_or_ipv4(text: str) -> bool:
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    if not re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", labels[-1]):
        return True
    # A last part that is a number makes the whole an address, which resolvers read in many ways: only four decimal
    # parts without leading zeros are clear.
    try:
        return bool(IPv4Address(text).packed)
    except AddressValueError:
        return False


def _base_path(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise UpstreamError("the path of the URL holds a character that has to be percent-encoded", "encode it as %XX")
    path = path.removesuffix("/")
    if "//" in path or path.endswith("/"):
        raise UpstreamError("the path of the URL has an empty part (//)", "write a single /")
    if any(part in (".", "..") for part in re.split(r"[/\\]", unquote(path))):
        raise UpstreamError("the path of the URL has a part . or ..", "write out the path that it leads to")
    if any(not c.isprintable() for c in unquote(path, errors="replace")):
        raise UpstreamError("the path of the URL holds an encoded control character", "remove it")
    return path


def _shown(url: str) -> str:
    """How a message names the URL: one that could hold a secret is not shown."""
    return "this value" if any(sign in url for sign in "@?#") else "{value}"
