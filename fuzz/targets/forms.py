"""Queries and forms: read alike, by the plainest reading of them, and a form never says who asks."""

from typing import Final

from aimux.core.policy import IdentitySources
from aimux.core.reason import Failure
from aimux.core.request import Reading
from aimux.wire.dialects import BodyKind, read_body, read_head
from aimux.wire.http1 import Head, HeadLimits, find_head, parse_head
from fuzz import reference, seeds
from fuzz.target import Target, expect

_LIMITS: Final = HeadLimits()
_SOURCES: Final = IdentitySources()
_MOST_FIELDS: Final = 1000


def check(data: bytes) -> None:
    """Read `data` as a form, and as a query where it can be one."""
    fields = reference.pairs(data)
    # With marks or zeros before the brace it is taken for JSON in another encoding, and refused.
    if not data.lstrip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe").startswith(b"{"):
        in_form = read_body(data, BodyKind.JSON_OR_FORM, (), _SOURCES, len(data))
        expect("a form does not say who asks", kept=in_form.claims == ())
        heard = read_body(data, BodyKind.JSON_OR_FORM, (), _SOURCES, len(data), hears=True)
        expect("what else is heard changes not the text", kept=(heard.text, heard.flaw) == (in_form.text, in_form.flaw))
        said = "\n".join((heard.text or "", *heard.beside))
        all_heard = heard.flaw is not None or all(value.strip() in said for _, value in fields or ())
        expect("all values of a form are heard", kept=all_heard)
        _expect_the_text(in_form, fields, is_form=True)
    head = _head(data)
    if head is not None:
        in_query = read_head(head, _SOURCES)
        _expect_the_text(in_query, fields, is_form=False)
        for claim in in_query.claims:
            values = {value for name, value in fields or () if name == claim.field}
            expect("a name in the query stands there, once", kept=claim.name != "" and values == {claim.name})
        if in_query.flaw is None:
            named = [name for name in reference.QUERY if any(key == name for key, _ in fields or ())]
            expect("no name in the query is overlooked", kept=[claim.field for claim in in_query.claims] == named)


def _head(query: bytes) -> Head | None:
    raw = b"GET /?" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    try:
        return parse_head(raw, _LIMITS) if find_head(raw, _LIMITS) == len(raw) else None
    except Failure:
        return None


def _expect_the_text(reading: Reading, fields: list[tuple[str, str]] | None, *, is_form: bool) -> None:
    if reading.flaw is not None:
        expect("what cannot be read says nothing", kept=reading == Reading(flaw=reading.flaw))
        expect("nothing is refused without need", kept=fields is None or _is_refused(fields))
    else:
        expect("what is read can be read", kept=fields is not None)
        text = reference.text_in_fields(fields or [], is_form=is_form)
        expect("the text is the one that the documents name", kept=reading.text == text)


def _is_refused(fields: list[tuple[str, str]]) -> bool:
    """Whether there are too many fields, or two values for what may have one."""
    for name in ("q", "query", "prompt", "input", *reference.QUERY):
        values = {value for key, value in fields if key == name}
        if len(values) > 1 or (name in reference.QUERY and "" in values):
            return True
    return len(fields) > _MOST_FIELDS


def _seeds() -> list[bytes]:
    queries = [query for target in seeds.targets() if (query := target.partition(b"?")[2])]
    return [
        b"q=a+b%20c&client_id=finance-bot",
        b"query=%C3%A9",
        b"q=&query=b",
        b"q=%ff",
        b"a&b=&=c&&",
        b"q=a&q=b",
        *queries,
    ]


TARGET = Target(
    "forms",
    check,
    _seeds,
    (
        b"q=",
        b"query=",
        b"client_id=",
        b"agent=",
        b"source=",
        b"finance-bot",
        b"%C3%A9",
        b"%3D",
        b"%26",
        b"&",
        b"+",
        b";",
        b"%71=",
    ),
    longest=1024,
)
