"""Loading a configuration and its model for a command, and what is said where that fails or does not fit together."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aimux.cli import console
from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError, printable
from aimux.core.policy import Policy

if TYPE_CHECKING:
    from aimux.intent.reader import TextReader


def load_or_report(config: Path, report: Callable[[str], None] = console.problem) -> Loaded | None:
    """The loaded configuration, or None after every problem in it has been reported."""
    try:
        return load(config, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            report(f"aimux: {problem}")
        return None


def reader_of(policy: Policy, loaded: Loaded) -> "TextReader":
    """What reads texts by a configuration; a note says so where its thresholds are for another model.

    `policy` is the configuration's, or has the same intents. Raises ModelError, EncodingError and OSError.
    """
    from aimux.intent.model import locate
    from aimux.intent.reader import load_reader

    engine = loaded.config.semantic_engine
    reader = load_reader(policy, locate(engine.model_path), engine.max_tokens)
    note_thresholds(loaded, reader.encoder.digest)
    return reader


def note_thresholds(loaded: Loaded, model: str) -> None:
    """Say so where the thresholds were measured with another model than the one of this digest."""
    from aimux.intent.lint import of_thresholds

    for finding in of_thresholds(loaded.config.semantic_engine.thresholds_model, model):
        console.note(printable(f"aimux: {loaded.path}: {finding}"))


def unusable(error: Exception) -> str:
    """What is said where reading texts raised this."""
    from aimux.intent.model import ModelError

    if isinstance(error, ModelError):
        return str(error)
    return f"the embedding model cannot be used: {error}; see semantic_engine.model_path"
