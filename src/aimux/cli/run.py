"""`aimux run`: runs the gateway in the foreground."""

import os
import sys
from pathlib import Path

from aimux.config.load import load
from aimux.config.problem import ConfigError


def run(config: Path) -> int:
    """Run the gateway by this configuration; the exit code."""
    try:
        loaded = load(config, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            print(f"aimux: {problem}", file=sys.stderr)
        return 2
    from aimux.app import StartError
    from aimux.app import run as run_gateway
    from aimux.intent.model import ModelError

    try:
        return run_gateway(loaded)
    except (StartError, ModelError) as error:
        print(f"aimux: {error}", file=sys.stderr)
        return 1
