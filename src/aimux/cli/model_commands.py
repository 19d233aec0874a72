"""The `aimux model` commands with their options and help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aimux.cli.options import ConfigOption, FileArgument, examples, leave, named

app = typer.Typer(help="Get the embedding model.", rich_markup_mode=None, no_args_is_help=True)


class Precision(StrEnum):
    """How exactly the model's numbers are kept."""

    INT8 = "int8"
    FP32 = "fp32"


@app.command(epilog=examples("aimux model pull", "aimux model pull --precision fp32", "aimux model pull mesh.yaml"))
def pull(
    precision: Annotated[
        Precision, typer.Option(help="int8 is four times smaller and faster, fp32 exact.")
    ] = Precision.INT8,
    file: FileArgument = None,
    config: ConfigOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Put the model here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Build it again also where it is there already.")] = False,
) -> None:
    """Fetch the published weights and build the model.

    It is put where model_path of the configuration says, or where --output does.
    The weights are checked against known digests; on a mismatch nothing is kept.
    """
    from aimux.cli.model import pull as command

    leave(command(precision.value, named(file, config), output, force=force))
