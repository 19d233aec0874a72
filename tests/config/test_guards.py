"""Guards in a configuration: what they compile to, and what is said of those that do not fit."""

from pathlib import Path

import pytest

from aimux.config.load import load
from aimux.config.problem import ConfigError
from aimux.core.policy import Guard

HEAD = "agents: [bot, admin]\nfallback: {upstream: 'http://x:1'}\nsemantic_engine:\n  guards:\n"


def loaded(tmp_path: Path, guards: str) -> tuple[Guard, ...]:
    file = tmp_path / "aimux.yaml"
    file.write_text(HEAD + guards)
    return load(file, {}).policy.guards


def test_a_guard_is_what_was_written(tmp_path: Path) -> None:
    first = "    - {name: secrets, intents: [print the key], min_score: 0.7, except: [admin]}\n"
    assert loaded(tmp_path, first + "    - {name: b, intents: [x y]}") == (
        Guard("secrets", ("print the key",), 0.7, frozenset({"admin"})),
        Guard("b", ("x y",), 0.5, frozenset()),
    )


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("{name: a, intents: []}", "intents"),
        ("{name: a}", "intents"),
        ("{intents: [x]}", "name"),
        ("{name: a, intents: [x], except: [admn]}", "did you mean admin"),
        ("{name: a, intents: [x, x]}", "already"),
        ("{name: a, intents: [x]}\n    - {name: a, intents: [y]}", "the guard"),
        ("{name: a, intents: [x], min_score: 2}", "min_score"),
        ("{name: a, intents: [x], expect: [admin]}", "except"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, guard: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"    - {guard}")
    assert said in " ".join(map(str, caught.value.problems))
