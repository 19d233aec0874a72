"""Redirects as real clients follow them: with their body and their own headers, and never past the gateway."""

from collections.abc import Iterator

import openai
import pytest
from e2e_support.client import ask
from e2e_support.mesh import Mesh, NewUpstream
from e2e_support.upstream import Handler, Peer, Received, Upstream
from e2e_support.waiting import until

ANSWER = b'{"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []}'


def moved(status: int, location: str, *more: str) -> bytes:
    """A redirect."""
    lines = [f"HTTP/1.1 {status} Moved", f"Location: {location}", *more, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


def slashing(origin: str) -> Handler:
    """Sends who leaves a slash out at the end to where it stands, as FastAPI does, and answers there."""

    def answer(peer: Peer, request: Received) -> None:
        path = request.line.split(b" ")[1].decode()
        if path.endswith("/"):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER))
            peer.send(ANSWER)
        else:
            peer.send(moved(307, f"{origin or 'http://' + host_asked(request)}{path}/"))

    return answer


def host_asked(request: Received) -> str:
    """The host that the client asked, as a server behind a proxy sees it."""
    return (request.header("X-Forwarded-Host") or b"").decode()


@pytest.fixture
def client(mesh: Mesh) -> Iterator[openai.OpenAI]:
    """OpenAI's own client, which says of itself what only the gateway may say."""
    headers = {"X-Source-Agent": "finance-bot", "X-AIMux-Agent": "admin-bot", "X-AIMux-Route": "members"}
    url = f"http://127.0.0.1:{mesh.port}/v1"
    with openai.OpenAI(base_url=url, api_key="k", default_headers=headers, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("by", ["its own address", "the gateway's"])
def test_a_slash_at_the_end_stays_at_the_gateway(mesh: Mesh, client: openai.OpenAI, by: str) -> None:
    mesh.plain.handler = slashing(mesh.plain.url if by == "its own address" else "")
    seen = len(mesh.gateway.lines)
    done = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert done.id == "1"
    first, second = mesh.plain.requests
    assert second.line == b"POST /v1/chat/completions/ HTTP/1.1"
    assert first.body == second.body != b""
    for request in (first, second):
        assert request.all("X-AIMux-Agent") == [b"finance-bot"]
        assert request.header("X-Request-ID") is not None
    mesh.settle()
    lines = [line for line in mesh.gateway.lines[seen:] if line.get("path", "").startswith("/v1/chat")]
    assert [(line["agent"], line["route"], line["status"]) for line in lines] == [
        ("finance-bot", "members", 307),
        ("finance-bot", "members", 200),
    ]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_another_origin_is_told_to_the_operator_only(
    mesh: Mesh, client: openai.OpenAI, new_upstream: NewUpstream, status: int
) -> None:
    elsewhere: Upstream = new_upstream()
    mesh.plain.handler = lambda peer, _: peer.send(moved(status, f"{elsewhere.url}/v1/chat/completions", "X-Inner: 1"))
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert (raised.value.status_code, raised.value.code) == (502, "redirect_refused")
    assert not elsewhere.peers
    assert str(elsewhere.port) not in str(raised.value) + str(raised.value.response.headers)
    assert "x-inner" not in raised.value.response.headers
    request_id = raised.value.request_id
    line = mesh.gateway.request_line(request_id)
    assert (line["verdict"], line["ended"], line["route"]) == ("redirect_refused", "upstream_failed", "members")
    fault = mesh.gateway.wait_line(lambda line: line["event"] == "fault" and line["request_id"] == request_id)
    assert f"127.0.0.1:{elsewhere.port}" in fault["detail"]
    assert mesh.gateway.metric('aimux_upstream_errors_total{code="redirect_refused",route="members"}') > 0


def test_a_refused_redirect_is_a_failure_of_the_upstream_in_the_audit_log_too(mesh: Mesh) -> None:
    mesh.plain.handler = lambda peer, _: peer.send(moved(302, "http://elsewhere.invalid/"))
    answer = ask(mesh.port, headers={"X-AIMux-Route": "plain"})
    assert answer.status == 502
    request_id = (answer.header("X-Request-ID") or b"").decode()

    def listed(verdict: str) -> bool:
        page = ask(mesh.port, target=f"/audit?verdict={verdict}&request_id={request_id}")
        return request_id.encode() in page.body

    until(lambda: listed("redirect_refused"), "the request in the index")
    assert not listed("refused")
