"""The records that tell of the log and the gateway themselves: kinds, the fields of each, and how they are written."""

import json
from typing import Any, Final

from aimux.audit.format.schema import VERSION
from aimux.core.operator import Command

_FILE: Final = {
    "file": "Its name.",
    "harm": "What was done to it.",
    "first": "Number of the first record that was put back, or is gone. null: the file holds no records.",
    "last": "Number of the last of them.",
    "kept": "The file that holds what others wrote, if there is one.",
}
EVENTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "origin": (
        "The first record of a chain.",
        {"origin": "The chain's name in its checkpoints.", "chain": "Its number."},
    ),
    "opened": ("A gateway writes from here on.", {"version": "Its version.", "process": "Number of its process."}),
    "closed": ("The gateway has ended as it should.", {}),
    "configuration": (
        "What is in force from here on.",
        {"config": "SHA-256 of the configuration.", "model": "SHA-256 of the model, if one is needed."},
    ),
    "command": (
        "An operator gave a command: written before it takes effect, and where it is refused.",
        {
            "request_id": "Its request.",
            "peer": "Address of the client, `unix` for one on a Unix socket.",
            "command": "Its name. null: there is no such command.",
            "operator": "Who gave it. null: nobody who proved to be an operator.",
            "role": "That one's role.",
            "proof": "How that was proved: `token` or `peer_uid`.",
            "verdict": "`accepted`, or the code of the refusal.",
            "detail": "More of the refusal.",
            "before": "What it changes, as it stands: the configuration's SHA-256 for `reload`.",
            "after": "The same as it is to be.",
        },
    ),
    "repaired": (
        "A crash had torn the end of the file.",
        {
            "torn_bytes": "How many bytes were cut off.",
            "torn_sha256": "Their SHA-256.",
            "kept": "Name of the file that keeps them.",
        },
    ),
    "gap": ("Requests were refused while nothing could be written.", {"unrecorded": "How many left no record."}),
    "trimmed": (
        "Files were removed for their age or size.",
        {"first": "Number of the oldest record that is kept.", "before": "The hash that it carries."},
    ),
    "restored": ("Others have changed a file, and it was put back.", _FILE),
    "lost": ("Others have changed a file, and records are gone.", _FILE),
}
"""Each kind: its meaning, and its fields besides the time."""
KINDS: Final = frozenset({"decision", "outcome", *EVENTS})
"""All kinds of records that this build writes."""


def beginning(kind: str) -> str:
    """The first fields of a record's body, behind its number and hash."""
    return f'"kind":"{kind}","schema":{VERSION},'


def event(kind: str, moment: str, **values: Any) -> str:
    """The body of a record of this kind. Raises ValueError where its fields are not those of the table."""
    fields = EVENTS[kind][1]
    if values.keys() != fields.keys():
        raise ValueError(f"a record '{kind}' has the fields {', '.join(fields)}")
    told = {"time": moment, **{name: values[name] for name in fields}}
    return beginning(kind) + json.dumps(told, separators=(",", ":"))[1:]


def command_event(given: Command, moment: str) -> str:
    """The body of the record of a command."""
    who = given.operator
    return event(
        "command",
        moment,
        request_id=given.request_id,
        peer=given.peer,
        command=given.name,
        operator=None if who is None else who.name,
        role=None if who is None else who.role.value,
        proof=None if who is None else who.proof.value,
        verdict=given.verdict,
        detail=given.detail,
        before=given.before,
        after=given.after,
    )
