"""Where fuzzing begins: the requests and responses of the edge's corpus, as bytes."""

import sys
from functools import cache
from importlib import import_module

from fuzz import ROOT

_LONGEST = 4096
_VALUES = {"gateway": "8080", "upstream": "8001", "elsewhere": "8002"}
_OF_THIS_HOP = (b"host", b"content-length", b"transfer-encoding")


def requests() -> tuple[bytes, ...]:
    """What the corpus' clients send."""
    return _corpus("requests", "sends")


def responses() -> tuple[bytes, ...]:
    """What its upstreams reply."""
    return _corpus("responses", "replies")


@cache
def _corpus(topic: str, side: str) -> tuple[bytes, ...]:
    """One side of every case, its writes together; the very long ones are left out."""
    edge = str(ROOT / "tests" / "edge")
    if edge not in sys.path:
        sys.path.insert(0, edge)
    corpus, notation = import_module("edge_support.corpus"), import_module("edge_support.notation")
    written = [getattr(case, side) for case in corpus.cases(topic)]
    found = (b"".join(notation.to_bytes(text, _VALUES) for text in texts) for texts in written if not _is_long(texts))
    return tuple(dict.fromkeys(data for data in found if len(data) <= _LONGEST))


def _is_long(texts: tuple[str, ...]) -> bool:
    return any(" * " in text for text in texts)


def targets() -> list[bytes]:
    """The targets of those requests."""
    lines = (request.partition(b"\r\n")[0].split(b" ") for request in requests())
    return list(dict.fromkeys(line[1] for line in lines if len(line) > 1))


def bodies() -> list[bytes]:
    """Whatever stands behind their heads."""
    return list(dict.fromkeys(body for request in requests() if (body := request.partition(b"\r\n\r\n")[2])))


def messages() -> list[bytes]:
    """Target, header lines, empty line and body, without what frames them."""
    found = []
    for request in requests():
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in _OF_THIS_HOP]
        target = first.split(b" ")[1] if first.count(b" ") else b"/"
        found.append(b"\r\n".join([target, *kept]) + b"\r\n\r\n" + body)
    return list(dict.fromkeys(found))
