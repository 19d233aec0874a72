"""Supervisor and workers understand each other, and nothing else."""

import asyncio
import socket
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.app.messages import Channel, Message, Prepare, Prepared, decoded, encoded

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(0, 2**31),
    "str": st.text(),
    "bool": st.booleans(),
    "str | None": st.none() | st.text(),
    "dict[str, str | None]": st.dictionaries(st.text(), st.none() | st.text()),
    "tuple[str, ...]": st.lists(st.text()).map(tuple),
    "list[Any]": st.lists(st.tuples(st.text(), st.integers()).map(list)),
}


@st.composite
def messages(draw: st.DrawFn) -> Any:
    kind = draw(st.sampled_from(get_args(Message)))
    names = {field.name: str(getattr(field.type, "__name__", field.type)) for field in fields(kind)}
    named = {
        name: str(field.type) if "[" in str(field.type) or "|" in str(field.type) else names[name]
        for name, field in ((field.name, field) for field in fields(kind))
    }
    return kind(**{name: draw(VALUES[of.replace("typing.", "")]) for name, of in named.items()})


@given(message=messages())
def test_a_message_comes_through_on_one_line(message: Any) -> None:
    line = encoded(message)
    assert line.count(b"\n") == 1
    assert decoded(line) == message


@pytest.mark.parametrize(
    "line", [b"{}\n", b"no JSON\n", b'["Prepare", {}]\n', b'["Exec", {"code": ""}]\n', b"[]\n", b"1\n"]
)
def test_anything_else_is_an_error(line: bytes) -> None:
    with pytest.raises(ValueError, match="no message"):
        decoded(line)


def test_a_channel_carries_large_messages_and_ends_with_its_other_end() -> None:
    large = Prepare(
        1, "é" * 5_000_000, "a.yaml", "/", "0" * 64, "2026-01-01T00:00:00+00:00", {"files": None}, accept=True
    )

    async def test() -> list[Message]:
        ours, theirs = socket.socketpair()
        here, there = await Channel.over(ours), await Channel.over(theirs)

        async def speak() -> None:
            there.send(large)
            there.send(Prepared(1, ("a problem",)))
            await there.close()

        speaking = asyncio.create_task(speak())
        found = [message async for message in here.messages()]
        await speaking
        here.send(Prepared(2))
        await here.close()
        return found

    assert asyncio.run(test()) == [large, Prepared(1, ("a problem",))]
