"""What a decision needs beyond the head: earlier turns, guards' texts, and what nobody here can learn."""

import asyncio
import json
from dataclasses import replace

import pytest
from gateway_support.asking import MEANS_ADMIN, MEANS_FINANCE, MEANS_NOTHING, POLICY, post, refused

from aimux.core.policy import Guard
from aimux.core.reason import Failure, Reason
from aimux.core.record import Record
from aimux.core.request import NeedProof
from aimux.core.scores import Scored, Scores
from aimux.gateway.learning import Learner
from aimux.gateway.live import Generation
from aimux.wire.dialects import read_opening

NAMED = b"X-Source-Agent: finance-bot"
TYPED = b"Content-Type: application/json"


class ByText:
    """Gives each text the scores that are written down for it."""

    def __init__(self, scores):
        self.scores = scores

    def cached(self, _):
        return None

    async def score(self, text):
        await asyncio.sleep(0)
        return Scored(Scores(self.scores[text]), seconds=0.125)


def said(*turns):
    messages = [{"role": "user", "content": turn} for turn in turns]
    return post(json.dumps({"messages": messages}).encode(), NAMED, TYPED, target=b"/v1/chat/completions")


def test_a_follow_up_goes_where_an_earlier_turn_leads_with_that_turn_s_scores(house):
    scores = {"revenue": MEANS_FINANCE, "hm": MEANS_NOTHING, "yes": MEANS_NOTHING}
    served = house(replace(POLICY, follow_ups=True), scorer=ByText(scores))
    exchange, record = served.serve(*said("revenue", "hm", "yes"))
    ((permit, _, body),) = served.forwarder.calls
    assert (permit.route.name, permit.turn, record.turn) == ("finance", 2, 2)
    assert record.scored[1].values == MEANS_FINANCE
    assert record.said.text == "yes"
    assert record.model_seconds == 3 * 0.125
    assert record.action == ("openai", "chat.completions", None)
    assert body == exchange.body
    assert record.standing is served.live.standing


def test_where_no_earlier_turn_leads_anywhere_the_fallback_has_the_scores_of_the_last_one(house):
    scores = {"rights": MEANS_ADMIN, "yes": MEANS_NOTHING}
    served = house(replace(POLICY, follow_ups=True), scorer=ByText(scores))
    _, record = served.serve(*said("rights", "yes"))
    assert (record.verdict, record.turn, record.scored[1].values) == ("fallback", 0, MEANS_NOTHING)


def test_a_body_that_a_guard_hears_beside_the_query_s_text_is_not_what_was_said(house):
    guarded = replace(POLICY, guards=(Guard("secrets", ("kill",), 0.9),))
    request = post(b'{"query":"revenue"}', NAMED, TYPED, target=b"/?q=budget")
    served = house(guarded, Scores(MEANS_FINANCE, guards=(0.1,)))
    _, record = served.serve(*request)
    assert (record.verdict, record.dialect, record.said.text) == ("forward", "query", "budget")
    assert served.scorer.texts == ["budget", "revenue"]


def test_what_a_body_asks_for_is_recorded_of_refusals_too(house):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "delete_user"}}
    request = post(json.dumps(call).encode(), NAMED, TYPED, b"MCP-Protocol-Version: 2025-11-25")
    _, record = refused(house(POLICY, MEANS_ADMIN), "route_forbidden", *request)
    assert record.action == ("mcp", "tools/call", "delete_user")


def test_where_the_body_does_not_arrive_the_record_has_what_the_head_asks_for(house):
    head, _ = post(b"{}", NAMED, TYPED, target=b"/v1/chat/completions")
    _, record = refused(house(POLICY), "request_timeout", head, Failure(Reason.REQUEST_TIMEOUT, "too slow"))
    assert record.action == ("openai", "chat.completions", None)
    _, record = house(POLICY).serve(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
    assert record.action == ("plain", "GET", None)


def test_proof_is_not_made_up(fake_exchange):
    exchange = fake_exchange(*post(b""))
    opening = read_opening(exchange.head, POLICY.identity)
    record = Record("a" * 32, exchange.trace, "192.0.2.7", 0.0, "POST", "/")
    learner = Learner(exchange, opening, Generation(POLICY, None), record, 1000)
    with pytest.raises(TypeError, match="NeedProof"):
        asyncio.run(learner.learn(NeedProof(())))
