"""Lines of a log: put in a chain and signed, whatever they say; and objects that could be records, or nearly."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from aimux.audit import checkpoints
from aimux.audit.chain import GENESIS, after, linked
from aimux.audit.format.events import KINDS
from aimux.audit.format.schema import FIELDS
from aimux.audit.signing import PUBLIC_KEY, Signer

_TEXTS = st.text(st.characters(codec=None), max_size=8)
_MOMENTS = st.sampled_from(["2026-01-31T12:00:00Z", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00", "none"])
_SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | _TEXTS | _MOMENTS
_VALUES = st.recursive(
    _SCALARS,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(["route", "score", "place", "x"]), each),
    max_leaves=6,
)
_NAMES = sorted({field.name for field in FIELDS} | {"schema", "first", "last", "of_tomorrow"})
_KINDS = st.sampled_from([*sorted(KINDS), "of_tomorrow", 7, None, ["decision"]])
OBJECTS = st.builds(
    lambda kind, rest: {**rest, "kind": kind}, _KINDS, st.dictionaries(st.sampled_from(_NAMES), _VALUES)
)
"""Objects of any kind with fields of records, and anything in them."""
DECISIONS = OBJECTS.map(lambda fields: {**fields, "kind": "decision"})
OUTCOMES = OBJECTS.map(lambda fields: {**fields, "kind": "outcome"})


def body_of(fields: dict[str, Any]) -> str:
    """The body of a line with these fields, its kind first."""
    return json.dumps({"kind": fields.get("kind"), **fields}, separators=(",", ":"))[1:]


def log_of(folder: Path, *bodies: str) -> Path:
    """A log with these bodies of lines in its one chain, signed to the end."""
    place = folder / "chain-1"
    place.mkdir(parents=True)
    head, lines = GENESIS, []
    for body in bodies:
        lines.append(linked(head.count + 1, head.digest, body) + b"\n")
        head = after(head, lines[-1][:-1])
    (place / f"{1:020d}.jsonl").write_bytes(b"".join(lines))
    signer = Signer.at(folder / "signing-key.pem", create=True)
    signer.put_public(folder / PUBLIC_KEY)
    checkpoints.append(place / checkpoints.FILE, [signer.sign("o" * 32, 1, head, "2026-01-31T12:00:00Z")])
    return folder
