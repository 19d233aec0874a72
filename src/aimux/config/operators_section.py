"""The sections `operators` and `admin`: who reads and commands the gateway, and where it listens for them."""

from typing import Annotated, Literal

from aimux.config.fields import ListenAddress, Name, TokenDigest
from aimux.config.section import Section, choice


class OperatorTokenConfig(Section):
    """What an operator's token is checked against. The token itself stands nowhere."""

    digest: TokenDigest
    """SHA-256 of the token, as `aimux operators new` writes it: sha256: and 64 hexadecimal digits."""


class OperatorConfig(Section):
    """Somebody who reads the gateway's pages, or gives it commands too."""

    name: Name
    """The operator's name, unique, in kebab-case or snake_case. `admin` is that of server.admin_token."""
    token: OperatorTokenConfig
    """The bearer token that proves it."""
    role: Annotated[Literal["viewer", "operator"], choice("viewer", "operator")] = "viewer"
    """What it may do: viewer reads, operator gives commands too."""


class AdminConfig(Section):
    """Where the gateway listens for operators: see operators.md."""

    listen: ListenAddress | None = None
    """Address of a listener of operators' own, such as 127.0.0.1:9090 or unix:PATH. Absent: they share server.port."""
