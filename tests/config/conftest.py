"""What the tests of the configuration share: loading a text, and loading one that must be refused."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aimux.config.load import Loaded, load_text
from aimux.config.problem import ConfigError, Problem

NO_VARIABLES: Mapping[str, str] = {}


@pytest.fixture(scope="session")
def read() -> Callable[..., Loaded]:
    """Loads a text; the variables of the environment are those that the test gives."""

    def load(text: str, environ: Mapping[str, str] = NO_VARIABLES, base_dir: Path = Path("/nowhere")) -> Loaded:
        return load_text(text, "aimux.yaml", environ, base_dir)

    return load


@pytest.fixture(scope="session")
def problems_of(read: Callable[..., Loaded]) -> Callable[..., tuple[Problem, ...]]:
    """Loads a text that must be refused and gives its problems."""

    def problems(
        text: str, environ: Mapping[str, str] = NO_VARIABLES, base_dir: Path = Path("/nowhere")
    ) -> tuple[Problem, ...]:
        with pytest.raises(ConfigError) as caught:
            read(text, environ, base_dir)
        return caught.value.problems

    return problems
