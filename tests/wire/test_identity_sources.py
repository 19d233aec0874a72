"""Identity as a request gives it: every place, in order of precedence, exactly as received, or refused."""

import json
from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.gates import identify
from aimux.core.identity import Claim, Place, Principal
from aimux.core.policy import IdentitySources, Policy
from aimux.core.reason import Reason
from aimux.core.request import SILENT, Facts
from aimux.wire.dialects import body_kind, read_body, read_head
from aimux.wire.http1 import HeadLimits, find_head, parse_head

SOURCES = IdentitySources()
LIMITS = HeadLimits()
HOUSE = Policy.of((), agents=frozenset({"ant", "bee", "cat"}))


def head_of(*lines, target=b"/"):
    data = b"\r\n".join((b"POST " + target + b" HTTP/1.1", b"Host: x", *lines, b"", b""))
    return parse_head(data[: find_head(data, LIMITS)], LIMITS)


def in_head(*lines, target=b"/", sources=SOURCES):
    return read_head(head_of(*lines, target=target), sources)


def in_body(document, sources=SOURCES):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    head = head_of(b"Content-Type: application/json", b"Content-Length: %d" % len(body))
    return read_body(body, body_kind(head), (), sources, 1_000_000)


def names(reading):
    assert reading.flaw is None
    return [claim.name for claim in reading.claims]


def malformed(reading):
    assert reading.claims == ()
    return reading.flaw is not None and reading.flaw.reason is Reason.IDENTITY_MALFORMED


# All subsets of the places, in any order


@dataclass(frozen=True)
class Naive:
    """The places of identity as they are written: values of each parameter, header and field, first to last."""

    params: dict[str, list[str]]
    headers: dict[str, list[str]]
    field: list[object]

    def expected(self):
        """The caller, the reason of a refusal, or None for anonymous; and which other names were given."""
        found = []
        for place in ("client_id", "agent", "source", "x-source-agent", "x-client-id"):
            values = self.params[place] if place in self.params else self.headers[place]
            if "" in values or len(set(values)) > 1:
                return Reason.IDENTITY_MALFORMED, []
            found += values[:1]
        if self.field and (not isinstance(self.field[0], str) or self.field[0] == ""):
            if not found:
                return Reason.IDENTITY_MALFORMED, []
            found.append(None)
        else:
            found += self.field
        if not found:
            return None, []
        if found[0] not in {"ant", "bee", "cat"}:
            return Reason.UNKNOWN_AGENT, []
        return found[0], [name for name in found[1:] if name != found[0]]


def test_the_first_place_counts_and_the_rest_are_conflicts():
    reached = Counter()
    name = st.sampled_from(("ant", "ant", "ant", "bee", "bee", "cat", "stranger", ""))
    values = st.one_of(st.just([]), st.just([]), st.lists(name, min_size=1, max_size=2), name.map(lambda n: [n, n]))
    params = st.fixed_dictionaries({"client_id": values, "agent": values, "source": values})
    headers = st.fixed_dictionaries({"x-source-agent": values, "x-client-id": values})
    fields = st.lists(st.one_of(name, name, st.sampled_from((None, 5, ["ant"], True))), max_size=1)

    @settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.builds(Naive, params, headers, fields), st.randoms(use_true_random=False))
    def check(naive, random):
        pairs = [f"{key}={value}" for key, values in naive.params.items() for value in values]
        lines = [f"{key.title()}: {value}".encode() for key, values in naive.headers.items() for value in values]
        random.shuffle(pairs)
        random.shuffle(lines)
        head = in_head(*lines, target=b"/?" + "&".join(pairs).encode())
        body = in_body({"other": 1} | ({"agent": naive.field[0]} if naive.field else {}))
        found = identify(Facts(head, body=body), HOUSE)
        caller, conflicts = naive.expected()
        if isinstance(found, Principal):
            assert found.agent == caller
            assert [claim.name for claim in found.conflicts] == conflicts
            kind = "no name" if None in conflicts else "conflict" if conflicts else "agreed"
            reached["anonymous" if caller is None else kind] += 1
        else:
            assert found.reason is caller
            reached[found.reason] += 1

    check()
    assert set(reached) == {
        "anonymous",
        "no name",
        "conflict",
        "agreed",
        Reason.IDENTITY_MALFORMED,
        Reason.UNKNOWN_AGENT,
    }


def test_every_claim_says_where_it_stood():
    head = in_head(b"X-Client-ID: d", b"X-Source-Agent: c", target=b"/?source=b2&agent=b&client_id=a")
    assert head.claims == (
        Claim(Place.QUERY, "client_id", "a"),
        Claim(Place.QUERY, "agent", "b"),
        Claim(Place.QUERY, "source", "b2"),
        Claim(Place.HEADER, "x-source-agent", "c"),
        Claim(Place.HEADER, "x-client-id", "d"),
    )
    assert in_body({"agent": "e"}).claims == (Claim(Place.BODY, "agent", "e"),)


# One place at a time


@pytest.mark.parametrize("param", SOURCES.query_params)
def test_a_query_parameter(param):
    p = param.encode()
    assert names(in_head(target=b"/?" + p + b"=finance-bot&q=x")) == ["finance-bot"]
    assert names(in_head(target=b"/?" + p + b"=a&x=y&" + p + b"=a")) == ["a"]
    assert names(in_head(target=b"/?" + p + b"=finance%2Dbot")) == ["finance-bot"]
    for query in (b"=a&%b=b", b"=&x=y", b"", b"=a&%b=", b"=&%b=a", b"=a&%b", b"=a&%b=A", b"=a&%b=a%%20"):
        assert malformed(in_head(target=b"/?" + p + (query % p if b"%b" in query else query)))


@pytest.mark.parametrize("header", [b"X-Source-Agent", b"x-client-id", b"X-CLIENT-ID"])
def test_a_header(header):
    assert names(in_head(header + b": finance-bot")) == ["finance-bot"]
    assert names(in_head(header + b":finance-bot", header.swapcase() + b": finance-bot")) == ["finance-bot"]
    for lines in (
        [header + b": a", header + b": b"],
        [header + b": a", b"X: y", header.swapcase() + b": A"],
        [header + b":"],
        [header + b": "],
        [header + b": a", header + b":"],
        [header + b":  a"],
        [header + b": a "],
        [header + b":\ta"],
        [header + b": a", header + b": a "],
    ):
        assert malformed(in_head(*lines))


@pytest.mark.parametrize("value", ["", 5, 0, None, True, ["ant"], {"name": "ant"}, 1.5])
def test_a_body_field_that_is_no_name_is_malformed_where_nothing_else_names_the_caller(value):
    body = in_body({"agent": value, "query": "x"})
    assert identify(Facts(SILENT, body=body), HOUSE).reason is Reason.IDENTITY_MALFORMED
    for head in (in_head(b"X-Client-ID: ant"), in_head(target=b"/?source=ant")):
        found = identify(Facts(head, body=body), HOUSE)
        assert (found.agent, found.conflicts) == ("ant", (Claim(Place.BODY, "agent", None),))
    assert identify(Facts(in_head(b"X-Client-ID: nobody"), body=body), HOUSE).reason is Reason.UNKNOWN_AGENT
    assert body.text == "x"


def test_the_body_field_is_of_the_top_level_object_only():
    assert names(in_body({"agent": "finance-bot"})) == ["finance-bot"]
    for document in ({"data": {"agent": "x"}}, [{"agent": "x"}], {"Agent": "x", "AGENT": "y", "agent ": "z"}, "agent"):
        assert names(in_body(document)) == []
    found = in_body(b'{"agent": "a", "agent": "a"}')
    assert found.flaw.reason is Reason.BAD_REQUEST


@pytest.mark.parametrize(
    "twin", [b"X_Source_Agent", b"X-Source_Agent", b"x_source-agent", b"X_CLIENT_ID", b"X-Client_Id"]
)
def test_an_underscore_twin_of_an_identity_header_is_malformed(twin):
    assert malformed(in_head(twin + b": finance-bot"))
    assert malformed(in_head(b"X-Source-Agent: finance-bot", twin + b": finance-bot"))
    assert malformed(in_head(twin + b": finance-bot", target=b"/?client_id=finance-bot"))


def test_other_headers_and_parameters_are_no_identity():
    head = in_head(
        *(b"X-Agent: a", b"Source-Agent: b", b"X-Source-Agents: c", b"Agent: d", b"Client_ID: e", b"X-AIMux-Agent: f"),
        target=b"/client_id=x?Agent=a&CLIENT_ID=b&agents=c&agent[]=d&x=agent=e&clientid=f",
    )
    assert names(head) == []


# Exactly as received


@pytest.mark.parametrize(
    "name",
    [
        *("finance-bot ", " finance-bot", "Finance-Bot", "finance-bot\x00", "finance-bot\n", "finance_bot"),
        *("ｆinance-bot", "finance‐bot", "finance-bοt", "finance-bot\u200b", "\ufefffinance-bot", "fınance-bot"),
        *("finance-bot,finance-bot", "finance-bot;", "'finance-bot'", "finance%2Dbot", "café", "cafe\u0301"),
    ],
)
def test_a_look_alike_is_kept_as_it_is_and_nobody(name):
    house = Policy.of((), agents=frozenset({"finance-bot", "cafe"}))
    readings = []
    if "\x00" not in name:
        readings.append((in_head(target=b"/?client_id=" + quote(name).encode()), SILENT))
    readings.append((SILENT, in_body({"agent": name})))
    for head, body in readings:
        assert [claim.name for claim in (*head.claims, *body.claims)] == [name]
        assert identify(Facts(head, body=body), house).reason is Reason.UNKNOWN_AGENT


def test_bytes_beyond_ascii_in_a_header_are_nobody():
    for value in ("finance‐bot".encode(), b"finance-bot\xff", b"finance-b\xf6t"):
        found = in_head(b"X-Source-Agent: " + value)
        assert names(found) == [value.decode("latin-1")]
        assert identify(Facts(found, body=SILENT), Policy.of((), agents=frozenset({"finance-bot"}))).reason


# Configured elsewhere


def test_the_places_are_the_configured_ones():
    sources = IdentitySources(("caller",), ("x-caller",), "from")
    head = in_head(b"X-Caller: b", b"X-Source-Agent: no", target=b"/?caller=a&client_id=no", sources=sources)
    assert names(head) == ["a", "b"]
    assert names(in_body({"from": "c", "agent": "no"}, sources)) == ["c"]
    assert malformed(in_head(b"X_Caller: b", sources=sources))
    assert names(in_head(b"X_Source_Agent: no", sources=sources)) == []


def test_without_places_nobody_is_named():
    sources = IdentitySources((), (), None)
    assert names(in_head(b"X-Source-Agent: a", target=b"/?client_id=b", sources=sources)) == []
    assert names(in_body({"agent": "c", "query": "x"}, sources)) == []
    assert in_body({"agent": "c", "query": "x"}, sources).text == "x"


@pytest.mark.parametrize(
    ("head", "body", "key"),
    [
        ({"lines": [b"X-Source-Agent: secret", b"X-Source-Agent: secret2"]}, {}, "identity.headers"),
        ({"lines": [b"X-Source-Agent:  secret"]}, {}, "identity.headers"),
        ({"lines": [b"X-Source-Agent:"]}, {}, "identity.headers"),
        ({"lines": [b"X_Source_Agent: secret"]}, {}, "identity.headers"),
        ({"lines": [b"X-Source-Agent: secret"]}, {}, "identity.headers"),
        ({"target": b"/?agent=secret&agent=other"}, {}, "identity.query_params"),
        ({"target": b"/?agent="}, {}, "identity.query_params"),
        ({"target": b"/?source=secret"}, {}, "identity.query_params"),
        ({}, {"agent": ["secret"]}, "identity.body_field"),
        ({}, {"agent": "secret"}, "identity.body_field"),
    ],
)
def test_messages_never_repeat_the_name_and_say_which_key_helps(head, body, key):
    found = identify(Facts(in_head(*head.get("lines", ()), target=head.get("target", b"/")), body=in_body(body)), HOUSE)
    assert found.reason in {Reason.IDENTITY_MALFORMED, Reason.UNKNOWN_AGENT}
    assert "secret" not in found.message
    assert key in found.message
