"""Single records under a new configuration: what each tells, and what is not judged since it does not tell."""

import hashlib
from dataclasses import replace

import pytest

from aimux.audit.decisions import Decided
from aimux.core.decision import decide
from aimux.core.policy import FALLBACK_NAME, Access, Guard, Policy, Route, Upstream
from aimux.core.rules import Rule
from aimux.core.scores import Scores, TextTooLong
from aimux.core.standing import INITIAL
from aimux.gateway.replay import ASIDE, Basis, Replay, Unjudged
from aimux.gateway.rescoring import Version

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
MODEL = "m" * 64
AGENTS = ("ant", "bee", "cow")

# One by one. Where nothing else is said, the route `red` is open, and what was decided is known.

OPEN = (Access.OPEN, frozenset())
RED, BLUE = (Route(name, UPSTREAM, *OPEN, (name,), 0.4) for name in ("red", "blue"))
DIGEST = hashlib.sha256(b"a text").hexdigest()
RECORD = Decided(
    time=1.0,
    request_id="a" * 32,
    agent="ant",
    identity="claimed",
    dialect="query",
    text="a...",
    text_digest=DIGEST,
    route="red",
    score=0.6,
    scores=(("red", 0.6), ("blue", 0.3)),
    verdict="forward",
    rule=Rule.ACCESS_OPEN,
    says="route 'red' is open",
    config="0" * 64,
    model=MODEL,
)
NAMED = replace(RECORD, score=None, scores=())
GUARD = Guard("g", ("kill",), 0.9)


def version(*routes, digest="1" * 64, longest=8, **options):
    options = {"agents": frozenset(AGENTS), "ambiguity_threshold": 0.04, **options}
    return Version(Policy.of(routes or (RED, BLUE), digest=digest, **options), longest, MODEL)


def unread(_):
    raise AssertionError("nothing is to be read")


def judged(record, new, old=None, score=unread):
    known = {} if old is None else {record.config: old}
    return Replay(new, known, score).judge(record)


def outcome(found):
    return found.verdict, found.route, found.basis


OLD = version(digest="0" * 64)


def test_recorded_scores_decide_where_the_intents_are_proved_to_be_the_same():
    assert outcome(judged(RECORD, version(), OLD)) == ("forward", "red", Basis.SCORES)
    shut = version(replace(RED, access=Access.RESTRICTED), BLUE)
    assert outcome(judged(RECORD, shut, OLD)) == ("route_forbidden", None, Basis.SCORES)
    assert judged(RECORD, version()) is Unjudged.EXCERPT
    for other in (
        version(replace(RED, intents=("red", "ruby")), BLUE),
        version(RED, BLUE, longest=7),
        replace(version(), model="n" * 64),
        version(guards=(GUARD,)),
    ):
        assert judged(RECORD, other, OLD) is Unjudged.EXCERPT


def test_of_many_routes_only_some_scores_are_recorded():
    routes = tuple(Route(f"r{n}", UPSTREAM, *OPEN, ("x",), 0.4) for n in range(33))
    many = replace(RECORD, route="r0", scores=tuple((f"r{n}", 0.9 - n / 10 if n < 2 else 0.3) for n in range(32)))
    assert judged(many, version(*routes), version(*routes)) is Unjudged.EXCERPT
    assert outcome(judged(many, version(*routes[:32]), version(*routes[:32]))) == ("forward", "r0", Basis.SCORES)


@pytest.mark.parametrize(
    ("least", "ambiguity", "is_judged"),
    [(0.6, 0.04, False), (0.6001, 0.04, False), (0.5998, 0.04, True), (0.4, 0.3, False), (0.4, 0.2998, True)],
)
def test_what_rounding_could_have_moved_over_a_threshold_is_not_judged(least, ambiguity, is_judged):
    new = version(replace(RED, min_score=least), BLUE, ambiguity_threshold=ambiguity)
    found = judged(RECORD, new, OLD)
    assert found is Unjudged.PARTS if not is_judged else outcome(found) == ("forward", "red", Basis.SCORES)


NO_MATCH = replace(RECORD, verdict="no_route", route="red", score=0.3, scores=(("red", 0.3), ("blue", 0.2)))


@pytest.mark.parametrize(
    ("red", "ambiguity", "is_judged"),
    [
        (RED, 0.04, True),
        (replace(RED, min_score=0.5), 0.04, True),
        (replace(RED, min_score=0.35), 0.04, False),
        (RED, 0.03, False),
        (replace(RED, access=Access.PUBLIC), 0.04, True),
    ],
)
def test_a_text_that_matches_nothing_may_have_parts_that_a_lower_threshold_lets_stand(red, ambiguity, is_judged):
    found = judged(NO_MATCH, version(red, BLUE, ambiguity_threshold=ambiguity), OLD)
    assert found is Unjudged.PARTS if not is_judged else outcome(found) == ("no_route", None, Basis.SCORES)


def test_parts_may_stand_for_what_the_whole_meant_before():
    found = judged(RECORD, version(replace(RED, min_score=0.7), BLUE), OLD)
    assert found is Unjudged.PARTS


def test_what_a_part_has_decided_is_not_judged_by_the_scores_of_the_whole():
    by_part = replace(RECORD, score=0.3, scores=(("red", 0.3), ("blue", 0.2)))
    assert judged(by_part, version(), OLD) is Unjudged.PARTS


def test_a_named_route_is_decided_without_the_text():
    assert outcome(judged(NAMED, version(), score=unread)) == ("forward", "red", Basis.EXACT)
    assert outcome(judged(NAMED, version(BLUE))) == ("no_route", None, Basis.EXACT)
    assert outcome(judged(NAMED, version(agents=frozenset()))) == ("unknown_agent", None, Basis.EXACT)
    refused = replace(NAMED, verdict="anonymous_forbidden", agent=None, identity="none")
    assert outcome(judged(refused, version())) == ("forward", "red", Basis.EXACT)


def test_a_guard_that_is_new_looks_at_named_requests_too():
    guarded = version(guards=(GUARD,))
    assert judged(NAMED, guarded) is Unjudged.EXCERPT
    assert judged(replace(NAMED, text=None, text_digest=None, dialect=""), guarded) is Unjudged.BODY
    silent = replace(NAMED, text=None, text_digest=None, dialect="", agent=None, identity="none")
    # Its body was read for a name; what a guard hears in it, of a type that says none, is not known but by a guard.
    assert judged(silent, guarded) is judged(silent, guarded, version()) is Unjudged.BODY
    assert outcome(judged(silent, version())) == ("forward", "red", Basis.EXACT)
    elsewhere = version(guards=(replace(GUARD, name="other"),))
    assert outcome(judged(silent, guarded, elsewhere)) == ("forward", "red", Basis.EXACT)
    for dialect in ("json", "messages", "text", "form", "multipart"):
        heard = replace(silent, dialect=dialect)
        assert isinstance(judged(heard, guarded), Unjudged)
        assert outcome(judged(heard, version())) == ("forward", "red", Basis.EXACT)
    excepted = version(guards=(replace(GUARD, excepted=frozenset({"ant"})),))
    assert outcome(judged(NAMED, excepted)) == ("forward", "red", Basis.EXACT)


def test_what_a_guard_has_let_through_it_lets_through_again():
    guarded = version(guards=(GUARD,))
    assert outcome(judged(NAMED, guarded, guarded)) == ("forward", "red", Basis.EXACT)
    laxer = version(guards=(replace(GUARD, min_score=0.95),))
    assert outcome(judged(NAMED, laxer, guarded)) == ("forward", "red", Basis.EXACT)
    stricter = version(guards=(replace(GUARD, min_score=0.85),))
    assert judged(NAMED, stricter, guarded) is Unjudged.EXCERPT
    wider = version(guards=(replace(GUARD, intents=("kill", "burn")),))
    assert judged(NAMED, wider, guarded) is Unjudged.EXCERPT
    assert outcome(judged(NAMED, guarded, wider)) == ("forward", "red", Basis.EXACT)


def test_a_text_that_was_too_long_has_passed_no_guard():
    guarded = version(guards=(GUARD,))
    record = replace(NAMED, verdict="text_too_long", route=None, text="a text")
    found = judged(record, guarded, guarded, lambda _: TextTooLong(9, 8))
    assert outcome(found) == ("text_too_long", None, Basis.TEXT_ALONE)
    # Whether it names a route is not known.
    scores = Scores((0.7, 0.1), guards=(0.1,))
    assert judged(record, guarded, guarded, lambda _: scores) is Unjudged.NAMING
    assert outcome(judged(record, version(), OLD, lambda _: scores)) == ("forward", "red", Basis.EXACT)


def test_what_a_guard_has_refused_it_refuses_again():
    refused = replace(NAMED, verdict="guard_refused", route=None)
    guarded = version(guards=(GUARD,))
    assert outcome(judged(refused, guarded, guarded)) == ("guard_refused", None, Basis.EXACT)
    assert judged(refused, guarded) is Unjudged.EXCERPT
    laxer = version(guards=(replace(GUARD, min_score=0.95),))
    assert judged(refused, laxer, guarded) is Unjudged.EXCERPT
    assert judged(refused, version(), guarded) is Unjudged.EXCERPT
    both = version(guards=(GUARD, Guard("h", ("burn",), 0.9)))
    assert judged(refused, guarded, both) is Unjudged.EXCERPT


def test_where_no_route_had_intents_the_text_was_not_named_away():
    bare = replace(RED, intents=())
    record = replace(NAMED, verdict="no_route", route=None, rule=Rule.ROUTE_NO_INTENTS)
    assert outcome(judged(record, version(bare))) == ("no_route", None, Basis.EXACT)
    fallback = Route(FALLBACK_NAME, UPSTREAM, *OPEN)
    assert outcome(judged(record, version(bare, fallback=fallback))) == ("fallback", "fallback", Basis.EXACT)
    missing = replace(record, rule=Rule.ROUTE_UNKNOWN_NAME)
    assert judged(missing, version(bare)) is Unjudged.ROUTE_NAME
    assert outcome(judged(missing, version(bare), version(bare))) == ("no_route", None, Basis.EXACT)


def test_a_request_without_text_has_none_whatever_decides():
    record = replace(NAMED, verdict="no_text", route=None, text=None, text_digest=None, dialect="")
    guarded = version(guards=(GUARD,), all_messages=True)
    assert outcome(judged(record, guarded, guarded)) == ("no_text", None, Basis.EXACT)
    # A body of a kind that no guard hears would be refused for that.
    assert judged(record, guarded) is judged(record, guarded, OLD) is Unjudged.BODY
    assert judged(record, version(agents=frozenset())).verdict == "unknown_agent"


@pytest.mark.parametrize("text", [None, "a text"])
def test_token_ids_stay_what_cannot_be_judged(text):
    rule = Rule.TEXT_TOKEN_IDS
    digest = None if text is None else DIGEST
    record = replace(NAMED, verdict="no_text", route=None, text=text, text_digest=digest, dialect="json", rule=rule)
    fallback = Route(FALLBACK_NAME, UPSTREAM, *OPEN)
    guarded = version(guards=(GUARD,), fallback=fallback)
    for old in (None, guarded):
        assert outcome(judged(record, guarded, old)) == ("no_text", None, Basis.EXACT)
        # A name would be followed now.
        assert judged(record, version(fallback=fallback), old, lambda _: Scores((0.1, 0.7))) is Unjudged.NAMING
    if text is None:
        assert outcome(judged(record, version(fallback=fallback), OLD)) == ("no_text", None, Basis.EXACT)


def test_what_no_guard_hears_was_refused_by_a_guard():
    rule = Rule.GUARD_UNHEARD
    silent = {"text": None, "text_digest": None, "dialect": "", "rule": rule}
    record = replace(NAMED, verdict="unsupported_media_type", route=None, **silent)
    fallback = Route(FALLBACK_NAME, UPSTREAM, *OPEN)
    guarded = version(guards=(GUARD,), fallback=fallback)
    assert outcome(judged(record, guarded, guarded)) == ("unsupported_media_type", None, Basis.EXACT)
    assert outcome(judged(record, version(fallback=fallback), guarded)) == ("fallback", "fallback", Basis.EXACT)
    assert judged(replace(record, rule=None, identity=None, agent=None), version()) is ASIDE


def test_where_nothing_but_the_path_chose_the_body_was_read():
    silent = {"text": None, "text_digest": None, "dialect": "", "chosen_by": "nothing"}
    record = replace(NAMED, verdict="fallback", route=FALLBACK_NAME, **silent)
    fallback = Route(FALLBACK_NAME, UPSTREAM, *OPEN)
    assert outcome(judged(record, version(fallback=fallback), OLD)) == ("fallback", "fallback", Basis.EXACT)
    assert outcome(judged(record, version(), OLD)) == ("no_text", None, Basis.EXACT)
    for hears in ({"guards": (GUARD,)}, {"all_messages": True}):
        assert judged(record, version(fallback=fallback, **hears), OLD) is Unjudged.BODY


def test_the_fallback_may_have_been_named_before_there_was_one():
    missing = replace(NAMED, verdict="no_route", route=None, rule=Rule.ROUTE_UNKNOWN_NAME)
    fallback = Route(FALLBACK_NAME, UPSTREAM, *OPEN)
    assert judged(missing, version(fallback=fallback), OLD) is Unjudged.ROUTE_NAME
    known = version(fallback=fallback)
    assert outcome(judged(missing, known, known)) == ("no_route", None, Basis.EXACT)


def test_a_model_is_answered_where_its_route_is_open_to_the_caller():
    rule = Rule.ROUTE_UNKNOWN_MODEL
    silent = {"text": None, "text_digest": None, "dialect": "", "route": None, "method": "GET"}
    refused = replace(NAMED, verdict="no_route", rule=rule, path="/v1/models/red", **silent)
    answered = replace(refused, verdict="answered", rule=Rule.GATEWAY_MODELS)
    shut = version(replace(RED, access=Access.RESTRICTED), BLUE)
    for record in (refused, answered):
        assert outcome(judged(record, version())) == ("answered", None, Basis.EXACT)
        assert outcome(judged(record, shut)) == ("no_route", None, Basis.EXACT)
    assert outcome(judged(replace(answered, path="/v1/models"), shut)) == ("answered", None, Basis.EXACT)


def test_whoever_was_unregistered_may_be_registered_now():
    record = replace(NAMED, verdict="unknown_agent", route=None, agent=None, identity=None)
    assert judged(record, version()) is Unjudged.CALLER
    assert outcome(judged(record, version(), OLD)) == ("unknown_agent", None, Basis.EXACT)
    assert outcome(judged(record, version(agents=frozenset()))) == ("unknown_agent", None, Basis.EXACT)
    assert judged(record, version(agents=frozenset({*AGENTS, "dog"})), OLD) is Unjudged.CALLER


def test_a_whole_text_is_read_once_whoever_asks():
    asked = []
    whole = replace(RECORD, text="a text")
    again = Replay(version(), {}, lambda text: asked.append(text) or Scores((0.1, 0.7)))
    assert outcome(again.judge(whole)) == ("forward", "blue", Basis.EXACT)
    assert outcome(again.judge(replace(whole, time=2.0, request_id="b" * 32))) == ("forward", "blue", Basis.EXACT)
    assert asked == ["a text"]
    assert again.judge(replace(whole, agent="dog")).verdict == "unknown_agent"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": None}, Unjudged.NO_TEXT),
        ({"text": "***", "text_digest": None}, Unjudged.BLOTTED),
        ({"text": "a ***", "text_digest": hashlib.sha256(b"a ***").hexdigest()}, Unjudged.BLOTTED),
        ({"text": "\ud800", "text_digest": hashlib.sha256(b"\xed\xa0\x80").hexdigest()}, Unjudged.EXCERPT),
        ({"standing": "f" * 64}, Unjudged.STANDING),
        ({"rule": None}, Unjudged.RECORD),
        ({"verdict": "sideways"}, Unjudged.RECORD),
        ({"identity": "proved"}, Unjudged.RECORD),
        ({"identity": None}, Unjudged.RECORD),
        ({"config": None}, Unjudged.RECORD),
        ({"route": None}, Unjudged.RECORD),
        ({"verdict": "overloaded", "agent": None, "identity": None}, ASIDE),
        ({"verdict": "out_of_descriptors", "agent": None, "identity": None}, ASIDE),
        ({"verdict": "bad_request", "agent": None, "identity": None, "config": None}, ASIDE),
        ({"verdict": "client_left", "agent": None, "identity": None}, ASIDE),
    ],
)
def test_what_cannot_be_judged_says_why(changes, why):
    assert judged(replace(RECORD, **changes), version()) is why


def test_a_record_is_judged_at_its_own_moment_and_under_the_standing_that_is_known(monkeypatch):
    moments = []

    def decide_and_note(facts, policy, standing, trace=None):
        moments.append((facts.now, standing))
        return decide(facts, policy, standing, trace)

    monkeypatch.setattr("aimux.gateway.settle.decide", decide_and_note)
    known = replace(NAMED, time=1234.5, standing=INITIAL.digest)
    assert outcome(judged(known, version())) == ("forward", "red", Basis.EXACT)
    assert moments == [(1234.5, INITIAL)]


def test_what_this_very_configuration_has_decided_stays():
    new = version()
    record = replace(RECORD, config=new.policy.digest)
    assert outcome(judged(record, new)) == ("forward", "red", Basis.SAME_CONFIGURATION)
    assert judged(replace(record, model="n" * 64), new) is Unjudged.EXCERPT
    # Unless what is known of it says otherwise.
    assert outcome(judged(replace(record, text="a text"), new, score=lambda _: Scores((0.1, 0.7)))) == (
        "forward",
        "blue",
        Basis.EXACT,
    )
