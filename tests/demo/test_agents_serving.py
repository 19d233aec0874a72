import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from aimux.demo.agents import admin, assistant, directory, finance, math, status
from aimux.demo.agents.asking import Question
from aimux.demo.agents.serving import Agent

Serve = Callable[..., http.client.HTTPConnection]
JSON = {"Content-Type": "application/json"}


def ask(connection: http.client.HTTPConnection, target: str, **headers: str) -> dict[str, object]:
    connection.request("GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    document = json.loads(response.read())
    assert isinstance(document, dict)
    return document


def test_answers_and_says_who_asked(serve: Serve) -> None:
    answer = ask(serve(math.AGENT), "/?q=what+is+50+times+3", X_AIMux_Agent="finance-bot", X_AIMux_Route="math")
    assert answer == {
        "answer": "150",
        "agent": "math",
        "asked_by": "finance-bot",
        "route": "math",
        "request_id": None,
    }


def test_keeps_the_connection(serve: Serve) -> None:
    connection = serve(math.AGENT)
    ask(connection, "/?q=1+%2B+1")
    first = connection.sock
    for method, body in (("POST", b'{"query": "2 + 2"}'), ("DELETE", None), ("HEAD", None), ("OPTIONS", None)):
        connection.request(method, "/?q=2+%2B+2", body=body)
        response = connection.getresponse()
        sent = response.read()
        assert response.status == 200
        assert (b'"4"' in sent) == (method != "HEAD")
    connection.request("PUT", "/", body=iter([b'{"query"', b': "3 + 3"}']), encode_chunked=True)
    assert json.loads(connection.getresponse().read())["answer"] == "6"
    assert connection.sock is first


def test_closes_after_a_body_that_it_cannot_read(serve: Serve) -> None:
    connection = serve(math.AGENT)
    connection.request("POST", "/", body=b"{", headers=JSON)
    response = connection.getresponse()
    assert response.status == 400
    assert json.loads(response.read()) == {"error": {"code": "bad_request", "message": "the body is no valid JSON"}}
    assert response.headers["Connection"] == "close"


def chat(connection: http.client.HTTPConnection, text: str, **more: object) -> http.client.HTTPResponse:
    document = {"model": "gpt-4", "messages": [{"role": "user", "content": text}]} | more
    connection.request("POST", "/v1/chat/completions", body=json.dumps(document), headers=JSON)
    return connection.getresponse()


def test_completes_a_chat(serve: Serve) -> None:
    completion = json.loads(chat(serve(finance.AGENT), "analyze Q3 revenue").read())
    assert completion["object"] == "chat.completion"
    assert completion["model"] == "gpt-4"
    (choice,) = completion["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"].startswith("The revenue of Q3: 505 thousand euros")
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    usage = completion["usage"]
    assert usage["prompt_tokens"] == 3
    assert usage["total_tokens"] == 3 + len(choice["message"]["content"].split())
    assert completion["aimux"]["agent"] == "finance"


def events(response: http.client.HTTPResponse) -> list[str]:
    assert response.headers["Content-Type"] == "text/event-stream"
    return [event.removeprefix("data: ") for event in response.read().decode().split("\n\n") if event]


def test_streams_a_chat(serve: Serve) -> None:
    *chunks, last = events(chat(serve(finance.AGENT), "analyze revenue", stream=True))
    assert last == "[DONE]"
    documents = [json.loads(chunk) for chunk in chunks]
    assert {document["object"] for document in documents} == {"chat.completion.chunk"}
    assert {document["model"] for document in documents} == {"gpt-4"}
    assert len({document["id"] for document in documents}) == 1
    assert {document["choices"][0]["index"] for document in documents} == {0}
    deltas = [document["choices"][0]["delta"] for document in documents]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[-1] == {}
    assert len(deltas) > 5
    assert "".join(delta.get("content", "") for delta in deltas) == finance.answer(Question("analyze revenue"))
    assert [document["choices"][0]["finish_reason"] for document in documents] == [None] * (len(documents) - 1) + [
        "stop"
    ]


def test_streams_the_usage_where_it_is_wanted(serve: Serve) -> None:
    wanted = {"include_usage": True}
    *_, last, done = events(chat(serve(math.AGENT), "2 + 2", stream=True, stream_options=wanted))
    assert json.loads(last)["usage"]["completion_tokens"] == 1
    assert json.loads(last)["choices"] == []
    assert done == "[DONE]"


def test_sends_each_chunk_when_it_is_there(serve: Serve) -> None:
    """The first chunk is read while the agent still has hours to go."""
    connection = serve(finance.AGENT, pace=3600.0)
    response = chat(connection, "analyze revenue", stream=True)
    assert response.read1(65536).startswith(b"data: ")


def test_streams_to_old_clients_until_it_closes(serve: Serve) -> None:
    connection = serve(math.AGENT)
    body = b'{"stream": true, "messages": [{"role": "user", "content": "2 + 2"}]}'
    with socket.create_connection((connection.host, connection.port), timeout=10) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, sent = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert sent.startswith(b"data: {")
    assert sent.endswith(b"data: [DONE]\n\n")


def test_a_fault_ends_one_connection_and_not_the_agent(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    def answer(question: Question) -> str:
        if question.text == "break":
            raise ValueError("broken")
        return "fine"

    connection = serve(Agent("frail", answer))
    connection.request("GET", "/?q=break")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    assert "frail agent: ValueError('broken')" in capfd.readouterr().err
    connection.close()
    assert ask(connection, "/?q=go+on")["answer"] == "fine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("analyze revenue", "The revenue of the year: 1903 thousand euros"),
        ("analyze Q3 revenue", "The revenue of Q3: 505 thousand euros, Q3 +12.7 % on Q2"),
        ("how much money did we make last quarter", "Q4: 538"),
        ("what was our profit in the second quarter", "The profit of Q2: 107 thousand euros"),
        ("how much did we spend", "The costs of the year: 1390 thousand euros"),
        ("the budget of q3", "The budget of Q3: 360 thousand euros, 352 spent, 8 thousand euros left"),
        ("analyze the budget", "9 thousand euros over it"),
        ("costs of the first quarter", "Q1: 318 thousand euros, the first quarter on record"),
        ("forecast revenue", "next quarter's revenue comes to 580 thousand euros"),
        ("hello", "The revenue of the year"),
    ],
)
def test_the_finance_agent_knows_its_figures(text: str, said: str) -> None:
    assert said in finance.answer(Question(text))


@pytest.mark.parametrize("text", ["reset the database", "wipe all tables", "rm -rf /", ""])
def test_the_admin_agent_does_nothing(text: str) -> None:
    answer = admin.answer(Question(text))
    assert answer.startswith("Dry run: ")
    assert answer.endswith("Nothing was changed.")


def test_the_admin_agent_says_what_it_would_do() -> None:
    assert "reset the database" in admin.answer(Question("Reset  the database"))
    assert "delete the user accounts" in admin.answer(Question("please delete users"))
    assert "I know no such action" in admin.answer(Question("sing"))


def test_the_directory_lists_the_mesh() -> None:
    everything = directory.answer(Question("who is there"))
    assert all(name in everything for name in directory.ENTRIES)
    assert directory.answer(Question("who is in finance")).startswith("finance (")


def test_the_status_agent_measures() -> None:
    assert status.answer(Question("")).startswith("Everything is up: this agent for ")


@pytest.mark.parametrize(
    ("text", "said"),
    [("hello there", "Hello"), ("Who are you?", "not a language model"), ("tell me a joke", "no route of the mesh")],
)
def test_the_assistant_is_honest(text: str, said: str) -> None:
    assert said in assistant.answer(Question(text))


@pytest.fixture
def program() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(name: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", f"aimux.demo.agents.{name}", *arguments]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["math", "finance", "admin", "directory", "status", "assistant"])
def test_each_is_a_program(program: Callable[..., subprocess.Popen[str]], name: str) -> None:
    process = program(name)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(f"{name} agent on http://127.0.0.1:")
    connection = http.client.HTTPConnection("127.0.0.1", int(line.rpartition(":")[2]), timeout=10)
    assert ask(connection, "/?q=x", X_AIMux_Agent="a\x1bb", X_Request_ID="r1")["agent"] == name
    connection.close()
    assert process.stdout.readline() == "answered 'a\\x1bb', request 'r1'\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_a_program_says_that_its_port_is_taken(program: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = program("math", "--port", str(port))
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said == f"math agent: 127.0.0.1:{port} is taken: end the program that uses it, or choose another --port\n"


def test_serves_several_at_once(serve: Serve) -> None:
    """Two requests meet inside the agent: neither is answered before the other has been read."""
    meeting = threading.Barrier(2, timeout=10)

    def answer(_question: Question) -> str:
        meeting.wait()
        return "met"

    first = serve(Agent("busy", answer))
    second = http.client.HTTPConnection(first.host, first.port, timeout=10)
    first.request("GET", "/")
    second.request("GET", "/")
    assert [json.loads(each.getresponse().read())["answer"] for each in (first, second)] == ["met", "met"]
    second.close()
