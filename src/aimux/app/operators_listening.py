"""The sockets at which operators alone are heard: one in the folder of the state, and that of `admin.listen`."""

import errno
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aimux.app.errors import StartError
from aimux.app.listening import bind_address, listen, url_of
from aimux.config.listen_address import UNIX, TcpAddress, UnixAddress, read_address
from aimux.config.schema import Config
from aimux.edge.log import Log
from aimux.edge.unix_socket import ADMIN_SOCKET, LiveSocketError, SocketFile, bind_file
from aimux.state.folder import prepare
from aimux.state.store import StateError

_OWNER_ALONE: Final = 0o600
_GROUP_TOO: Final = 0o660


@dataclass(slots=True)
class OperatorsSockets:
    """Sockets that listen already. `addresses` are those that were configured, as they were really taken.

    `missing` says why there is no socket in the folder of the state, and what to do; None where there is one.
    """

    sockets: list[socket.socket] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    missing: str | None = None
    _files: list[SocketFile] = field(default_factory=list)

    async def open(self, config: Config) -> None:
        """Listen as the configuration says. Raises StartError where that is not possible at `admin.listen`."""
        if config.admin.listen is not None:
            await _listen_at(config.admin.listen, self)
        _listen_by_default(config, self)

    def close(self) -> None:
        """Hear nobody any more, and remove the files."""
        for each in self._files:
            each.close()
        for bound in self.sockets:
            bound.close()

    def add(self, sockets: Sequence[socket.socket], address: str) -> None:
        """Listen on these too."""
        for each in sockets:
            listen(each)
        self.sockets += sockets
        self.addresses.append(address)

    def add_file(self, file: SocketFile) -> None:
        """Listen on this one too."""
        self._files.append(file)
        listen(file.socket)
        self.sockets.append(file.socket)

    def listens_at(self, path: Path) -> bool:
        """Whether it is one of these that listens at a path."""
        return any(path.exists() and path.samefile(each.path) for each in self._files)


def tell_of(sockets: OperatorsSockets, log: Log) -> None:
    """Log where operators are heard, and where not."""
    for address in sockets.addresses:
        log.event.info("operators", detail="operators are answered here, and agents are not", url=address)
    if sockets.missing is not None:
        log.event.warning("operators", detail=sockets.missing)


async def _listen_at(text: str, found: OperatorsSockets) -> None:
    address = read_address(text)
    if isinstance(address, TcpAddress):
        sockets = await bind_address(address.host, address.port, lambda error: _taken(text, error))
        found.add(sockets, url_of(address.host, sockets[0].getsockname()[1]))
        return
    found.add_file(_bound(address, text))
    found.addresses.append(text)


def _bound(address: UnixAddress, text: str) -> SocketFile:
    try:
        return bind_file(address.path, _GROUP_TOO)
    except LiveSocketError as error:
        remedy = "stop what listens there, or choose another path with admin.listen"
        raise StartError(f"cannot listen on {text}: another gateway does already; {remedy}") from error
    except OSError as error:
        raise _taken(text, error) from error


def _listen_by_default(config: Config, found: OperatorsSockets) -> None:
    path = config.state.path / ADMIN_SOCKET
    try:
        prepare(path.parent)
        found.add_file(bind_file(path, _OWNER_ALONE))
    except LiveSocketError:
        if found.listens_at(path):  # admin.listen names this very socket
            return
        found.missing = _without(str(path), "another gateway listens there", "give each gateway its own state.path")
    except StateError as error:
        found.missing = _without(str(path), "its folder is not the gateway's alone", str(error))
    except OSError as error:
        found.missing = _without(str(path), _words(error), "set state.path to a folder that the gateway can write to")


def _without(path: str, why: str, remedy: str) -> str:
    return (
        f"there is no Unix socket for operators at {path}: {why}; `aimux reload` finds this gateway by --at URL only, "
        f"with a token; {remedy}"
    )


def _taken(text: str, error: OSError) -> StartError:
    remedy = "choose another address with admin.listen"
    if text.startswith(UNIX):
        remedy = "admin.listen needs a folder that is there and that the gateway can write to, and a name that is free"
        if error.errno == errno.ENAMETOOLONG:
            remedy = "choose a shorter path with admin.listen"
    return StartError(f"cannot listen on {text}: {_words(error)}; {remedy}")


def _words(error: OSError) -> str:
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))
