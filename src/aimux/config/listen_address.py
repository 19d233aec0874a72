"""An address to listen on: a host with a port, or the path of a Unix socket."""

import re
from pathlib import Path
from typing import Final

from aimux.config.upstream_url import is_host
from aimux.core.values import value

UNIX: Final = "unix:"
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+):([0-9]{1,5})")
_FORMS: Final = "write a host and a port as in 127.0.0.1:9090 or [::1]:9090, or unix: and a path"


@value
class TcpAddress:
    """A host, an IPv6 address without its brackets, and a port. Port 0 takes any free one."""

    host: str
    port: int


@value
class UnixAddress:
    """The path of a Unix socket."""

    path: Path


def read_address(text: str) -> TcpAddress | UnixAddress:
    """The address that a text says. Raises ValueError, whose message says how one is written."""
    if text.startswith(UNIX):
        path = text.removeprefix(UNIX)
        if not path or not path.isprintable() or path.endswith("/"):
            raise ValueError(_FORMS)
        return UnixAddress(Path(path))
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None or int(found[2]) > 65535:
        raise ValueError(_FORMS)
    host = found[1].strip("[]")
    if not is_host(host):
        raise ValueError(_FORMS)
    return TcpAddress(host, int(found[2]))
