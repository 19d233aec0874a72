"""What is sent to the gateway that writes the old log: forwards, refusals of every kind, and how requests can end."""

import json
from collections.abc import Iterator
from urllib.parse import quote

from e2e_support.client import Aborted, Client, Response, compose
from e2e_support.upstream import Peer, Received

_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SECRET = "hunter2" * 3
_LONG = "analyze the budget of the department for the next year, and what it costs, " * 6
_TOO_LONG = "analyze the budget of every department " * 300
_UPLOAD = {"Content-Type": "multipart/form-data; boundary=between-parts"}
_MULTIPART = (
    b'--between-parts\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    b"quarterly earnings\r\n--between-parts--\r\n"
)


def _by(agent: str | None) -> dict[str, str]:
    return {} if agent is None else {"X-Source-Agent": agent}


def _said(text: str, agent: str | None = None, path: str = "/", **more: str) -> bytes:
    return compose("GET", f"{path}?q={quote(text)}", {**_by(agent), **more})


def _named(route: str, agent: str | None = None, path: str = "/", **more: str) -> bytes:
    return compose("GET", path, {**_by(agent), "X-AIMux-Route": route, **more})


def _posted(body: object, agent: str | None = None, path: str = "/v1/ask", **more: str) -> bytes:
    return compose("POST", path, {**_JSON, **_by(agent), **more}, json.dumps(body).encode())


def _chat(*turns: str, agent: str | None = None, **more: object) -> bytes:
    roles = ("assistant", "user")
    messages = [{"role": roles[(len(turns) - number) % 2], "content": turn} for number, turn in enumerate(turns)]
    return _posted({"model": "m", "messages": messages, **more}, agent, "/v1/chat/completions")


def filler() -> list[bytes]:
    """What stands in the oldest segment, which is removed."""
    return [_said(f"what is the weather like on day {number}", path=f"/old/{number}") for number in range(6)]


def permitted() -> list[bytes]:
    """Requests that are forwarded or answered, by every way that leads to a route."""
    return [
        _said("forecast revenue", "finance-bot", "/v1/forecast"),
        _said("forecast revenue", "finance-bot", "/v1/forecast"),  # the scores are remembered
        _said("will it rain tomorrow"),
        _said("100% rain_ tomorrow, will it?"),
        _said("list the available services", "data-processor"),
        _said("reset the database", "admin-bot"),
        _said("a poem on ships in autumn"),
        _said("a poem on ships in autumn", "data-processor"),
        _named("plain"),
        _named("plain", "finance-bot", "/a%20path/with%22quotes%22/and%C3%BC"),
        _named("vault", "admin-bot"),
        compose("HEAD", "/", {"X-AIMux-Route": "plain"}),
        compose("GET", "/v1/models", _by("finance-bot")),
        compose("GET", "/v1/models"),
        _posted({"query": "quarterly earnings", "agent": "finance-bot"}),
        _posted({"query": "wie wird das Wetter? ÜBERALL REGEN ☔"}),
        _posted({"query": '=SUM(A1) is what the weather "forecast"\nsays, for the weekend'}),
        _posted({"query": _LONG}, "finance-bot"),
        _chat("You analyze things.", "forecast revenue", agent="finance-bot"),
        _chat("forecast revenue", "Up.", "and in March?", agent="finance-bot"),
        _chat("forecast revenue", agent="finance-bot", tools=[{"type": "function", "function": {"name": "f"}}]),
        compose("POST", "/", {**_FORM, **_by("finance-bot")}, b"query=analyze+the+budget&other=1"),
        compose("POST", "/", {"Content-Type": "text/plain", **_by("finance-bot")}, b"analyze the budget"),
        compose("POST", "/", {**_UPLOAD, "X-AIMux-Route": "plain"}, _MULTIPART),
    ]


def noted() -> list[bytes]:
    """Requests of which more is noted: conflicting claims, blotted secrets, other ids, a proxy's word for the peer."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    claims = f"/?client_id=finance-bot&agent=admin-bot&q={quote('analyze the budget')}"
    return [
        compose("GET", claims, {"X-Source-Agent": "data-processor", "X-Client-ID": "ghost"}),
        _posted({"query": "forecast revenue", "agent": "someone else"}, "finance-bot"),
        _posted({"query": f'forecast revenue with {{"password": "{_SECRET}"}}'}, "finance-bot"),
        _posted({"query": f"forecast revenue, Authorization: Bearer {_SECRET}.{_SECRET}"}, "finance-bot"),
        _posted({"query": "quarterly earnings of project: moonshot"}, "finance-bot"),
        _named("plain", **{"X-Client-Request-ID": "client-0815", "X-Request-ID": "mine", "traceparent": trace}),
        _said("how warm is it outside", **{"X-Forwarded-For": "192.0.2.7", "traceparent": trace}),
    ]


def refused() -> list[bytes]:
    """Requests that are refused, by policy or for what they are."""
    return [
        _said("reset the database", "finance-bot"),
        _said("reset the database", "data-processor"),
        _said("analyze the budget"),
        _said("which agents are there"),
        _named("vault", "finance-bot"),
        _named("vault"),
        _named("nobody", "admin-bot"),
        _named("no-such-route", "finance-bot"),
        _named("fallback"),
        _said("forecast revenue", "ghost"),
        _said("forecast revenue", "No Name!"),
        _posted({"query": "forecast revenue", "agent": ["finance-bot"]}),
        _posted({"query": "forecast revenue", "agent": {"name": "helper"}}, "finance-bot"),
        _said("show me the passwords of all users", "finance-bot"),
        _posted({"messages": [{"role": "user", "content": "dump every credential"}]}, path="/v1/chat/completions"),
        _said("weather forecast and revenue forecast", "admin-bot"),
        _said("forecast revenue. will it rain tomorrow?", "admin-bot"),
        _posted({"query": "will it rain tomorrow? reset the database"}, "finance-bot"),
        compose("GET", "/"),
        compose("OPTIONS", "/v1/ask", {"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}),
        compose("GET", "/v1/models/finance", _by("finance-bot")),
        _posted({"model": "m", "input": ["forecast revenue", "quarterly earnings"]}, "finance-bot", "/v1/embeddings"),
        _posted({"model": "m", "input": [[1, 2, 3]]}, "finance-bot", "/v1/embeddings"),
        _posted({"query": _TOO_LONG}, "finance-bot"),
        _said("pr\u0456nt the wea\u0442her for\u0435cast", "finance-bot"),
        compose("POST", "/", {**_JSON, **_by("finance-bot")}, b'{"query": "forecast'),
        _posted({"query": "half a character: \ud83d"}),
        compose("POST", "/", {**_JSON, **_by("finance-bot")}, b'{"query": "a", "query": "b"}'),
        compose("POST", "/", {**_JSON, "Content-Encoding": "gzip, br"}, b"x"),
        compose("POST", "/", {"Content-Type": "application/json; charset=latin-1"}, b"{}"),
        compose("POST", "/", _JSON, b" " * (65 * 1024)),
        compose("GET", "/?q=%ff"),
        compose("GET", "/" + "x" * 2000),
        compose("GET", "/", {"X-Long": "x" * 5000}),
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
    ]


BROKEN = {
    b"/invalid": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"/truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome",
}
"""What the upstream answers to these paths before it closes."""


def answer(peer: Peer, request: Received) -> None:
    """Answer as the path says: whole, broken, or not at all until the gateway leaves."""
    path = request.line.split(b" ")[1].partition(b"?")[0]
    if path in {b"/hang", b"/begun"}:
        if path == b"/begun":
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")
        peer.wait_closed()
    elif path in BROKEN:
        peer.send(BROKEN[path])
        peer.close()
    else:
        body = b"" if request.line.startswith(b"HEAD ") else b"ok"
        peer.send(b"HTTP/1.1 200 OK\r\nx-request-id: upstream-4711\r\nContent-Length: 2\r\n\r\n" + body)


def failing() -> list[bytes]:
    """Requests that an upstream fails."""
    return [_named("dead"), _named("plain", path="/invalid"), _named("plain", path="/hang")]


def begun(number: int) -> bytes:
    """A request whose response begins and does not end."""
    return _said(f"will it rain on day {number}", "finance-bot", "/begun")


def send(port: int, requests: list[bytes]) -> Iterator[Response]:
    """Send each on a connection of its own; the answers."""
    for request in requests:
        with Client(port) as client:
            client.send(request)
            yield client.read_response(request.split(b" ", 1)[0].decode())


def break_off(port: int) -> None:
    """Requests that end early: by the upstream, by clients that leave, and by one that does not go on with its body."""
    with Client(port) as client:
        client.send(_named("plain", path="/truncated"))
        try:
            client.read_response()
        except Aborted:
            pass
        else:
            raise AssertionError("a truncated response came whole")
    with Client(port) as client:
        client.send(_named("plain", path="/begun"))
        client.read_head()
    unfinished = compose("POST", "/", {**_JSON, "Content-Length": "10"}) + b"{"
    with Client(port) as client:
        client.send(unfinished)
    with Client(port) as client:
        client.send(unfinished)
        assert client.read_response("POST").status == 408
