"""Thresholds put into a configuration's text: what is wanted is there, and all else is as it was written."""

import subprocess
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.config.edit import EditError, edited
from aimux.config.load import Loaded, load, load_text
from aimux.config.report import Path as ConfigPath
from aimux.config.retuned import Retuning, patch, retuned

DIGEST = "0123456789abcdef" * 4
WANTED = Retuning({"red": 0.47, "blue": 0.3}, 0.07, DIGEST)
SAMPLE = Path(__file__).parents[2] / "aimux.yaml"


def read(text: str, environ: Mapping[str, str]) -> Loaded:
    return load_text(text, "/nowhere/aimux.yaml", environ, Path("/nowhere"))


ENGINES = (
    [],
    ["semantic_engine:  # nothing yet"],
    ["semantic_engine: {}"],
    ["semantic_engine: {min_score: 0.4}  # short"],
    ["semantic_engine:", "  # first of all", "  min_score: 0.35  # low", "  scope: last_user"],
    ["semantic_engine:", "    ambiguity_threshold:   0.05   # close", "    max_tokens: 100", ""],
    ["semantic_engine:", f'  thresholds_model: "{DIGEST}"', "", "  ambiguity_threshold: .07"],
    ["semantic_engine:", "  guards:", "    - {name: g, intents: [never]}", "  min_score: 0.4"],
)


def route(name: str, intent: str) -> st.SearchStrategy[list[str]]:
    """The ways in which people write a route."""
    score = st.sampled_from(([], ["min_score: 0.4   # as usual"], ["min_score:"], ["min_score: 4e-1"]))
    keys = st.tuples(score, st.permutations(["upstream: http://u  # there", f"intents: [{intent}]"]))
    block = keys.map(
        lambda given: [f"  - name: {name}", "    # what it is for", *(f"    {key}" for key in chain(*given))]
    )
    lines = st.just(
        ["  - intents:  # what callers say", f"      - {intent}", f"    name: '{name}'", "    upstream: http://u"]
    )
    flow = st.sampled_from(
        (
            [f"  - {{name: {name}, upstream: http://u, intents: [{intent}]}}  # short"],
            [f'  - {{"name": "{name}", "min_score": 0.4, "upstream": "http://u", "intents": ["{intent}"]}}'],
            [f"  - {{name: {name}, upstream: http://u,", f"     intents: [{intent}]}}"],
        )
    )
    return st.one_of(block, lines, flow)


AGENTS_OF_BOTH_FORMS = [
    *("agents:", "  - bob", "  - name: ann # and more", "    groups: [g]", "  - {name: eve, groups: [g, h]}"),
    *("groups: # who goes together", "  g:", "    - bob", "  h: []"),
]


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """Small configurations in block style, with comments, some routes and either line end."""
    sections = [
        draw(st.sampled_from(ENGINES)),
        [
            "routes:",
            *draw(route("red", "a b")),
            "",
            *draw(route("green", "c d")),
            "  # the last",
            *draw(route("blue", "e f")),
        ],
        draw(st.sampled_from((["agents:", "  - bob", "# bob is all"], AGENTS_OF_BOTH_FORMS))),
    ]
    lines = ["# héllo", *chain(*draw(st.permutations(sections)))]
    end = draw(st.sampled_from(("\n", "\r\n")))
    return end.join(lines) + draw(st.sampled_from(("", end, end * 2)))


@settings(deadline=None)
@given(configurations())
def test_only_what_is_wanted_changes(text: str) -> None:
    loaded = read(text, {})
    found = retuned(loaded, WANTED, {})
    again = read(found, {})
    scores = {each.name: each.min_score for each in again.config.routes}
    before = {each.name: each.min_score for each in loaded.config.routes}
    assert scores == before | WANTED.least
    engine = again.config.semantic_engine
    assert (engine.ambiguity_threshold, engine.thresholds_model) == (0.07, DIGEST)
    assert again.config.model_dump() == WANTED.wanted(loaded.config).model_dump()
    # Every character that was there still is, in its order, but for values that were replaced.
    rest = iter(found)
    kept = [line for line in text.splitlines() if not any(key in line for key in ("min_score", "ambiguity", "_model"))]
    assert all(character in rest for character in "\n".join(kept) if character not in "\r\n")
    assert ("\r\n" in found) == ("\r\n" in text)
    assert found.replace("\r\n", "").count("\n") == (0 if "\r\n" in text else found.count("\n"))
    assert found.count("\r") == found.count("\r\n")
    assert retuned(again, WANTED, {}) == found


FILES = {
    "block": (
        b"# top\nroutes:\n  - name: red  # r\n    upstream: http://u\n    min_score: 0.4 # was\n"
        b"  - name: blue\n    upstream: http://u\n"
    ),
    "crlf": b"routes:\r\n  - name: red\r\n    upstream: http://u\r\n  - {name: blue, upstream: http://u}\r\n",
    "no line end": b"routes:\n- name: blue\n  upstream: http://u\n- name: red\n  upstream: http://u",
    "byte order mark": b"\xef\xbb\xbfroutes:\n- name: blue\n  upstream: http://u\n- name: red\n  upstream: http://u\n",
    "json": b'{"routes": [{"name": "red", "upstream": "http://u"}, {"name": "blue", "upstream": "http://u"}]}',
    "odd line ends": "# a\u2028# b\x85routes:\n- name: blue\n  upstream: http://u\n- name: red\n  upstream: http://u\n".encode(),
}


@pytest.mark.needs("git", "patch")
@pytest.mark.parametrize("tool", [("patch", "aimux.yaml"), ("patch", "-p0"), ("git", "apply")])
@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_patches_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, tool: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("aimux.yaml")
    file.write_bytes(data)
    loaded = load(file, {})
    text = retuned(loaded, WANTED, {})
    said = f"rows.jsonl: 40 rows\n\nred   0.40   0.47\n\n{patch(loaded, data, text)}"
    done = subprocess.run(tool, input=said.encode(), capture_output=True, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == data[: 3 * data.startswith(b"\xef")] + text.encode()
    assert load(file, {}).config.semantic_engine.thresholds_model == DIGEST
    assert patch(load(file, {}), file.read_bytes(), retuned(load(file, {}), WANTED, {})) == ""


@pytest.mark.needs("git", "patch")
@pytest.mark.parametrize("tool", [("patch", "-p0"), ("git", "apply", "-p0")])
def test_a_patch_of_a_file_with_a_space_in_its_name_applies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("our mesh.yaml")
    file.write_text(TWO)
    text = retuned(load(file, {}), WANTED, {})
    said = patch(load(file, {}), file.read_bytes(), text)
    done = subprocess.run(tool, input=said.encode(), capture_output=True, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
    assert file.read_text() == text


@pytest.mark.parametrize("name", ["a\nb.yaml", '"a".yaml', "-a.yaml"])
def test_there_is_no_patch_of_a_file_whose_name_would_be_read_as_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path(name)
    file.write_text(TWO)
    loaded = load(file, {})
    with pytest.raises(EditError, match="name cannot stand in a patch"):
        patch(loaded, file.read_bytes(), retuned(loaded, WANTED, {}))


def test_the_sample_configuration_keeps_its_comments(tmp_path: Path) -> None:
    loaded = load(SAMPLE, {})
    wanted = Retuning({"math": 0.5, "health": 0.35}, 0.02, DIGEST)
    lines = patch(loaded, SAMPLE.read_bytes(), retuned(loaded, wanted, {})).splitlines()
    assert [line for line in lines if line.startswith(("-", "+"))][2:] == [
        "-  ambiguity_threshold: 0.05  # the best route must lead the next one by this much, or the answer is 409",
        "+  ambiguity_threshold: 0.02  # the best route must lead the next one by this much, or the answer is 409",
        f'+  thresholds_model: "{DIGEST}"',
        "+    min_score: 0.50",
        "+    min_score: 0.35",
    ]


LINE_ENDS = ("\n", "\r\n", "\r", "\x85", "\u2028", "\u2029")


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_new_line_behind_the_last_one_that_has_no_end(end: str) -> None:
    head = f'semantic_engine:|  ambiguity_threshold: 0.07|  thresholds_model: "{DIGEST}"|'
    text = f"{head}routes:|- {{name: red, upstream: http://u, min_score: 0.47}}|- name: blue|  upstream: http://u"
    found = retuned(read(text.replace("|", end), {}), WANTED, {})
    assert found == f"{text}|  min_score: 0.30".replace("|", end)


@pytest.mark.parametrize("end", LINE_ENDS)
def test_new_lines_stand_and_end_as_those_that_are_there(end: str) -> None:
    lines = [
        " routes:",
        " - name: red",
        "   upstream: http://u",
        " - name: blue",
        "   min_score: 0.9",
        "   upstream: http://u",
        "",
    ]
    assert retuned(read(end.join(lines), {}), WANTED, {}).split(end) == [
        *lines[:3],
        "   min_score: 0.47",
        lines[3],
        "   min_score: 0.30",
        lines[5],
        " semantic_engine:",
        "   ambiguity_threshold: 0.07",
        f'   thresholds_model: "{DIGEST}"',
        "",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            (
                'routes: [{name: red, min_score: 0.9, upstream: "http://u"}, {name: blue, "upstream": "http://u"}]\n'
                "semantic_engine: {ambiguity_threshold: 0.1}\n"
            ),
            (
                'routes: [{name: red, min_score: 0.47, upstream: "http://u"}, '
                '{name: blue, "upstream": "http://u", "min_score": 0.30}]\n'
                f'semantic_engine: {{ambiguity_threshold: 0.07, thresholds_model: "{DIGEST}"}}\n'
            ),
        ),
        (
            '{"routes": [{"name": "red", "upstream": "http://u"}, {"name": "blue", "min_score": 1, "upstream": "http://u"}]}',
            (
                '{"routes": [{"name": "red", "upstream": "http://u", "min_score": 0.47}, '
                '{"name": "blue", "min_score": 0.30, "upstream": "http://u"}], '
                f'"semantic_engine": {{"ambiguity_threshold": 0.07, "thresholds_model": "{DIGEST}"}}}}'
            ),
        ),
    ],
    ids=["braces", "json"],
)
def test_new_keys_stand_in_braces_as_those_that_are_there(before: str, after: str) -> None:
    assert retuned(read(before, {}), WANTED, {}) == after


def test_new_keys_stand_behind_those_that_are_on_one_line() -> None:
    lines = [
        "routes:",
        "- name: red",
        "  upstream: >-",
        "    http://u",
        "  intents:",
        "  - a b",
        "- name: blue",
        "  intents:",
        "  - c d",
        "  upstream: http://u",
        "semantic_engine:",
        f'  thresholds_model: "{DIGEST}"',
        "  ambiguity_threshold: 7e-2",
    ]
    scores = ["  min_score: 0.47", "  min_score: 0.30"]
    found = retuned(read("\n".join(lines), {}), WANTED, {}).splitlines()
    assert found == [*lines[:2], scores[0], *lines[2:7], scores[1], *lines[7:]]


def test_what_is_there_is_left_as_it_was_written() -> None:
    red, blue = "{name: red, upstream: http://u, min_score: 0.470}", "{name: blue, upstream: http://u, min_score: 3e-1}"
    text = f"routes:\n- {red}\n- {blue}\nsemantic_engine:\n  ambiguity_threshold: .07\n  thresholds_model: {DIGEST}\n"
    assert retuned(read(text, {}), WANTED, {}) == text


TWO = "routes:\n- name: red\n  upstream: http://u\n- name: blue\n  upstream: http://u\n"


@pytest.mark.parametrize(
    ("text", "environ", "why"),
    [
        (TWO, {"AIMUX_SEMANTIC_ENGINE__AMBIGUITY_THRESHOLD": "0.2"}, "AIMUX_SEMANTIC_ENGINE__AMBIGUITY_THRESHOLD"),
        (TWO, {"AIMUX_SEMANTIC_ENGINE__THRESHOLDS_MODEL": "a" * 64}, "AIMUX_SEMANTIC_ENGINE__THRESHOLDS_MODEL"),
        (TWO + "...\n", {}, "it is written in a way that cannot be added to"),
    ],
)
def test_what_cannot_be_edited_is_said(text: str, environ: dict[str, str], why: str) -> None:
    loaded = read(text, environ)
    with pytest.raises(EditError, match=why):
        retuned(loaded, WANTED, environ)


def test_a_text_that_would_say_anything_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(text: str, values: Mapping[ConfigPath, str]) -> str:
        return edited(text, values).replace("http://u", "http://v", 1)

    monkeypatch.setattr("aimux.config.retuned.edited", careless)
    with pytest.raises(EditError, match="cannot be added to"):
        retuned(read(TWO, {}), WANTED, {})


def test_what_is_put_in_by_hand_says_the_same() -> None:
    lines = "\n".join(WANTED.by_hand()).replace("name: red", "name: red\n    upstream: http://u")
    text = lines.replace("name: blue", "name: blue\n    upstream: http://u")
    config = read(text, {}).config
    assert {route.name: route.min_score for route in config.routes} == WANTED.least
    assert config.semantic_engine.thresholds_model == DIGEST


def test_a_patch_shows_no_token_and_is_made_of_the_file_that_was_read(tmp_path: Path) -> None:
    file = tmp_path / "aimux.yaml"
    file.write_text("semantic_engine: {min_score: 0.4}\nserver: {admin_token: 0123456789abcdefghij}\n" + TWO)
    loaded = load(file, {})
    text = retuned(loaded, WANTED, {})
    with pytest.raises(EditError, match=r"admin_token stands so near"):
        patch(loaded, file.read_bytes(), text)
    with pytest.raises(EditError, match="changed meanwhile"):
        patch(loaded, file.read_bytes() + b"# more\n", text)


@pytest.mark.parametrize(
    "path",
    [
        ("semantic_engine", "guards", 0, "name"),
        ("semantic_engine", "guards", "name"),
        ("routes", 3, "min_score"),
        ("agents", "x"),
        ("agents", "x", "name"),
    ],
)
def test_nothing_is_put_where_nothing_stands(path: tuple[str | int, ...]) -> None:
    with pytest.raises(EditError):
        edited(TWO + "agents: [bob]\nsemantic_engine:\n  scope: last_user\n", {path: "1"})
