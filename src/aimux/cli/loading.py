"""Loading a configuration for a command, and what is said where that fails."""

import os
from pathlib import Path

from aimux.cli import console
from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError


def load_or_report(config: Path) -> Loaded | None:
    """The loaded configuration, or None after every problem in it has been reported."""
    try:
        return load(config, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            console.problem(f"aimux: {problem}")
        return None
