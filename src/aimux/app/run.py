"""Running the gateway: as one process, or as several under a supervisor."""

from aimux.app.errors import StartError
from aimux.app.telemetry_wanted import telemetry_wanted
from aimux.config.load import Loaded
from aimux.edge.descriptors import LEAST, raise_limit


def run(loaded: Loaded, *, strict: bool = False) -> int:
    """Run a gateway until it is told to stop; the exit code. Raises StartError, and ModelError for the model.

    A strict one takes no configuration with errors in its routes.
    """
    if (limit := raise_limit()) < LEAST:
        raise StartError(
            f"a process may have {limit} file descriptors, and the gateway needs {LEAST} at least: "
            "raise the hard limit (LimitNOFILE= of systemd, ulimit -Hn)"
        )
    telemetry_wanted(required=loaded.config.telemetry.required)  # whoever needs what cannot be had learns it now
    # A supervisor serves no request: it does without the model's libraries and the edge.
    if loaded.config.server.workers > 1:
        from aimux.app.several import run as run_several  # noqa: PLC0415

        return run_several(loaded, strict=strict)
    from aimux.app.alone import run as run_alone  # noqa: PLC0415

    return run_alone(loaded, strict=strict)
