"""Reads the corpus: YAML files of cases, some bytes and what must come of them. A malformed file fails the tests."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from aimux.core.reason import Reason

CORPUS = Path(__file__).parents[1] / "corpus"
_ANSWER = re.compile(r"(?:(HEAD) )?([1-9]\d\d)(?: (.+))?")
_CODES = frozenset(reason.code for reason in Reason)


@dataclass(frozen=True, slots=True)
class Answer:
    """An expected response. `text` is the code of a refusal, the whole body of anything else; None: not looked at."""

    status: int
    text: str | None
    method: str

    @property
    def refuses(self) -> bool:
        """Whether the gateway says this, not the upstream."""
        return self.status >= 400 and self.method != "HEAD" and (self.text is None or self.text in _CODES)


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
    it does then: `waits`, `closes` or `resets`. `pool` says whether its connection is used again: `kept`, `dropped`, or
    `apart` where the probes go to another upstream.
    `cut` is what comes of a response's body before the gateway cuts the connection. A `whole_only` case comes out
    otherwise where its bytes come in one by one, and may. `head` is the last answer's whole head, in which `*` stands
    for the request's ID, `interim` all the heads of interim answers. An `early` upstream answers before it has read the
    request's body. `half` is a request of which the upstream gets a part only, before its connection is closed. A
    client that does not read its answer has `reads: false`.
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
    head: str | None = None
    interim: str | None = None
    early: bool = False
    half: Request | None = None
    reads: bool = True


# The corpus is read before the first test runs, by every process that runs some: in C, that takes a tenth of the time.
_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _StrictLoader(_Loader):  # type: ignore[misc]
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
        if variants is None:
            yield _case(f"{path.stem}: {name}", merged)
        else:
            for variant, text in (
                variants.items() if isinstance(variants, dict) else zip(variants, variants, strict=True)
            ):
                assert isinstance(text, str), f"{name}: the variant {text!r} is no text"
                yield _case(f"{path.stem}: {name} [{variant}]", _filled(merged, text))


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(part, text) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, text) for part in value]
    return value.replace("{variant}", text) if isinstance(value, str) else value


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
    if "half" in values:
        values["half"] = _request(name, values["half"])
    case = Case(name, **values)
    assert case.then in {"kept", "closed"}, name
    assert case.ends in {"waits", "closes", "resets"}, name
    assert case.pool in {"kept", "dropped", "apart"}, name
    return case


def _texts(value: str | int | Sequence[str]) -> tuple[str, ...]:
    return (str(value),) if isinstance(value, str | int) else tuple(value)


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
