"""A request as readers see it, from records that have all fields and from those that older versions wrote."""

import csv
import io
import json
from typing import Any

import pytest

from aimux.audit.entry import entry_of
from aimux.audit.export import FORMATS

DECISION: dict[str, Any] = {
    "seq": 7,
    "time": "2026-01-31T12:00:00.000000Z",
    "request_id": "a" * 32,
    "trace_id": "b" * 32,
    "agent": "ant",
    "identity": "claimed",
    "conflicts": [],
    "peer": "192.0.2.7",
    "method": "POST",
    "path": "/",
    "dialect": "json",
    "text": "hello",
    "text_digest": "c" * 64,
    "route": "finance",
    "score": 0.5,
    "runner_up": None,
    "margin": None,
    "ambiguity_threshold": 0.05,
    "rule": "a rule",
    "config": "d" * 64,
    "model": "e" * 64,
    "cached": True,
    "decided_ms": 1.0,
    "scores": [["finance", 0.5, 0.4]],
    "verdict": "forward",
}
OUTCOME: dict[str, Any] = {
    "seq": 8,
    "verdict": "forward",
    "model_ms": None,
    "upstream_ms": 2.0,
    "total_ms": 3.0,
    "status": 200,
    "bytes": 10,
    "ended": "completed",
}


FOLLOWING = {"identity": ("assurance", "proof"), "scores": ("best", "best_score")}
"""What readers make of other fields."""


@pytest.mark.parametrize("theirs", ["trace-1", None])
@pytest.mark.parametrize("upstreams", ["req_011", None])
def test_what_others_call_the_request_is_read_where_it_was_written(theirs: str | None, upstreams: str | None) -> None:
    decision = DECISION if theirs is None else {**DECISION, "client_request_id": theirs}
    outcome = OUTCOME if upstreams is None else {**OUTCOME, "upstream_request_id": upstreams}
    entry = entry_of(1, decision, outcome)
    assert (entry["client_request_id"], entry["upstream_request_id"]) == (theirs, upstreams)
    assert entry_of(1, decision, None)["upstream_request_id"] is None
    assert json.loads("".join(FORMATS["jsonl"]([entry]))) == entry
    (row,) = csv.DictReader(io.StringIO("".join(FORMATS["csv"]([entry])), newline=""))
    assert (row["client_request_id"], row["upstream_request_id"]) == (theirs or "", upstreams or "")
    exported = "".join(FORMATS["otlp"]([entry]))
    assert ("aimux.client_request_id" in exported, "aimux.upstream_request_id" in exported) == (
        theirs is not None,
        upstreams is not None,
    )


@pytest.mark.parametrize("lacking", sorted(DECISION.keys() - {"seq"}))
def test_what_lacks_a_field_that_was_always_written_is_a_request_all_the_same(lacking: str) -> None:
    whole = entry_of(1, DECISION, OUTCOME)
    found = entry_of(1, {name: value for name, value in DECISION.items() if name != lacking}, OUTCOME)
    assert found.keys() == whole.keys()
    changed = {name for name in whole if found[name] != whole[name]}
    assert changed <= {lacking, *FOLLOWING.get(lacking, ())}


def test_a_decision_without_a_number_is_none() -> None:
    for number in (None, "7", True, -1, 1.0, [7]):
        with pytest.raises(ValueError, match="number"):
            entry_of(1, {**DECISION, "seq": number}, OUTCOME)
