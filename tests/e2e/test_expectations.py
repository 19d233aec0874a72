"""`Expect: 100-continue`: the body is asked for only once somebody wants it."""

import json

import pytest
from e2e_support.client import Client, compose
from e2e_support.mesh import Mesh

EXPECT = {"Expect": "100-continue"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-AIMux-Route": "plain", "Content-Type": "application/octet-stream"},
        {"X-AIMux-Route": "plain", "Content-Type": "application/json"},
        {"X-Source-Agent": "finance-bot", "Content-Type": "application/json"},
    ],
    ids=["streamed", "read for identity", "read for text"],
)
def test_a_wanted_body_is_asked_for(mesh: Mesh, headers: dict[str, str]) -> None:
    body = b'{"query": "analyze the budget"}'
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", {**EXPECT, **headers, "Content-Length": str(len(body))}))
        assert client.read_until(b"\r\n\r\n") == CONTINUE
        client.send(body)
        assert client.read_response().status == 200
    request = mesh.plain.only
    assert request.body == body
    assert b"expect" not in request.names


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Source-Agent": "stranger"}, 401),
        ({"X-AIMux-Route": "vault", "X-Source-Agent": "finance-bot"}, 403),
        ({"X-AIMux-Route": "none", "X-Source-Agent": "finance-bot"}, 404),
        ({"X-AIMux-Route": "plain", "Content-Length": "99999999999"}, 413),
        ({"X-AIMux-Route": "dead", "Content-Type": "audio/wav"}, 502),
    ],
)
def test_a_refused_request_is_not_asked_for_its_body(mesh: Mesh, headers: dict[str, str], status: int) -> None:
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", {"Content-Length": "1000", **EXPECT, **headers}))
        response = client.read_response()
        assert (response.status, response.interim) == (status, [])
        assert response.header("Connection") == b"close"
        assert client.closed()


def test_a_body_that_is_coming_already_is_not_asked_for(mesh: Mesh) -> None:
    headers = {**EXPECT, "X-AIMux-Route": "plain"}
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", headers, b"here it is"))
        response = client.read_response()
    assert (response.status, response.interim) == (200, [])


def test_an_old_clients_expectation_is_ignored(mesh: Mesh) -> None:
    headers = {**EXPECT, "X-AIMux-Route": "plain", "Content-Length": "4"}
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", headers, version="1.0"))
        client.send(b"body")
        response = client.read_response()
    assert (response.status, response.interim) == (200, [])


def test_another_expectation_is_refused(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", {"Expect": "the-unexpected", "X-AIMux-Route": "plain"}, b"x"))
        response = client.read_response()
    assert (response.status, json.loads(response.body)["error"]["code"]) == (400, "bad_request")
