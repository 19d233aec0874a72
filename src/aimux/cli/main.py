"""The entry point of the `aimux` command: what every command does when it ends, well or not."""

import os
import sys
from typing import NoReturn

from aimux.signals import hold


def main() -> NoReturn:
    """Run the command line of this process and leave with its exit code: 0 ok, 1 failure, 2 wrong usage or setup."""
    if _runs_gateway(sys.argv[1:]):  # before anything else: loading the rest takes most of the start
        hold()
        _keep_standard_numbers()
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 1
    except Exception as error:
        if os.environ.get("AIMUX_DEBUG"):
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())
        _complain(f"internal error: {what}; run again with AIMUX_DEBUG=1 for the traceback")
        code = 1
    sys.exit(_flushed(code))


def _runs_gateway(arguments: list[str]) -> bool:
    """Whether the command line is that of a gateway: `aimux run ...`, `aimux --config FILE`. SIGHUP ends the others."""
    return arguments[:1] == ["run"] or (bool(arguments) and arguments[0].startswith(("-c", "--config")))


def _keep_standard_numbers() -> None:
    """Open /dev/null in place of standard input, output and error that are closed: no socket may get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _run(arguments: list[str]) -> int:
    # Scripts ask for the version often, and loading the command line takes ten times longer than the answer.
    if arguments in (["version"], ["--version"]):
        from aimux.cli.version import version

        return version()
    import typer

    from aimux.cli.commands import app

    try:
        typer.main.get_command(app).main(arguments, prog_name="aimux")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _flushed(code: int) -> int:
    """The exit code, once all output has left. Where its reader is gone there is nothing to say."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            _complain(f"the output cannot be written: {error.strerror}")
        return 1
    return code


def _complain(message: str) -> None:
    from aimux.cli.console import last_words

    last_words(f"aimux: {message}")
