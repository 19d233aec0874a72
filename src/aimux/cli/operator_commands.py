"""The `aimux operators` commands with their options and help."""

from typing import Annotated

import typer

from aimux.cli.options import examples, leave
from aimux.core.operator import Role

app = typer.Typer(help="Make tokens for operators.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make tokens for operators."""


@app.command(epilog=examples("aimux operators new night-shift", "aimux operators new ann --role operator"))
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The operator's name, such as night-shift.")],
    role: Annotated[
        Role, typer.Option(help="viewer reads, operator gives commands too.", case_sensitive=False)
    ] = Role.VIEWER,
) -> None:
    """Make a token for an operator.

    Prints the token, this once, and the lines to paste into the configuration,
    which hold its digest only. Nothing is written.
    """
    from aimux.cli.operators import new as command

    leave(command(name, role.value))
