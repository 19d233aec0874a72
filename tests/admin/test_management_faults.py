"""Management endpoints that fail: the answer says no more than the code, the loop's handler hears the whole cause."""

import asyncio
import errno
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from aimux.admin.management import Management
from aimux.admin.models import StateEntry
from aimux.admin.operators import Operators
from aimux.admin.page import Page, Stream
from aimux.admin.policy_pages import InForce
from aimux.core.endpoints import Endpoint
from aimux.core.fault import fault_fields
from aimux.core.headers import Trace
from aimux.core.reason import Reason
from aimux.edge.exchange import Exchange
from aimux.gateway.live import Live
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import HeadLimits, parse_head


class Client:
    """The client's connection."""

    def __init__(self) -> None:
        self.sent = b""
        self.was_cut = self.clogged = False

    def send(self, data: bytes) -> None:
        self.sent += data

    def hold(self) -> None:
        raise AssertionError("there is no body")

    def release(self) -> None:
        """Nothing was held."""

    def ended(self, *, keep: bool) -> None:
        """The response is complete."""

    def cut(self) -> None:
        self.was_cut = True


async def pages() -> bytes:
    return b""


async def nobody() -> list[Any]:
    return []


def ask(endpoint: Any) -> tuple[Client, Any, list[dict[str, Any]]]:
    """Ask for /audit where it is answered so: the connection, the refusal, and what was reported."""
    reported: list[dict[str, Any]] = []
    client = Client()

    async def main() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        in_force = InForce(None, {}, datetime.now(UTC))  # type: ignore[arg-type]
        state = StateEntry(store="memory", lasting=False, problem=None)
        own = {"serving": nobody, "state": lambda: state, "files": {}}
        management = Management(Live(), pages, in_force, Operators(), more={Endpoint.AUDIT: endpoint}, **own)
        head = parse_head(b"GET /audit HTTP/1.1\r\nHost: localhost\r\n\r\n", HeadLimits())
        trace = Trace("f" * 32, "e" * 16)
        origin = Origin("127.0.0.1")
        exchange = Exchange(client, head, origin, request_id="abc123", trace=trace, started=0.0, max_body=1)
        return await management.answer(exchange)

    return client, asyncio.run(main()), reported


def raising(error: Exception) -> Any:
    async def endpoint(_: Exchange) -> Page:
        raise error

    return endpoint


def test_a_fault_is_reported_with_the_request_and_its_place() -> None:
    client, refused, reported = ask(raising(RuntimeError("secret detail")))
    assert refused.reason is Reason.INTERNAL
    assert b"HTTP/1.1 500 " in client.sent
    assert b"secret" not in client.sent
    (context,) = reported
    fields = fault_fields(context)
    assert (fields["request_id"], fields["path"]) == ("abc123", "/audit")
    assert str(fields["error"]).startswith("RuntimeError: secret detail, at admin/management.py:")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_want_of_a_descriptor_is_told_as_such_and_reported(number: int) -> None:
    client, refused, reported = ask(raising(OSError(number, "Too many open files")))
    assert refused.reason is Reason.OUT_OF_DESCRIPTORS
    assert b"HTTP/1.1 503 " in client.sent
    assert json.loads(client.sent.partition(b"\r\n\r\n")[2])["error"]["code"] == "out_of_descriptors"
    assert len(reported) == 1


def test_an_answer_that_breaks_off_is_cut_and_reported() -> None:
    async def pieces() -> Any:
        yield b"some"
        raise ValueError("broken off")

    async def endpoint(_: Exchange) -> Stream:
        return Stream(b"text/plain", pieces())

    client, refused, reported = ask(endpoint)
    assert client.was_cut
    assert refused.reason is Reason.INTERNAL
    assert "ValueError: broken off" in str(fault_fields(reported[0])["error"])
