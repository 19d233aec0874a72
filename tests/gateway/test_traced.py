"""The steps of one decision, and the words for them, on scores that are written down."""

from dataclasses import replace

import pytest

from aimux.core.identity import Claim, Place
from aimux.core.paths import parse_pattern
from aimux.core.policy import FALLBACK_NAME, Access, Guard, Policy, Route, Upstream
from aimux.core.request import SILENT, Facts, Opaque, Reading
from aimux.core.scores import Scores, Stand
from aimux.core.steps import Gate, Passage
from aimux.gateway.stages import Stage, stages
from aimux.gateway.traced import traced

UPSTREAM = Upstream("http://up:1", False, "up", 1, "")
RED, GREEN, BLUE = (Route(name, UPSTREAM, Access.OPEN, intents=("x",)) for name in ("red", "green", "blue"))
LAST = Route(FALLBACK_NAME, UPSTREAM, Access.OPEN)
GUARDS = (
    Guard("passed-by-ant", ("x",), 0.5, frozenset({"ant"})),
    Guard("strict", ("x",), 0.5),
    Guard("lax", ("x",), 0.9),
)
GUARDED = Policy.of((RED,), agents=("ant",), guards=GUARDS)


def asked(scores=None, *, agent=None, body=SILENT, text="a text"):
    claims = () if agent is None else (Claim(Place.HEADER, "x", agent),)
    return Facts(Reading(claims, text), body=body, scores=scores)


def why(gate, found):
    return next(stage for stage in stages(found) if stage.gate is gate)


def part(place, score, words):
    return Stand(place, score, frozenset(), True, words=words)


def test_parts_that_count_are_shown_the_highest_first_and_their_routes_as_candidates_are():
    said = part(1, 0.6, "make it green"), part(2, 0.8, "make it blue")
    found = traced(asked(Scores((0.9, 0.1, 0.1), stands=said)), Policy.of((RED, GREEN, BLUE)))
    assert found.counted == said[::-1]
    assert tuple(route.name for route in found.others) == ("green", "blue") == found.decision.candidates[1:]
    shown = "\"make it blue\" stands for 'blue' (0.800); \"make it green\" stands for 'green' (0.600)"
    assert why(Gate.PARTS, found) == Stage(Gate.PARTS, Passage.REFUSED, shown)


def test_who_cannot_be_told_is_refused_by_the_rule_that_says_so():
    found = traced(asked(agent="stranger"), GUARDED)
    shown = "a claimed name must be a registered agent"
    assert stages(found)[0] == Stage(Gate.IDENTITY, Passage.REFUSED, shown)
    assert {stage.passage for stage in stages(found)[1:]} == {Passage.NOT_REACHED}


def test_a_lead_that_is_just_enough_is_enough():
    found = traced(asked(Scores((0.75, 0.5, None))), Policy.of((RED, GREEN, BLUE), ambiguity_threshold=0.25))
    shown = "'red' leads 'green' by 0.250 and needs 0.25"
    assert why(Gate.AMBIGUITY, found) == Stage(Gate.AMBIGUITY, Passage.PASSED, shown)


def test_of_guards_that_let_a_text_pass_the_one_that_came_closest_to_refusing_is_shown():
    # The first one has the highest score, and does not apply; the last has a higher one than the second.
    found = traced(asked(Scores((0.9,), guards=(0.8, 0.4, 0.6)), agent="ant"), GUARDED)
    assert why(Gate.GUARDS, found) == Stage(Gate.GUARDS, Passage.PASSED, "'strict' refuses from 0.5 and has 0.400")
    assert found.by is Gate.ACCESS


def test_of_guards_that_refuse_the_first_is_shown():
    found = traced(asked(Scores((0.9,), guards=(0.4, 0.6, 0.95))), GUARDED)
    assert why(Gate.GUARDS, found) == Stage(Gate.GUARDS, Passage.REFUSED, "'strict' refuses from 0.5 and has 0.600")
    assert found.decision.says == "guard 'strict' refuses this meaning whatever the route"


def test_what_no_guard_can_judge_is_refused_by_the_guards():
    unread = traced(asked(Scores((0.9,), guards=(0.0, 0.0, 0.0), unread=True)), GUARDED)
    unheard = traced(asked(text=None, body=Reading(opaque=Opaque.UNHEARD)), GUARDED)
    for found, shown in (
        (unread, "the model does not know all that is said, and no guard can judge that"),
        (unheard, "a guard applies to the caller, and no guard hears a body of this kind"),
    ):
        assert found.by is Gate.GUARDS
        assert why(Gate.GUARDS, found) == Stage(Gate.GUARDS, Passage.REFUSED, shown)


def test_without_a_text_the_fallback_decides_and_one_that_is_missing_is_said_to_be():
    found = traced(asked(text=None), Policy.of((RED,), fallback=LAST))
    assert found.by is Gate.FALLBACK
    assert why(Gate.TEXT, found) == Stage(Gate.TEXT, Passage.NOT_MET, "there is none")
    assert why(Gate.FALLBACK, traced(asked(Scores((0.9,))), Policy.of((RED,)))).why == "there is none"


def test_a_path_decides_where_there_is_no_text():
    files = replace(RED, paths=(parse_pattern("GET /files"),))
    found = traced(replace(asked(text=None), method="GET", path="/files"), Policy.of((files,), fallback=LAST))
    assert found.by is Gate.ACCESS
    assert why(Gate.TEXT, found) == Stage(Gate.TEXT, Passage.NOT_MET, "there is none")
    assert why(Gate.FALLBACK, found).passage is Passage.NOT_REACHED


def test_where_a_fact_is_missing_there_is_no_decision_to_show():
    with pytest.raises(TypeError, match="NeedScores"):
        traced(asked(), Policy.of((RED,)))
