"""The clients and their pins, as `pins.toml` has them."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clients import ClientsError

FILE: Final = Path(__file__).with_name("pins.toml")
# A name with its extras, and the version: `==` for Python, `@` for npm, whose names may begin with one.
_PIN: Final = {
    "python": re.compile(r"([a-z0-9-]+(?:\[[a-z0-9,-]+\])?)==([0-9][0-9a-z.]*)"),
    "npm": re.compile(r"(@?[a-z0-9./-]+)@([0-9][0-9a-z.-]*|latest)"),
}


@dataclass(frozen=True, slots=True)
class PinnedClient:
    """A client: `kind` is `python` or `npm`; `wanted` are the requirements that its environment is made from."""

    name: str
    kind: str
    wanted: tuple[str, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of the wanted packages, without extras and versions."""
        return tuple(re.sub(r"\[.*\]", "", _without_version(self.kind, pin)) for pin in self.wanted)


def load(text: str, *, newest: bool = False) -> tuple[PinnedClient, ...]:
    """The clients of a file of pins, in its order; with `newest`, without versions. Raises ClientsError."""
    try:
        kinds: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ClientsError(f"{FILE.name} is no TOML: {error}") from error
    made = []
    for kind, clients in kinds.items():
        if kind not in _PIN:
            raise ClientsError(f"{FILE.name}: [{kind}] is neither [python] nor [npm]")
        for name, pins in clients.items():
            wrong = [pin for pin in pins if not _PIN[kind].fullmatch(pin) or pin.endswith("@latest")]
            if wrong or not pins:
                raise ClientsError(f"{FILE.name}: {name} needs exact versions, and {wrong or 'nothing'} is none")
            wanted = [_newest(kind, pin) for pin in pins] if newest else pins
            made.append(PinnedClient(name, kind, tuple(wanted)))
    return tuple(made)


def _newest(kind: str, pin: str) -> str:
    # Without a tag npm takes an older one where the newest is said to need another Node.js.
    return _without_version(kind, pin) + ("@latest" if kind == "npm" else "")


def _without_version(kind: str, pin: str) -> str:
    found = _PIN[kind].fullmatch(pin)
    return found[1] if found else pin
