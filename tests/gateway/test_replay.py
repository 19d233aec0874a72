"""A replay says what the gateway would decide, as far as records tell: compared with the gateway itself."""

import json
import random
from collections import Counter
from dataclasses import replace
from urllib.parse import quote_plus

from aimux.audit.decisions import decided
from aimux.audit.lines import Scribe
from aimux.audit.recorded_text import TextPolicy
from aimux.audit.redact import Redactor
from aimux.core.paths import PathPattern
from aimux.core.policy import FALLBACK_NAME, Access, Guard, IdentitySources, Policy, Route, Upstream
from aimux.core.scores import Illegible, Scored, Scores, Stand, TextTooLong
from aimux.gateway.changes import Kind, kind_of
from aimux.gateway.replay import ASIDE, Basis, Judged, Replay, Unjudged
from aimux.gateway.rescoring import Version

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
MODEL = "m" * 64
AGENTS = ("ant", "bee", "cow")
ACCESS = (
    *((Access.OPEN, ()), (Access.OPEN, ()), (Access.PUBLIC, ()), (Access.PUBLIC, ())),
    *((Access.RESTRICTED, ("ant",)), (Access.RESTRICTED, ("ant", "bee")), (Access.RESTRICTED, ("bee", "cow"))),
)
PATHS = {
    "red": (PathPattern("POST", "/"),),
    "green": (PathPattern("POST", "/files/", below=True),),
    "blue": (PathPattern("POST", "/files"),),
}
UNKNOWN = "klaatu"
WORDS = ("red", "green", "blue", "kill", "sum", "count", UNKNOWN)
VALUES = (0.05, 0.2, 0.3, 0.35, 0.42, 0.47, 0.5, 0.56, 0.62, 0.7, 0.8, 0.9)


def number(*key):
    """A number that depends on nothing but the key."""
    return random.Random(repr(key)).random()


def read(text, policy, max_tokens):
    """What a model that makes numbers up reads of a text: as the real one does, of the whole and of its parts."""
    if len(text.split()) > max_tokens:
        return TextTooLong(len(text.split()), max_tokens)
    if "\u202e" in text:
        return Illegible("it is reversed")
    intents = tuple(sorted((route.name, route.intents) for route in policy.routes if route.intents))

    def values(said):
        if UNKNOWN in said.split():
            return tuple(0.0 if route.intents else None for route in policy.routes)
        return tuple(
            VALUES[int(number(said, route.name, intents) * len(VALUES))] if route.intents else None
            for route in policy.routes
        )

    sentences = text.split(". ")
    parts = [(each, True) for each in sentences] if len(sentences) > 1 else []
    parts += [(each, False) for each in text.split()] if len(text.split()) > 2 - policy.close_reading else []
    stands = dict.fromkeys(
        replace(stand, brief=" " not in said)
        for said, whole in parts
        if (stand := stand_of(values(said), policy, whole))
    )
    pieces = (text, *(said for said, _ in parts))
    guards = tuple(max(number(said, each) for said in pieces for each in guard.intents) for guard in policy.guards)
    return Scores(values(text), stands=tuple(stands), guards=guards, unread=UNKNOWN in text)


def stand_of(values, policy, whole):
    score, place = max(((value, place) for place, value in enumerate(values) if value is not None), default=(0.0, 0))
    if not policy.routes or score < policy.routes[place].min_score or score == 0.0:
        return None
    near = (n for n, value in enumerate(values) if value is not None and score - value < policy.ambiguity_threshold)
    return Stand(place, score, frozenset(near) - {place}, whole)


class Model:
    """The made-up model of one version, for the gateway and for the replay."""

    def __init__(self, version):
        self.version = version
        self.texts = []

    def read(self, text):
        self.texts.append(text)
        return read(text, self.version.policy, self.version.max_tokens)

    def cached(self, _):
        return None

    async def score(self, text):
        return Scored(self.read(text))


def policy_of(rng, like=None):
    """Any version, or one that differs from another in a few places."""
    base = like.policy if like else None

    def kept(value, made):
        return value() if base is not None and rng.random() < 0.75 else made()

    def route(name):
        old = base.by_name.get(name) if base else None
        if old is not None and rng.random() < 0.4:
            return old
        access, allowed = (
            kept(lambda: (old.access, old.allowed), lambda: rng.choice(ACCESS)) if old else rng.choice(ACCESS)
        )
        intents = rng.choice(((name,), (name,), (name, "more"), ()))
        if old is not None and rng.random() < 0.9:
            intents = old.intents
        least = old.min_score if old is not None and rng.random() < 0.7 else rng.choice((0.4, 0.4, 0.45, 0.6))
        paths = kept(lambda: old.paths if old else (), lambda: PATHS[name] if rng.random() < 0.3 else ())
        return Route(name, UPSTREAM, access, frozenset(allowed), intents, least, paths)

    def guard(name):
        excepted = frozenset(agent for agent in AGENTS if rng.random() < 0.2)
        return Guard(name, rng.choice((("kill",), ("kill", "burn"))), rng.choice((0.9, 0.97)), excepted)

    names = kept(
        lambda: tuple(base.by_name), lambda: tuple(rng.sample(("red", "green", "blue"), rng.choice((0, 2, 3, 3))))
    )
    guards = kept(lambda: base.guards, lambda: tuple(guard(f"g{n}") for n in range(rng.choice((0, 0, 1, 2)))))
    fallback = rng.choice((None, *ACCESS))
    made = None if fallback is None else Route(FALLBACK_NAME, UPSTREAM, fallback[0], frozenset(fallback[1]))
    identity = IdentitySources() if rng.random() < 0.95 else IdentitySources(query_params=("agent",))
    policy = Policy.of(
        tuple(route(name) for name in names),
        agents=kept(lambda: base.agents, lambda: frozenset(rng.sample(AGENTS, rng.choice((0, 2, 3, 3))))),
        fallback=kept(lambda: base.fallback, lambda: made),
        ambiguity_threshold=kept(lambda: base.ambiguity_threshold, lambda: rng.choice((0.04, 0.1))),
        identity=kept(lambda: base.identity, lambda: identity),
        digest=f"{rng.getrandbits(256):064x}",
        guards=guards,
        all_messages=kept(lambda: base.all_messages, lambda: rng.random() < 0.3),
        close_reading=kept(lambda: base.close_reading, lambda: rng.random() < 0.3),
        follow_ups=kept(lambda: base.follow_ups, lambda: rng.random() < 0.5),
    )
    longest = like.max_tokens if like and rng.random() < 0.9 else rng.choice((6, 9, 9))
    return Version(policy, longest, MODEL if policy.needs_scores else None)


def text_of(rng):
    said = rng.choice(("", "", "", "password: hunter2 ", "\u202e", "*** ")) + " ".join(
        rng.choice(WORDS) for _ in range(rng.choice((1, 2, 3, 5, 7)))
    )
    return said.replace(" ", ". ", 1) if rng.random() < 0.3 else said


def request_of(rng):
    """The bytes of a request: a caller or none, a text or none, with more beside it or not, a named route or none."""
    caller, query, headers, document = rng.choice((None, *AGENTS, *AGENTS, "stranger")), [], [], {}
    place = rng.choice(("query", "header", "body"))
    if caller and place == "query":
        query.append(f"client_id={caller}")
    elif caller and place == "header":
        headers.append(f"X-Source-Agent: {caller}")
    elif caller:
        document["agent"] = caller
    if rng.random() < 0.3:
        headers.append(f"X-AIMux-Route: {rng.choice(('red', 'green', 'blue', 'none', 'fallback'))}")
    where = rng.choice(
        ("query", "query", "json", "json", "messages", "list", "nowhere", "both", "unreadable", "tokens", "picture")
    )
    if where in {"query", "both", "unreadable"}:
        query.append(f"q={quote_plus(text_of(rng))}")
    if where in {"json", "both"}:
        document["query"] = text_of(rng)
        document |= {"prompt": text_of(rng)} if rng.random() < 0.4 else {}
    if where == "messages":
        roles = rng.choice((("user",), ("system", "user"), ("user", "assistant", "user")))
        document["messages"] = [{"role": role, "content": text_of(rng)} for role in roles]
    if where == "list":
        document["input"] = [text_of(rng) for _ in range(rng.choice((1, 2, 3)))]
    if where == "tokens":
        document |= {"texts": [1, 2], **({"query": text_of(rng)} if rng.random() < 0.5 else {})}
    body = json.dumps(document).encode() if document else b""
    body = b"{" if where == "unreadable" and rng.random() < 0.3 else body
    headers += ["Content-Type: image/png"] if where == "picture" else []
    return _sent(rng, query, headers, b"\x89PNG" if where == "picture" else body)


def _sent(rng, query, headers, body):
    models = rng.choice(("/v1/models", "/v1/models/red", "/v1/models/blue")) if rng.random() < 0.1 else ""
    path = models or rng.choice(("/", "/", "/files", "/files/1"))
    method = "GET" if models else "POST"
    lines = [f"{method} {path}?{'&'.join(query)} HTTP/1.1", "Host: x", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n", body


def served(house, version, request):
    """The record of a request that the gateway has served by a version."""
    made = house(version.policy, scorer=Model(version))
    made.live.generation.model = version.model
    return made.serve(*request)[1]


def recorded(record, rng):
    scribe = Scribe(TextPolicy(rng.choice(("full", "full", "excerpt", "none")), 8), Redactor())
    return decided(json.loads('{"seq":1,' + scribe.decision(record)))


def test_a_replay_is_what_the_gateway_would_do(house):
    seen, kinds, why = Counter(), Counter(), Counter()
    for seed in range(1500):
        rng = random.Random(seed)
        old = policy_of(rng)
        new = old if rng.random() < 0.05 else policy_of(rng, old)
        request = request_of(rng)
        record = recorded(served(house, old, request), rng)
        truth = served(house, new, request)
        told = rng.random() < 0.6
        found = Replay(new, {old.policy.digest: old} if told else {}, Model(new).read).judge(record)
        if isinstance(found, Unjudged):
            why[found] += 1
            continue
        if found is ASIDE:
            assert record.identity is None
            continue
        if not told and new is not old and new.policy.identity != old.policy.identity:
            continue  # who asks is taken from the record, and this is said
        really = Judged(truth.verdict, before_of(truth), truth.rule, truth.says)
        context = (seed, record, found, truth)
        seen[found.basis] += 1
        if found.basis in {Basis.EXACT, Basis.SAME_CONFIGURATION}:
            assert (found.verdict, found.route) == (really.verdict, really.route), context
        else:
            # Judged in part: what is not seen can only refuse.
            assert (found.verdict, found.route) == (really.verdict, really.route) or really.route is None, context
        kinds[kind_of(record, really)] += 1
    assert set(seen) == set(Basis), seen
    assert min(seen.values()) > 10, seen
    assert set(kinds) == {None, *Kind}, kinds
    assert set(why) == set(Unjudged) - {Unjudged.RECORD, Unjudged.STANDING}, why


def before_of(record):
    return record.route if record.verdict in {"forward", "fallback", "answered"} else None
