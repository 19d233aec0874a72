"""What the tables say."""

from dataclasses import replace

import pytest

from clients import ROOT, ClientsError, cells
from clients.document import put_between
from clients.driver import Sight
from clients.measure import Observed, Sighting
from clients.report import Observations, as_json, differences, from_json, markdown
from clients.situations import SITUATIONS, TOOL, Situation
from clients.turns import users_texts
from clients.upstream.answers import ANSWER
from clients.upstream.said import Json

CALL = Situation("A call")
LIST = Situation("A list", "models", good=None)
GOOD = Sighting(1, 0, Sight(answered=True, seen=ANSWER, seconds=0.04))
REFUSED = Sighting(3, 0, Sight(answered=False, seen="openai.ConflictError: Error code: 409 - no (x)", seconds=1.44))
RUN = Observations("2026-01-02", "1.0", "v20.1.0", (Observed("one", {"a": "1"}, None, {"A call": GOOD}),))


@pytest.mark.parametrize(
    ("sighting", "count", "seen"),
    [
        (GOOD, "1", "the answer"),
        (replace(GOOD, past=1), "1 + 1 past the gateway", "the answer"),
        (REFUSED, "3", "`openai.ConflictError: Error code: 409 - no (x)`"),
        (Sighting(1, 0, Sight(answered=True, seen="<b>a|b`</b>", seconds=0)), "1", "answer: `<b>a\\|b'</b>`"),
        (Sighting(1, 0, Sight(answered=True, seen="", seconds=0)), "1", "answer: nothing"),
        (Sighting(9, 0, Sight(answered=False, seen="still", seconds=60, in_time=False)), "9", "still"),
        (
            Sighting(0, 0, Sight(answered=False, seen="E: x", seconds=0, reached=("a.org", "a.org"))),
            "0",
            "`E: x` (asked for a.org)",
        ),
    ],
)
def test_a_cell_says_how_many_requests_and_what_was_seen(sighting: Sighting, count: str, seen: str) -> None:
    assert (cells.requests(sighting), cells.seen(sighting, CALL)) == (count, seen)


def test_an_answer_is_good_where_it_is_the_upstreams() -> None:
    other = Sighting(1, 0, Sight(answered=True, seen="something", seconds=0))
    assert [cells.good(each, CALL) for each in (GOOD, other, REFUSED)] == [True, False, False]
    assert [cells.good(each, LIST) for each in (GOOD, other, REFUSED)] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("request 759fec1517e71e977fe0950eac394f52 of 4f2", "request … of 4f2"),
        ("<A object at 0x7fd85b768ea0>", "<A object at 0x…>"),
        ("http://127.0.0.1:40123/v1 http://localhost:8080", "http://127.0.0.1:PORT/v1 http://localhost:PORT"),
        ("one\n  two\tthree", "one two three"),
        ("httpx.ReadError: [Errno 104] Connection reset by peer", "httpx.ReadError"),
        ("TypeError: terminated (cause: read ECONNRESET)", "TypeError: terminated"),
    ],
)
def test_what_differs_from_run_to_run_is_left_out(text: str, shown: str) -> None:
    assert cells.code(text) == f"`{shown}`"


def test_a_long_text_keeps_both_ends() -> None:
    shown = cells.code("begin " + "x " * 500 + "(the_code)")
    assert shown.startswith("`begin x")
    assert shown.endswith("x (the_code)`")
    assert len(shown) < 260


def test_clients_that_see_the_same_stand_together() -> None:
    seen = {"A call": REFUSED}
    slower = {"A call": replace(REFUSED, sight=replace(REFUSED.sight, seconds=2.0))}
    run = replace(
        RUN,
        clients=(
            Observed("one", {"a": "1", "b": "2"}, None, seen),
            Observed("two", {}, "pip could not install it: no"),
            Observed("three", {"c": "3"}, None, slower),
            Observed("four", {"d": "4"}, None, {"A call": GOOD}),
        ),
    )
    shown = markdown(run, [CALL, LIST]).splitlines()
    assert shown[0] == "Seen 2026-01-02 at AIMux 1.0, Node.js v20.1.0."
    assert "**two**: `pip could not install it: no`" in shown
    assert "| one | a 1, b 2 |" in shown
    assert "| two | - |" in shown
    assert "| A call | 3 | - | 3 | 1 ok |" in shown
    assert "| A list | - | - | - | - |" in shown
    assert "| one, three | 3 | 1.4 - 2.0 | `openai.ConflictError: Error code: 409 - no (x)` |" in shown
    assert "| four | 1 | 0.0 | the answer |" in shown
    assert "### A list" not in shown


def test_what_clients_write_under_their_users_name_is_shown() -> None:
    tool = replace(GOOD, written=("Observation:\n42", "New task"))
    run = replace(RUN, clients=(Observed("one", {}, None, {TOOL.title: tool}),))
    shown = markdown(run, [TOOL]).splitlines()
    assert shown[-2:] == ["| one | `Observation: 42` |", "| one | `New task` |"]
    assert markdown(RUN, [CALL]).endswith("No client wrote any.")


def test_of_the_newest_only_what_differs_is_told() -> None:
    assert differences(RUN, RUN, [CALL]).endswith("All saw the same.")
    now = replace(RUN, clients=(Observed("one", {"a": "2"}, None, {"A call": REFUSED}),))
    told = differences(now, RUN, [CALL, LIST])
    assert "| one | a 2 |" in told
    assert told.endswith("| one | A call | 1: the answer | 3: `openai.ConflictError: Error code: 409 - no (x)` |")
    assert "| new | A call | - | 1: the answer |" in differences(
        replace(RUN, clients=(Observed("new", {}, None, {"A call": GOOD}),)), RUN, [CALL]
    )


def test_a_run_that_was_kept_is_the_same() -> None:
    odd = Sighting(1, 2, Sight(answered=False, seen="ü", seconds=1.5, reached=("x",), in_time=False), ("a", "b"))
    run = replace(RUN, clients=(*RUN.clients, Observed("two", {}, "no", {"A call": odd})), node=None)
    assert from_json(as_json(run)) == run


def test_a_part_of_the_document_is_written_and_the_rest_stays() -> None:
    document = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n<!-- y: begin -->\n<!-- y: end -->\n"
    once = put_between(document, "x", "new")
    assert once.startswith("a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb\n<!-- y: begin -->")
    assert put_between(once, "x", "new") == once


@pytest.mark.parametrize("document", ["", "<!-- x: end --><!-- x: begin -->", "<!-- x: begin -->"])
def test_a_document_without_the_part_is_refused(document: str) -> None:
    with pytest.raises(ClientsError, match="x: begin"):
        put_between(document, "x", "new")


def test_the_document_has_the_parts() -> None:
    document = (ROOT / "docs" / "clients.md").read_text()
    for part in ("pinned", "newest"):
        assert "new" in put_between(document, part, "new")


def test_no_two_situations_have_one_title() -> None:
    assert len({situation.title for situation in SITUATIONS}) == len(SITUATIONS)


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]}, ["b"]),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "image_url"}]}]}, ["b"]),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "b"}]}]}, []),
        ({"messages": [{"role": "tool", "content": "b"}, {"role": "user", "content": None}]}, []),
        ({"input": "b"}, ["b"]),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "b"}]}]}, ["b"]),
        ({"input": [{"type": "function_call_output", "output": "b"}, "c", 1]}, []),
        ({}, []),
    ],
)
def test_the_users_texts_are_found_in_any_api(body: Json, texts: list[str]) -> None:
    assert list(users_texts(body)) == texts
