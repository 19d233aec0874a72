"""The arguments and options that several commands have alike."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from aimux.cli.defaults import DEFAULT_CONFIG

FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help=f"Configuration file.  [default: {DEFAULT_CONFIG}]", show_default=False),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The configuration file, as an option.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]


def named(file: Path | None, config: Path | None) -> Path | None:
    """The configuration that a command line names, as an argument or by --config. Raises BadParameter for both."""
    if file is not None and config is not None:
        raise typer.BadParameter(f"give the configuration once: {file}, or --config {config}")
    return file or config


def configuration(file: Path | None, config: Path | None) -> Path:
    """The same, or the usual file where none is named. Raises BadParameter for both."""
    return named(file, config) or DEFAULT_CONFIG


def examples(*lines: str) -> str:
    """Lines under a heading, kept as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def leave(code: int) -> NoReturn:
    """End the command with this exit code."""
    raise typer.Exit(code)
