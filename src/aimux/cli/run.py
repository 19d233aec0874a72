"""`aimux run`: runs the gateway in the foreground."""

from pathlib import Path

from aimux.cli import console
from aimux.cli.loading import load_or_report


def run(config: Path, *, strict: bool) -> int:
    """Run the gateway by this configuration; the exit code."""
    loaded = load_or_report(config, console.last_words)
    if loaded is None:
        return 2
    from aimux.app.errors import StartError
    from aimux.app.run import run as run_gateway
    from aimux.audit.errors import AuditError
    from aimux.intent.model import ModelError

    try:
        return run_gateway(loaded, strict=strict)
    except (StartError, ModelError, AuditError) as error:
        console.last_words(f"aimux: {error}")
        return 1
