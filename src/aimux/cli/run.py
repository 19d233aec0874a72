"""`aimux run`: runs the gateway in the foreground."""

import os
import sys
from pathlib import Path

from aimux.cli import console
from aimux.cli.loading import load_or_report


def run(config: Path, *, strict: bool) -> int:
    """Run the gateway by this configuration, and end the process with it; the exit code where it cannot be loaded."""
    if sys.stdout is None:
        console.last_words("aimux: standard output is closed, and the log goes there: redirect it, be it to /dev/null")
        return 2
    loaded = load_or_report(config, console.last_words)
    if loaded is None:
        return 2
    from aimux.app.errors import StartError
    from aimux.app.run import run as run_gateway
    from aimux.audit.errors import AuditError
    from aimux.intent.model import ModelError

    try:
        code = run_gateway(loaded, strict=strict)
    except (StartError, ModelError, AuditError) as error:
        console.last_words(f"aimux: {error}")
        code = 1
    os._exit(code)  # everything is closed, and whatever a thread still reads is not waited for
