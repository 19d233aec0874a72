"""What is run in a client's own environment: each script plays situations with one client and says what its user sees.

Importing this package closes the way out: names other than this machine's are not looked up, and are noted.
"""

import socket
from typing import Any, Final

REACHED: Final[list[str]] = []
"""The hosts elsewhere that the client has asked for, in order, each as often as it did."""
_HERE: Final = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"}
_look_up: Final = socket.getaddrinfo


def _look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in _HERE or name == socket.gethostname():
        return _look_up(host, *arguments, **options)
    REACHED.append(str(name))
    raise socket.gaierror(socket.EAI_NONAME, "the way out is closed here")


socket.getaddrinfo = _look_up_here
