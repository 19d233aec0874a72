"""Identity over every subset of the places that can name a caller, each in every state, by the documents' rules."""

import json
from collections import Counter
from itertools import product

from aimux.core.gates import identify
from aimux.core.identity import Principal
from aimux.core.policy import IdentitySources, Policy
from aimux.core.request import Facts
from aimux.wire.dialects import BodyKind, read_body, read_head
from aimux.wire.http1 import HeadLimits, parse_head

LIMITS, SOURCES = HeadLimits(), IdentitySources()
QUERY = ("client_id", "agent", "source")
HEADERS = ("X-Source-Agent", "X-Client-ID")
PLACES = (*QUERY, *HEADERS, "body")
# Each place names somebody of its own, so that it shows which one counted.
AGENT = {place: f"agent-{number}" for number, place in enumerate(PLACES)}
HOUSE = Policy.of((), agents=frozenset(AGENT.values()))
STATES = ("absent", "registered", "unregistered", "empty", "the same twice", "two names")


def values(place, state):
    """What a place holds in a state."""
    name = AGENT[place]
    return {
        "absent": [],
        "registered": [name],
        "unregistered": ["stranger"],
        "empty": [""],
        "the same twice": [name, name],
        "two names": [name, "stranger"],
    }[state]


def in_head(states):
    """The reading of a head whose five places are in these states; headers and parameters stand in reverse order."""
    pairs = [f"{place}={value}" for place in reversed(QUERY) for value in values(place, states[place])]
    lines = [f"{place}: {value}\r\n" for place in reversed(HEADERS) for value in values(place, states[place])]
    raw = f"GET /?{'&'.join(pairs)} HTTP/1.1\r\nHost: x\r\n{''.join(lines)}\r\n"
    return read_head(parse_head(raw.encode(), LIMITS), SOURCES)


def in_body(state):
    """The reading of a JSON body whose field is in this state."""
    fields = ", ".join(f'"agent": {json.dumps(value)}' for value in values("body", state))
    return read_body(f"{{{fields}}}".encode(), BodyKind.JSON, (), SOURCES, 1000)


def expected(states):
    """The documents' answer: the status of a refusal, or who asks and which names conflict with that."""
    present = [place for place in PLACES if states[place] != "absent"]
    in_the_head = [place for place in present if place != "body"]
    if any(states[place] in {"empty", "two names"} for place in in_the_head):
        return 400
    if states["body"] in {"the same twice", "two names"} or (states["body"] == "empty" and not in_the_head):
        return 400
    if not present:
        return None, []
    if states[present[0]] == "unregistered":
        return 401
    return AGENT[present[0]], [values(place, states[place])[0] or None for place in present[1:]]


def test_every_subset_of_places_in_every_state():
    reached = Counter()
    bodies = {state: in_body(state) for state in STATES}
    for in_places in product(STATES, repeat=len(PLACES) - 1):
        states = dict(zip(PLACES, in_places, strict=False))
        head = in_head(states)
        for state, body in bodies.items():
            wanted = expected(states | {"body": state})
            found = identify(Facts(head, body=body), HOUSE)
            if isinstance(found, Principal):
                assert (found.agent, [claim.name for claim in found.conflicts]) == wanted
            else:
                assert found.reason.status == wanted
            reached[wanted if isinstance(wanted, int) else "caller"] += 1
    sound = 4**5 * 4 - 1  # states that are no fault: four of the head's, four of the body's; empty only behind a name
    unknown = sum(4 ** (4 - before) * 4 for before in range(5)) + 1  # one place unregistered, all before it absent
    assert reached == {400: 6**6 - sound, 401: unknown, "caller": sound - unknown}
