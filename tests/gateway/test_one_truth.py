"""Whoever tells of a decision tells the same: the gateway's record and its permit, the dry runs, trials and replays."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from urllib.parse import quote_plus

from gateway_support.words import AGENTS, APART, CROWDED, reader_of, route
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.admin.dashboard_pages import trial_of
from aimux.audit.decisions import decided as decision_of
from aimux.audit.entry import entry_of
from aimux.audit.lines import Scribe
from aimux.audit.recorded_text import TextPolicy
from aimux.audit.redact import Redactor
from aimux.cli.route import as_dict
from aimux.core.policy import FALLBACK_NAME, Access, Policy
from aimux.core.record import VERDICT_FORWARD
from aimux.edge.telemetry_attributes import judgement as attributes_of
from aimux.gateway.dry_run import judge
from aimux.gateway.explaining import explain
from aimux.gateway.live import Generation
from aimux.gateway.replay import Basis, Judged, Replay, before
from aimux.gateway.rescoring import Version
from aimux.gateway.trials import attempt, by_meaning_alone
from aimux.intent.explain import Looks
from aimux.intent.reread import ReadTexts

RUN = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
INTENTS = ("multiply sum root", "budget costs key", "delete users", "status please key", "wipe users please")
MARKS = (". ", ", ", " and ", "\n", " - ", " ", "; ", ". By the way, ", " (", ") ")
ACCESS = ((Access.OPEN, ()), (Access.OPEN, ()), (Access.PUBLIC, ()), (Access.RESTRICTED, ("ant",)))
SCRIBE = Scribe(TextPolicy("full"), Redactor())


class Choices:
    """Choices read off bytes, one byte each."""

    def __init__(self, data):
        self._bytes = iter(data)

    def one(self, options):
        return options[next(self._bytes) % len(options)]


def case_of(data):
    """A house, a text joined of intents and other words, and who says it."""
    choices = Choices(data)
    routes = tuple(
        route(name, choices.one(ACCESS), intents=intents, min_score=choices.one((0.3, 0.5, 0.7, 0.9)))
        for name, intents in (("red", INTENTS[:2]), ("green", INTENTS[2:4]), ("blue", INTENTS[4:]))
    )
    house = Policy.of(
        routes,
        agents=frozenset(AGENTS),
        fallback=choices.one((None, None, route(FALLBACK_NAME, (Access.OPEN, ())))),
        ambiguity_threshold=choices.one((0.05, 0.2)),
        digest="d" * 64,
    )
    others = ("lunch on friday was good", "he is at the dentist", "thanks a lot", "it rained")
    pieces = [choices.one((*INTENTS, *others)) + choices.one(MARKS) for _ in range(choices.one((1, 2, 3, 4)))]
    return house, "".join(pieces).strip(), choices.one((None, *AGENTS)), choices.one((CROWDED, APART))


def told(fields):
    """What everybody has to agree on."""
    part = fields["part"]
    place = None if part is None else (part["route"], part["start"], part["end"], round(part["score"], 4))
    numbers = tuple(None if fields[name] is None else round(fields[name], 4) for name in ("score", "margin"))
    return fields["route"], fields["runner_up"], numbers, place


def recorded(record):
    """The record as readers get it."""
    fields = {"seq": 1, **json.loads("{" + SCRIBE.decision(record))}
    outcome = {"seq": 2, **json.loads("{" + SCRIBE.outcome(record, 1, 0.0))}
    return fields, entry_of(0, fields, outcome)


def traced(record):
    """The part of a span that tells of the decision, as the others tell it."""
    found = attributes_of(record)
    score, margin = found.get("aimux.score"), found.get("aimux.margin")
    part = None
    if "aimux.part.route" in found:
        part = {name: found.get(f"aimux.part.{name}") for name in ("route", "start", "end", "score")}
    runner_up = found.get("aimux.runner_up")
    return {"route": found.get("aimux.route"), "score": score, "margin": margin, "runner_up": runner_up, "part": part}


def test_everybody_who_tells_of_a_decision_tells_the_same(house):
    reached = Counter()

    @settings(max_examples=400, **RUN)
    @given(st.binary(min_size=24, max_size=24).map(case_of))
    def check(case):
        policy, text, agent, table = case
        reader = reader_of(policy, table)
        served = house(policy, reader.score(text))
        query = f"q={quote_plus(text)}" + (f"&client_id={agent}" if agent else "")
        _, record = served.serve(f"GET /?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        decision, entry = recorded(record)

        shown = as_dict(judge(text, agent, policy, reader.score), with_scores=True)
        tried = trial_of(judge(text, agent, policy, reader.score), Generation(policy, None), 1.0).model_dump()
        explained = as_dict(explain(text, agent, policy, Looks(reader)).judgement, with_scores=True)
        for other in (tried, explained, entry, traced(record)):
            assert told(other) == told(shown)
        assert {shown["verdict"], tried["verdict"]} == {record.verdict}
        assert (entry["best"], entry["best_score"]) == (shown["best"], shown["best_score"])
        assert (tried["best"], shown["rule"]) == (shown["best"], entry["rule"])

        # What the upstream is chosen by, and the response's X-AIMux-Route is made of.
        for permit, *_ in served.forwarder.calls:
            assert permit.route.name == shown["route"]
        words_are_those_of_the_text(text, shown, tried, entry)
        trials_agree(text, policy, reader, shown)
        replays_agree(decision, policy, reader)
        if shown["part"]:
            reached["chose" if shown["part"]["route"] == shown["route"] else "kept", record.verdict] += 1
            reached["best is another"] += shown["best"] != shown["route"]
        reached[record.verdict] += 1

    check()
    wanted = {"forward", "fallback", "no_route", "ambiguous_route", "route_forbidden", "anonymous_forbidden"}
    wanted |= {("chose", "forward"), ("chose", "ambiguous_route"), ("kept", "ambiguous_route"), "best is another"}
    assert wanted <= set(reached)


def words_are_those_of_the_text(text, *tellers):
    for fields in tellers:
        if fields["part"]:
            part = fields["part"]
            assert part["text"] == text[part["start"] : part["end"]] != ""


def trials_agree(text, policy, reader, shown):
    """Trials leave access and fallback aside: they are the decision of an open house, and of this one where it is."""
    bare = by_meaning_alone(policy)
    tried = attempt(text, "red", None, bare, reader.score)
    tuned = attempt(text, "red", None, bare, ReadTexts(reader, [text]).under(bare))
    alone = as_dict(judge(text, None, bare, reader.score), with_scores=True)
    assert told(asdict(tried)) == told(asdict(tuned)) == told(alone)
    assert tried.is_right is (alone["verdict"] == VERDICT_FORWARD and alone["route"] == "red")
    if policy.fallback is None and all(each.access is Access.OPEN for each in policy.routes):
        assert told(alone) == told(shown)


def replays_agree(fields, policy, reader):
    """Deciding a record again by the same configuration changes nothing of it."""
    moment = datetime.fromtimestamp(0, UTC).isoformat()
    found = decision_of({**fields, "time": moment})
    version = Version(policy, 60, None)
    judged = Replay(version, {}, reader.score).judge(found)
    assert isinstance(judged, Judged)
    assert judged.basis is Basis.EXACT
    assert (judged.verdict, judged.route, judged.rule, judged.says) == (*before(found), found.rule, found.says)
