"""The bodies of records: every field where it belongs, whatever a caller sends."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.audit.format.field import WrittenIn
from aimux.audit.format.schema import FIELDS, VERSION
from aimux.audit.format.writing import moment
from aimux.audit.lines import Scribe
from aimux.audit.recorded_text import TextPolicy
from aimux.audit.redact import Redactor
from aimux.core.identity import Assurance, Claim, Place, Principal, Proof
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.record import Ended
from aimux.core.request import Action, ChosenBy, Protocol, Reading
from aimux.core.routing import PartMatch, match
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL

Make = Callable[..., Any]
T0 = 1_700_000_000.0
UPSTREAM = Upstream("http://a", secure=False, host="a", port=80, base_path="")
ROUTES = tuple(Route(f"r{n}", UPSTREAM, Access.OPEN, intents=("x",), min_score=n / 100) for n in range(40))
POLICY = Policy.of(ROUTES, digest="c" * 64, ambiguity_threshold=0.125)


def scribe(
    text: str = "excerpt", excerpt: int = 200, headers: tuple[str, ...] = (), fields: tuple[str, ...] = ()
) -> Scribe:
    return Scribe(TextPolicy(text, excerpt), Redactor(headers, fields))


def read(body: str) -> dict[str, Any]:
    assert body.isascii()
    assert "\n" not in body
    fields: dict[str, Any] = json.loads("{" + body)
    return fields


def test_every_field_of_a_decision(made: Make) -> None:
    record = made(5, text="hello")
    scores = Scores(tuple(n / 40 for n in range(40)))
    record.scored, record.match = (POLICY, scores), match(POLICY, scores)
    record.policy, record.model, record.cached, record.decided_seconds = POLICY, "d" * 64, True, 0.0012
    record.principal = Principal(
        "finance-bot", Assurance.CLAIMED, Proof.CLAIM, (Claim(Place.HEADER, "X-Source-Agent", "some-other-bot"),)
    )
    record.action, record.standing = Action(Protocol.MCP, "tools/call", "delete_user"), INITIAL
    found = read(scribe().decision(record))
    assert found["scores"][0] == ["r39", 0.975, 0.39]
    assert len(found.pop("scores")) == 32
    assert found == {
        "kind": "decision",
        "schema": 2,
        "time": "2023-11-14T22:13:20.000000Z",
        "request_id": f"{5:032x}",
        "trace_id": f"{6:032x}",
        "agent": "finance-bot",
        "identity": "claimed",
        "assurance": "claimed",
        "proof": "claim",
        "protocol": "mcp",
        "action": "tools/call",
        "target": "delete_user",
        "standing": INITIAL.digest,
        "conflicts": [{"place": "header", "field": "X-Source-Agent", "name": "some-other-bot"}],
        "chosen_by": None,
        "peer": "192.0.2.7",
        "method": "POST",
        "path": "/v1/x",
        "dialect": "json",
        "text": "hello",
        "text_digest": hashlib.sha256(b"hello").hexdigest(),
        "route": "finance",
        "score": 0.975,
        "runner_up": "r38",
        "margin": 0.025,
        "ambiguity_threshold": 0.125,
        "verdict": "forward",
        "rule": "route 'finance' lists agent 'finance-bot'",
        "rule_id": "access.listed",
        "config": "c" * 64,
        "model": "d" * 64,
        "cached": True,
        "decided_ms": 1.2,
    }


def test_every_field_of_an_outcome(made: Make) -> None:
    record = made(5)
    record.model_seconds, record.ended, record.fault = 0.5, Ended.TRUNCATED, "it broke off: password=hunter2"
    assert read(scribe().outcome(record, 4, 1_700_000_001.5)) == {
        "kind": "outcome",
        "schema": 2,
        "time": "2023-11-14T22:13:21.500000Z",
        "request_id": f"{5:032x}",
        "decision": 4,
        "verdict": "forward",
        "status": 200,
        "bytes": 10,
        "model_ms": 500.0,
        "upstream_ms": 3.0,
        "total_ms": 5.0,
        "fault": "it broke off: password=***",
        "ended": "truncated",
    }


def test_what_caller_and_upstream_call_the_request_is_recorded_where_they_call_it_anything(made: Make) -> None:
    record = made(5)
    record.client_request_id, record.upstream_request_id = 'trace "7"', "req_011"
    writing = scribe()
    assert read(writing.decision(record))["client_request_id"] == 'trace "7"'
    assert read(writing.outcome(record, 1, 0.0))["upstream_request_id"] == "req_011"
    bare = made(5)  # the same agent and text: nothing of what was remembered of it stays
    assert "client_request_id" not in read(writing.decision(bare))
    assert "upstream_request_id" not in read(writing.outcome(bare, 1, 0.0))


@pytest.mark.parametrize("header", ["x-request-id", "request-id", "x-client-request-id", "x-upstream-request-id"])
def test_ids_of_others_are_redacted_like_all_that_is_sent(made: Make, header: str) -> None:
    record = made(5)
    record.client_request_id = record.upstream_request_id = "sk-0123456789abcdefghijkl"
    assert read(scribe().decision(record))["client_request_id"] == "***"
    assert read(scribe().outcome(record, 1, 0.0))["upstream_request_id"] == "***"
    record.client_request_id = record.upstream_request_id = "harmless"
    writing = scribe(headers=(header,))
    hidden = {
        read(writing.decision(record))["client_request_id"],
        read(writing.outcome(record, 1, 0.0))["upstream_request_id"],
    }
    assert "***" in hidden


@pytest.mark.parametrize("name", ["action", "target"])
def test_what_a_caller_asks_for_is_bounded_and_redacted(made: Make, name: str) -> None:
    record = made(5)
    long, across = "x" * 9999, f"{'x' * 490} https://me:{'secret' * 4}@host/"
    shown = {
        "sk-0123456789abcdefghijkl": "***",
        "gpt-4": "gpt-4",
        long: long[:512] + "...",
        across: across[:490] + " https://me:***@host/",
    }
    for value, expected in shown.items():
        record.action = Action(Protocol.MCP, value if name == "action" else "tools/call", value)
        found = read(scribe().decision(record))
        assert (found["protocol"], found[name]) == ("mcp", expected)


def test_the_target_of_a_redacted_field_is_not_recorded(made: Make) -> None:
    record = made(5)
    targets = {
        "uri": Action(Protocol.MCP, "resources/read", "file:///salaries"),
        "name": Action(Protocol.MCP, "tools/call", "delete_user"),
        "model": Action(Protocol.ANTHROPIC, "messages", "claude"),
    }
    for field, record.action in targets.items():
        for hidden in targets:
            shown = "***" if hidden == field else record.action.target
            assert read(scribe(fields=(hidden,)).decision(record))["target"] == shown
    for record.action in (Action(Protocol.MCP, "tools/call"), Action(Protocol.PLAIN, "GET")):
        assert read(scribe(fields=("name", "")).decision(record))["target"] is None


def test_a_conflict_with_what_is_no_name_says_so(made: Make) -> None:
    record = made(1)
    record.principal = Principal("a", Assurance.CLAIMED, Proof.CLAIM, (Claim(Place.BODY, "agent", None),))
    assert read(scribe().decision(record))["conflicts"] == [{"place": "body", "field": "agent", "name": None}]


def test_how_much_of_a_text_is_recorded(made: Make) -> None:
    text = "ab" * 150
    digest = hashlib.sha256(text.encode()).hexdigest()
    for policy, shown in (("full", text), ("excerpt", text[:200] + "..."), ("none", None)):
        found = read(scribe(policy).decision(made(1, text=text)))
        assert (found["text"], found["text_digest"]) == (shown, digest)
    assert read(scribe("excerpt", 3).decision(made(1, text=text)))["text"] == "aba..."


def test_a_long_text_is_looked_at_as_far_as_that_costs_little(made: Make) -> None:
    text = "a" * 100_000
    found = read(scribe("full").decision(made(1, text=text)))
    assert found["text"] == text[: 32 * 1024] + "..."
    assert found["text_digest"] == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_does_not_betray_a_secret(made: Make) -> None:
    found = read(scribe().decision(made(1, text="password=1234")))
    assert found["text"] == "password=***"
    assert found["text_digest"] == hashlib.sha256(b"password=***").hexdigest()


def test_of_a_redacted_field_neither_text_nor_digest_is_recorded(made: Make) -> None:
    writing = scribe(fields=("query",))
    found = read(writing.decision(made(1)))
    assert (found["text"], found["text_digest"]) == ("***", None)
    record = made(1)
    record.said = Reading((), "analyze revenue", "json", field="prompt")  # the same text from elsewhere
    assert read(writing.decision(record))["text"] == "analyze revenue"


def test_of_a_redacted_header_no_claim_is_recorded(made: Make) -> None:
    record = made(1)
    record.principal = Principal(
        "a", Assurance.CLAIMED, Proof.CLAIM, (Claim(Place.HEADER, "X-Source-Agent", "sensitive"),)
    )
    found = read(scribe(headers=("x-source-agent",)).decision(record))
    assert found["conflicts"] == [{"place": "header", "field": "X-Source-Agent", "name": "***"}]


ANY = st.text(st.characters(codec=None), max_size=300)


@given(ANY, ANY, ANY, ANY)
def test_nothing_that_is_sent_leaves_its_field(made: Make, text: str, path: str, peer: str, name: str) -> None:
    record = made(1, text=text or None)
    record.path, record.peer, record.method, record.fault = path, peer, name[:20], text
    record.principal = Principal("a", Assurance.CLAIMED, Proof.CLAIM, (Claim(Place.QUERY, name, text),))
    writing = scribe("full")
    found = read(writing.decision(record))
    assert found["verdict"] == "forward"
    assert found["path"] == path
    assert read(writing.outcome(record, 1, 0.0))["decision"] == 1


@given(st.floats(0, 4e9))
def test_moments_are_those_that_were_meant(seconds: float) -> None:
    found = datetime.fromisoformat(moment(seconds))
    assert found.tzinfo == UTC
    assert abs(found.timestamp() - seconds) <= 1e-6


@given(st.integers(0, 4 * 10**15))
def test_whole_microseconds_are_read_as_they_were_written(microseconds: int) -> None:
    seconds = microseconds / 1_000_000
    assert datetime.fromisoformat(moment(seconds)).timestamp() == seconds


def test_a_text_that_is_said_again_has_the_scores_of_its_own_configuration(made: Make) -> None:
    writing = scribe()
    for value in (0.2, 0.9, 0.2):
        scores = Scores(tuple(value for _ in ROUTES))
        record = made(1)
        record.scored, record.match = (POLICY, scores), match(POLICY, scores)
        assert read(writing.decision(record))["score"] == value


SCORES = Scores(tuple(n / 40 for n in range(40)))
OTHER = Policy.of(tuple(reversed(ROUTES)), digest="e" * 64)
SAME_AGENT = tuple(Principal("finance-bot", how, Proof.CLAIM, ()) for how in (Assurance.CLAIMED, Assurance.NONE))
MATCH: Any = match(POLICY, SCORES)
SAID: tuple[tuple[Any, ...], ...] = (
    *((text, "json", None, field) for text in ("hello", "bye") for field in ("query", "q")),
    ("hello", "json", None, "query", (), ("another",)),
    ("hello", "json", None, "query", (), ("another", "and one more")),
    (None, "json", None, "query"),
)
CHANGES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("verdict", ("forward", "route_forbidden")),
    ("rule", (Rule.ACCESS_LISTED, Rule.ACCESS_OPEN)),
    ("guard", ("secrets", None)),
    ("route", ("r1", None)),
    ("path", ("/v1/x", "/v1/y")),
    ("peer", ("192.0.2.7", "192.0.2.8")),
    ("method", ("POST", "PUT")),
    ("dialect", ("json", "openai")),
    ("model", ("a" * 64, None)),
    ("chosen_by", (ChosenBy.EARLIER_TURN, ChosenBy.TEXT, ChosenBy.LIST)),
    ("turn", (1, 2, 0)),
    ("principal", (*SAME_AGENT, None)),
    ("policy", (POLICY, OTHER, None)),
    ("scored", ((POLICY, SCORES), (POLICY, Scores((0.5,) * 40)), (OTHER, SCORES), None)),
    ("match", (MATCH, replace(MATCH, part=PartMatch(MATCH.lead, chose=True, words="hello", span=(0, 5))), None)),
    ("action", (Action(Protocol.OPENAI, "chat.completions", "gpt-4"), Action(Protocol.MCP, "tools/call", "x"), None)),
    ("standing", (INITIAL, None)),
    ("said", tuple(Reading((), *said) for said in SAID)),
)


OWN = ("time", "request_id", "trace_id", "client_request_id", "cached", "decided_ms")
"""What a decision says of this request alone stands first, so that the rest is put together once."""


def remembered(made: Make, **values: Any) -> Any:
    record = made(1)
    for name, choices in CHANGES:
        setattr(record, name, values.get(name, choices[0]))
    return record


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, choices in CHANGES for value in choices[1:]])
def test_what_is_remembered_of_one_request_never_shows_in_another(made: Make, name: str, value: Any) -> None:
    remembering = scribe(fields=("q",))
    for record in (remembered(made), remembered(made, **{name: value}), remembered(made)):
        assert remembering.decision(record) == scribe(fields=("q",)).decision(record)


def test_what_was_put_together_once_is_used_again(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, calls = scribe(), []
    reasons = writing._reasons
    monkeypatch.setattr(writing, "_reasons", lambda record: calls.append(record) or reasons(record))
    for text in ("hello", None):
        for number in range(3):  # what is of this request alone differs, and so do the objects that say the same
            record = made(number, text=text, began=T0 + number, took=number)
            record.principal = Principal("finance-bot", Assurance.CLAIMED, Proof.CLAIM)
            record.client_request_id, record.cached, record.decided_seconds = str(number), bool(number), number / 7
            writing.decision(record)
            record.dialect = "query"  # the same text in another place is remembered beside it
            writing.decision(record)
    assert len(calls) == 4


def test_policies_are_not_compared_by_their_routes(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    equal = replace(POLICY)  # as after a reload that changes nothing
    monkeypatch.setattr(Policy, "__eq__", lambda *_: pytest.fail("a policy of many routes takes milliseconds"))
    writing = scribe()
    for policy in (POLICY, equal, POLICY):
        record = remembered(made, policy=policy, scored=(policy, SCORES))
        assert writing.decision(record) == scribe().decision(record)


class Watched:
    """Tells which attributes of something are looked at."""

    def __init__(self, watched: object) -> None:
        self.watched, self.names = watched, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self.watched, name)


def test_of_text_and_match_nothing_is_written_that_the_memory_does_not_compare(made: Make) -> None:
    record = remembered(made, match=dict(CHANGES)["match"][1])
    said, found = Watched(record.said), Watched(record.match)
    record.said, record.match = said, found
    scribe(fields=("q",))._reasons(record)
    assert said.names <= {"text", "field", "listed"}
    assert found.names <= {"lead", "part"}  # the lead: best, runner-up, and both scores


def test_a_line_has_the_fields_of_the_table_in_its_order(made: Make) -> None:
    record = made(1)
    record.match, record.scored = dict(CHANGES)["match"][1], (POLICY, SCORES)
    record.said, record.turn, record.guard, record.fault = Reading((), *SAID[-2]), 2, "secrets", "broken"
    record.client_request_id = record.upstream_request_id = "7"
    writing = scribe()
    for body, written_in in (
        (writing.decision(record), WrittenIn.DECISION),
        (writing.outcome(record, 1, T0), WrittenIn.OUTCOME),
    ):
        beginning = ["kind", "schema"]
        names = [field.name for field in FIELDS if field.is_in(written_in)]
        found = list(read(body))
        assert sorted(found) == sorted([*beginning, *names])
        shared = [name for name in names if written_in is WrittenIn.DECISION and name not in OWN]
        assert found[len(found) - len(shared) :] == shared
        assert body.startswith(f'"kind":"{written_in.value}","schema":{VERSION},')
