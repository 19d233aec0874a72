"""Whatever a file holds, it is loaded or refused with problems: nothing else ever comes out."""

import json
import string
from collections.abc import Mapping
from pathlib import Path

import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from aimux.config.load import Loaded, load, load_text
from aimux.config.problem import ConfigError
from aimux.config.schema import Config

BASE = Path("/nowhere")


def outcome(text: str, environ: Mapping[str, str]) -> Loaded | ConfigError:
    """What loading gives. Anything but a ConfigError fails the test."""
    try:
        return load_text(text, "f.yaml", environ, BASE)
    except ConfigError as error:
        check_problems(error)
        return error


def check_problems(error: ConfigError) -> None:
    """Each is one printable line with a remedy, none stands twice, and they are in order."""
    assert error.problems
    assert all(str(problem).isprintable() and problem.message and problem.remedy for problem in error.problems)
    lines = [problem.line or 10**9 for problem in error.problems]
    assert lines == sorted(lines)
    assert len(set(error.problems)) == len(error.problems)


@given(st.text())
def test_any_text(text: str) -> None:
    outcome(text, {})


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "aimux.yaml"
    path.write_bytes(data)
    try:
        load(path, {})
    except ConfigError as error:
        check_problems(error)


YAML_PIECES = [
    *"\n\n\n  -:?{}[],&*!|>'\"%@`#~\t\0é",
    "- ",
    ": ",
    "<<",
    "---\n",
    "...\n",
    "null",
    "yes",
    "012",
    "1.5",
    "${X}",
    "${",
]
KEYS = [
    "server",
    "port",
    "host",
    "agents",
    "groups",
    "group:",
    "routes",
    "name",
    "upstream",
    "allowed",
    "fallback",
    "intents",
    "identity",
    "ca_file",
]
VALUES = ["http://x", "https://x", "a", "bot", "'*'", '"\\0"', "[a, a]", "{}", "!!x y", "&a b", "*a"]


@given(st.lists(st.sampled_from([*YAML_PIECES, *KEYS, *VALUES]), max_size=30).map("".join))
@settings(max_examples=300)
def test_text_that_looks_like_yaml(text: str) -> None:
    outcome(text, {"X": "x"})


scalars = (
    st.sampled_from(
        [None, True, False, 0, 1, 8080, 0.5, -1, 2.5, "", "*", "a", "bot", "http://x", "https://x", "10MiB"]
    )
    | st.text(string.printable, max_size=8)
    | st.floats()
    | st.integers()
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
sections = st.fixed_dictionaries(
    {},
    optional={
        name: st.fixed_dictionaries({}, optional=dict.fromkeys(field.default_factory.model_fields, anything)) | anything
        for name, field in Config.model_fields.items()
        if isinstance(field.default_factory, type) and issubclass(field.default_factory, BaseModel)
    }
    | {
        "agents": st.lists(
            st.sampled_from(["a", "b", "A", "bot", 1, None, {"name": "a", "groups": ["g"]}]) | anything, max_size=3
        ),
        "groups": st.dictionaries(
            st.sampled_from(["g", "a", "G", "group:g"]) | st.text(max_size=3),
            st.sampled_from([["a"], [], ["a", "b"], ["group:g"], ["*"], None]) | anything,
            max_size=2,
        )
        | anything,
        "routes": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": st.sampled_from(["a", "b", "fallback", 7]) | anything,
                    "upstream": st.sampled_from(["http://x", "https://x", "ftp://x"]) | anything,
                    "allowed": st.sampled_from([["*"], ["a"], [], ["*", "a"], ["group:g"], ["g"], None]) | anything,
                    "intents": anything,
                    "ca_file": anything,
                    "min_score": anything,
                },
            )
            | anything,
            max_size=3,
        ),
        "fallback": st.sampled_from([{"upstream": "http://x"}, {}, None]) | anything,
    },
)


@given(sections)
@settings(max_examples=300)
def test_any_tree(tree: dict[str, object]) -> None:
    found = outcome(yaml.dump(tree, Dumper=NoAliases, allow_unicode=True), {})
    event("loaded" if isinstance(found, Loaded) else "refused")


class NoAliases(yaml.SafeDumper):
    """Writes equal values out again."""

    def ignore_aliases(self, data: object) -> bool:
        return True


names = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,3}){0,2}", fullmatch=True).filter(
    lambda name: name != "fallback"
)
texts = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip()) and text.isprintable() and "${" not in text
)


@st.composite
def good_trees(draw: st.DrawFn) -> dict[str, object]:
    """Configurations that must load."""
    agents = draw(st.lists(names, max_size=4, unique=True))
    some_agents = st.just([]) if not agents else st.lists(st.sampled_from(agents), unique=True, max_size=3)
    access = st.just({}) | st.just({"allowed": ["*"]}) | some_agents.map(lambda allowed: {"allowed": allowed})
    urls = st.builds(
        "{}://{}:{}{}".format,
        st.sampled_from(["http", "https"]),
        names,
        st.integers(1, 65535),
        st.sampled_from(["", "/a", "/a/b/"]),
    )
    routes = [
        {
            "name": name,
            "upstream": draw(urls),
            "intents": draw(st.lists(texts, max_size=3, unique_by=str.strip)),
            **draw(access),
        }
        for name in draw(st.lists(names, min_size=1, max_size=4, unique=True))
    ]
    server = {
        "port": draw(st.integers(0, 65535)),
        "idle_timeout": draw(st.floats(0.001, 1e6)),
        "max_body_bytes": draw(st.integers(1, 2**40) | st.sampled_from(["1KiB", "3 MB"])),
        "trusted_proxies": draw(st.lists(st.ip_addresses().map(str), max_size=2)),
    }
    return {
        "agents": agents,
        "routes": routes,
        "server": server,
        "logging": {"level": draw(st.sampled_from(["debug", "warn"]))},
    }


def as_yaml(tree: object) -> str:
    """JSON is YAML in which no text can be taken for anything else."""
    return json.dumps(tree, ensure_ascii=False)


@given(good_trees())
def test_what_is_right_is_loaded_and_its_display_loads_to_the_same(tree: dict[str, object]) -> None:
    loaded = outcome(as_yaml(tree), {})
    assert isinstance(loaded, Loaded)
    assert [route.name for route in loaded.policy.routes] == [route["name"] for route in tree["routes"]]  # type: ignore[attr-defined]
    shown = {name: section for name, section in loaded.display.items() if section is not None}
    shown["routes"] = [{k: v for k, v in route.items() if v is not None} for route in loaded.display["routes"]]  # type: ignore[attr-defined]
    again = outcome(as_yaml(shown), {})
    assert isinstance(again, Loaded)
    assert (again.digest, again.config, again.policy) == (loaded.digest, loaded.config, loaded.policy)
