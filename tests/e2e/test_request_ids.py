"""What caller, gateway and upstream call a request: each hears all three, and nobody speaks in another's name."""

import json

import pytest
from e2e_support.client import Response, ask
from e2e_support.mesh import Mesh, Start
from e2e_support.upstream import Peer, Received, Upstream, answering
from e2e_support.waiting import until

PLAIN = {"X-AIMux-Route": "plain"}


def asked(mesh: Mesh, headers: dict[str, str], answer: bytes = b"") -> tuple[Response, Received]:
    """The response to a request with these headers, which the upstream answers with those, and what it received."""
    mesh.plain.handler = answering(b"HTTP/1.1 200 OK\r\n" + answer + b"Content-Length: 0\r\n\r\n")
    response = ask(mesh.port, headers={**PLAIN, **headers})
    return response, mesh.plain.only


def recorded(mesh: Mesh, response: Response) -> tuple[str | None, str | None]:
    """What the audit log says that caller and upstream call the request."""
    target = f"/audit?request_id={(response.header('X-Request-ID') or b'').decode()}"

    def look() -> dict[str, str | None] | None:
        page = ask(mesh.port, target=target)
        requests = json.loads(page.body)["requests"] if page.status == 200 else []
        return requests[0] if requests and requests[0]["ended"] else None

    entry = until(look, "the request in the index")
    assert entry is not None
    return entry["client_request_id"], entry["upstream_request_id"]


def test_all_three_ids_reach_everybody(mesh: Mesh) -> None:
    response, request = asked(mesh, {"X-Request-ID": "trace 7"}, b"request-id: req_011\r\n")
    ours = response.header("X-Request-ID")
    assert ours == response.header("request-id") == request.header("X-Request-ID")
    assert request.header("X-Client-Request-ID") == b"trace 7"
    assert response.header("X-Upstream-Request-ID") == b"req_011"
    assert recorded(mesh, response) == ("trace 7", "req_011")


def test_where_nobody_else_names_the_request_nothing_is_made_up(mesh: Mesh) -> None:
    response, request = asked(mesh, {})
    assert request.all("X-Client-Request-ID") == response.all("X-Upstream-Request-ID") == []
    assert recorded(mesh, response) == (None, None)


@pytest.mark.parametrize("theirs", ["x" * 129, "caf\xe9", ""])
def test_what_cannot_be_written_down_is_neither_recorded_nor_passed_on(mesh: Mesh, theirs: str) -> None:
    answer = f"X-Request-ID: {theirs}\r\n".encode("latin-1")
    response, request = asked(mesh, {"X-Request-ID": theirs}, answer)
    assert request.all("X-Client-Request-ID") == response.all("X-Upstream-Request-ID") == []
    assert recorded(mesh, response) == (None, None)


def test_neither_side_speaks_in_the_others_name(mesh: Mesh) -> None:
    forged = {"X-Upstream-Request-ID": "forged", "X_Client_Request_ID": "forged"}
    response, request = asked(mesh, forged, b"X-Upstream-Request-ID: forged\r\nX_Request_ID: forged\r\n")
    assert b"forged" not in request.head + response.head
    assert recorded(mesh, response) == (None, None)


def test_an_upstream_that_repeats_our_id_has_none_of_its_own(mesh: Mesh) -> None:
    def echo(peer: Peer, request: Received) -> None:
        said = request.header("X-Request-ID") or b""
        peer.send(b"HTTP/1.1 200 OK\r\nX-Request-ID: " + said + b"\r\nContent-Length: 0\r\n\r\n")

    mesh.plain.handler = echo
    response = ask(mesh.port, headers=PLAIN)
    assert response.all("X-Upstream-Request-ID") == []
    assert recorded(mesh, response) == (None, None)


def test_the_providers_id_of_an_answer_that_could_not_be_passed_on_is_recorded(mesh: Mesh) -> None:
    def break_off(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nX-Request-ID: req_7\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n")

    mesh.plain.handler = break_off
    response = ask(mesh.port, headers={**PLAIN, "X-Request-ID": "trace-7"})
    assert response.status == 502
    assert recorded(mesh, response) == ("trace-7", "req_7")


def test_a_refused_request_is_recorded_with_the_callers_id(mesh: Mesh) -> None:
    response = ask(mesh.port, headers={"X-Source-Agent": "finance-bot", "X-AIMux-Route": "vault", "X-Request-ID": "t"})
    assert response.status == 403
    assert b"t" not in response.all("X-Client-Request-ID")
    assert recorded(mesh, response) == ("t", None)


def test_at_debug_the_log_has_them_too(start: Start, upstream: Upstream) -> None:
    upstream.handler = answering(b"HTTP/1.1 200 OK\r\nX-Request-Id: req_7\r\nContent-Length: 0\r\n\r\n")
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"routes": routes, "logging": {"level": "debug"}})
    response = ask(gateway.port, headers={**PLAIN, "X-Request-ID": "trace-7"})
    line = gateway.request_line(response.header("X-Request-ID"))
    assert (line["client_request_id"], line["upstream_request_id"]) == ("trace-7", "req_7")
