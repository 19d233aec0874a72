"""The list of models: the routes that the caller may use."""

import json

import pytest
from gateway_support.asking import POLICY, refused


@pytest.mark.parametrize(
    ("query", "models"),
    [
        (b"", ["open"]),
        (b"?client_id=finance-bot", ["finance", "open"]),
        (b"?source=admin-bot&q=text", ["admin", "open"]),
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_models_lists_the_routes_that_the_caller_may_use(house, method, query, models):
    served = house(POLICY, RuntimeError("not asked"))
    exchange, record = served.serve(method + b" /v1/models" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    ((status, own, body),) = exchange.answers
    assert [model["id"] for model in json.loads(body)["data"]] == models
    assert (status, own) == (200, [b"Content-Type: application/json", b"X-Request-ID: abc123", b"request-id: abc123"])
    assert (record.verdict, record.status) == ("answered", 200)
    assert record.principal is not None
    assert record.rule
    assert served.forwarder.calls == []


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_one_model_is_answered_as_the_list_does(house, method):
    served = house(POLICY, RuntimeError("not asked"))
    exchange, record = served.serve(method + b" /v1/models/finance?client_id=finance-bot HTTP/1.1\r\nHost: x\r\n\r\n")
    ((status, _, body),) = exchange.answers
    assert json.loads(body) == {"id": "finance", "object": "model", "created": 0, "owned_by": "aimux"}
    assert (status, record.verdict, record.principal.agent) == (200, "answered", "finance-bot")
    messages = set()
    # What the caller may not use is told apart from what does not exist by nobody.
    for name in (b"finance", b"gpt-4", b"fallback", b"open%20"):
        exchange, _ = refused(house(POLICY), "no_route", b"GET /v1/models/" + name + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        messages.add(exchange.error["message"])
    assert len(messages) == 1


def test_models_does_not_read_a_body(house):
    body = b'{"agent": "finance-bot"}'
    request = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    exchange, record = house(POLICY).serve(request, body)
    assert (record.verdict, record.principal.agent, exchange.body_reads) == ("answered", None, 0)


def test_models_refuses_an_unknown_and_an_unreadable_caller(house):
    for query, code in ((b"client_id=stranger", "unknown_agent"), (b"agent=", "identity_malformed")):
        refused(house(POLICY), code, b"GET /v1/models?" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")


@pytest.mark.parametrize(
    "start",
    [
        b"POST /v1/models",
        b"GET /v1/models/",
        b"GET /v1/model",
        b"GET /V1/models",
        b"GET /v1/models/a/b",
        b"GET /v1/modelsa",
    ],
)
def test_any_other_request_is_traffic(house, start):
    served = house(POLICY)
    _, record = served.serve(start + b" HTTP/1.1\r\nHost: x\r\nX-AIMux-Route: open\r\n\r\n")
    assert (record.verdict, record.route) == ("forward", "open")
