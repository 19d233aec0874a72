"""Reads the corpus: YAML files of cases, some bytes and what must come of them. A malformed file fails the tests."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

CORPUS = Path(__file__).parents[1] / "corpus"
_ANSWER = re.compile(r"(?:(HEAD) )?([1-5]\d\d)(?: (.+))?")


@dataclass(frozen=True, slots=True)
class Answer:
    """An expected response. `text` is the code of a refusal, the whole body of anything else; None: not looked at."""

    status: int
    text: str | None
    method: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the upstream must have received. The texts are in the notation.

    `has` are whole header lines, `lacks` pieces that may stand nowhere in it, in whichever case. `whole` are all its
    bytes, in which `*` stands for a value that is made up anew each time.
    """

    line: str = ""
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    body: str | None = None
    whole: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Bytes for one connection, and what must come of them.

    `sends` are writes: each one is read by the gateway before the next one goes out. `drips` is then sent again and
    again. `then` says what becomes of the connection, `kept` or `closed`; `upstream` lists the requests that reach the
    upstream; `answer_has` and `answer_lacks` are pieces of all answers together, `answer_lacks` in whichever case.
    `replies` are the upstream's writes where it does not just answer with the target that it was asked for, `ends` what
    it does then: `waits`, `closes` or `resets`. `pool` says whether its connection is used again: `kept` or `dropped`.
    `cut` is what comes of a response's body before the gateway cuts the connection. A `whole_only` case comes out
    otherwise where its bytes come in one by one, and may.
    """

    id: str
    sends: tuple[str, ...]
    answers: tuple[Answer, ...] = ()
    then: str = "closed"
    upstream: tuple[Request, ...] = ()
    answer_has: tuple[str, ...] = ()
    answer_lacks: tuple[str, ...] = ()
    whole_only: bool = False
    outside: bool = False
    drips: str = ""
    replies: tuple[str, ...] = ()
    ends: str = "waits"
    pool: str = "dropped"
    cut: str | None = None


class _StrictLoader(yaml.SafeLoader):
    """Refuses keys that stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(set(keys)) == len(keys), f"a key stands twice: {keys} {node.start_mark}"
        return super().construct_mapping(node, deep)


def files(topic: str) -> list[Path]:
    """The files of one part of the corpus: requests, responses or slow."""
    found = sorted((CORPUS / topic).glob("*.yaml"))
    assert found, f"no corpus in {CORPUS / topic}"
    return found


def cases(topic: str) -> list[Case]:
    """All the cases of one part of the corpus."""
    found = [case for path in files(topic) for case in _read_file(path)]
    ids = [case.id for case in found]
    assert len(set(ids)) == len(ids), "two cases have the same name"
    return found


def _read_file(path: Path) -> Iterator[Case]:
    document = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
    assert set(document) <= {"about", "all", "cases"}, f"{path.name}: {set(document)}"
    for name, given in document["cases"].items():
        merged = {**document.get("all", {}), **given}
        variants = merged.pop("variants", None)
        case = _case(f"{path.stem}: {name}", merged)
        if variants is None:
            yield case
        else:
            yield from _variants(case, variants)


def _case(name: str, given: Mapping[str, Any]) -> Case:
    unknown = set(given) - {field.name for field in fields(Case)} - {"send", "reply"}
    assert not unknown, f"{name}: unknown keys {unknown}"
    values = dict(given)
    values["sends"] = _texts(values.pop("send"))
    values["replies"] = _texts(values.pop("reply", ()))
    values["answers"] = tuple(_answer(text) for text in _texts(values.get("answers", ())))
    values["upstream"] = tuple(_request(name, entry) for entry in _entries(values.get("upstream", "nothing")))
    for key in ("answer_has", "answer_lacks"):
        values[key] = _texts(values.get(key, ()))
    case = Case(name, **values)
    assert case.then in {"kept", "closed"}, name
    assert case.ends in {"waits", "closes", "resets"}, name
    assert case.pool in {"kept", "dropped"}, name
    return case


def _variants(case: Case, variants: list[str] | dict[str, str]) -> Iterator[Case]:
    named = variants.items() if isinstance(variants, dict) else [(text, text) for text in variants]
    for name, text in named:
        assert isinstance(text, str), f"{case.id}: the variant {text!r} is no text"

        def fill(template: str, text: str = text) -> str:
            return template.replace("{variant}", text)

        yield replace(
            case,
            id=f"{case.id} [{name}]",
            sends=tuple(map(fill, case.sends)),
            replies=tuple(map(fill, case.replies)),
            upstream=tuple(replace(r, line=fill(r.line), has=tuple(map(fill, r.has))) for r in case.upstream),
            answers=tuple(replace(a, text=a.text and fill(a.text)) for a in case.answers),
        )


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _entries(value: str | list[str | dict[str, Any]]) -> list[str | dict[str, Any]]:
    if value == "nothing":
        return []
    return [value] if isinstance(value, str) else value


def _request(name: str, entry: str | dict[str, Any]) -> Request:
    if isinstance(entry, str):
        return Request(line=entry)
    assert set(entry) <= {field.name for field in fields(Request)}, f"{name}: {entry}"
    lists = {key: _texts(entry[key]) for key in ("has", "lacks") if key in entry}
    return Request(**{**entry, **lists})


def _answer(text: str) -> Answer:
    found = _ANSWER.fullmatch(str(text))
    assert found, f"no answer: {text!r}"
    method, status, rest = found.groups()
    return Answer(int(status), rest, method or "GET")
