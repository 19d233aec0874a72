"""Requests to be read: heads made of their lines, bodies of a kind, and what is found in them."""

import json
from dataclasses import replace

from aimux.core.policy import IdentitySources
from aimux.wire.dialects import body_kind, read_body
from aimux.wire.http1 import HeadLimits, find_head, parse_head

SOURCES = IdentitySources()
LIMITS = HeadLimits()
LIMIT = 1_000_000


def head_of(*lines, target=b"/", length=5):
    """A head of these lines, with a body of this length."""
    framing = b"" if length is None else b"Content-Length: %d" % length
    data = b"\r\n".join(
        (b"POST " + target + b" HTTP/1.1", b"Host: x", *lines, *([framing] if framing else []), b"", b"")
    )
    return parse_head(data[: find_head(data, LIMITS)], LIMITS)


def reading(body, content_type=None, codings=(), sources=SOURCES, *, limit=LIMIT, hears=False):
    """What a body says that came with this Content-Type."""
    lines = () if content_type is None else (b"Content-Type: " + content_type,)
    kind = body_kind(head_of(*lines, length=len(body) or 1))
    return read_body(body, kind, codings, sources, limit, hears=hears)


def said(document, **more):
    """What a JSON body says, all that stands beside its text included."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    found = reading(body, b"application/json", **more, hears=True)
    assert found.flaw is None
    # Where nobody hears what is said beside it, the text is the same; nor do token ids matter there.
    unheard = reading(body, b"application/json", **more)
    assert replace(unheard, opaque=found.opaque) == replace(found, beside=())
    assert unheard.opaque is (found.opaque if found.text is None else None)
    return found


def flaw(found):
    """Why something cannot be read; it says nothing else then."""
    assert found.claims == ()
    assert found.text is None
    return found.flaw.reason


def parts(*content):
    """A conversation of one message, in parts."""
    return {"messages": [{"role": "user", "content": list(content)}]}
