"""The decision as a naive evaluator makes it, written from the prose alone: it knows lists and strings only."""

from dataclasses import dataclass

from aimux.core.policy import FALLBACK_NAME

NO_FALLBACK = "no fallback"


@dataclass(frozen=True)
class Plain:
    """A route as an operator writes it. `allowed` is None where the key is left out."""

    name: str
    allowed: tuple[str, ...] | None
    intents: bool
    min_score: float


@dataclass(frozen=True)
class Case:
    """A configuration and a request."""

    agents: frozenset[str]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    routes: tuple[Plain, ...]
    fallback: tuple[str, ...] | str | None
    threshold: float
    head_names: tuple[str, ...]
    body_names: tuple[str, ...]
    head_text: bool
    body_text: bool
    named: str | None
    scores: tuple[float, ...]
    too_long: bool
    head_flawed: bool
    body_flawed: bool


@dataclass(frozen=True)
class Verdict:
    """What becomes of a request, by which way, and what was learnt for it."""

    what: str
    agent: str | None = None
    route: str | None = None
    candidates: tuple[str, ...] = ()
    way: str = ""
    body: bool = False
    scores: bool = False


def naive_may(case, agent, allowed):
    """Whether a list, or none, lets an agent through: by its name, or by a group that it is in."""
    if allowed is None:
        return True
    if agent is None:
        return False
    members = [member for group, members in case.groups if f"group:{group}" in allowed for member in members]
    return "*" in allowed or agent in allowed or agent in members


def naive_judge(case, agent, name, allowed, way, **learnt):
    if naive_may(case, agent, allowed):
        return Verdict("forward", agent, name, way=way, **learnt)
    return Verdict("anonymous_forbidden" if agent is None else "route_forbidden", agent, name, way=way, **learnt)


def naive_no_match(case, agent, best, **learnt):
    if case.fallback == NO_FALLBACK:
        return Verdict("no_route", agent, best, way="text", **learnt)
    return naive_judge(case, agent, FALLBACK_NAME, case.fallback, "fallback", **learnt)


def naive(case):
    """The verdict on a case: the prose, line by line."""
    if case.head_flawed:
        return Verdict("identity_malformed")
    if case.head_names and case.head_names[0] not in case.agents:
        return Verdict("unknown_agent")
    body = not case.head_names or (case.named is None and not case.head_text)
    if body and case.body_flawed:
        return Verdict("bad_request", body=True)
    names = case.head_names + (case.body_names if body else ())
    if names and names[0] not in case.agents:
        return Verdict("unknown_agent", body=body)
    agent = names[0] if names else None
    if case.named is not None:
        return naive_by_name(case, agent, body)
    if not case.head_text and not case.body_text:
        if case.fallback != NO_FALLBACK and naive_may(case, agent, case.fallback):
            return Verdict("forward", agent, FALLBACK_NAME, way="fallback", body=body)
        return Verdict("no_text", agent, body=body)
    return naive_by_text(case, agent, body)


def naive_by_name(case, agent, body):
    for route in case.routes:
        if route.name == case.named:
            return naive_judge(case, agent, route.name, route.allowed, "name", body=body)
    if case.named == FALLBACK_NAME and case.fallback != NO_FALLBACK:
        return naive_judge(case, agent, FALLBACK_NAME, case.fallback, "name", body=body)
    return Verdict("no_route", agent, way="name", body=body)


def naive_by_text(case, agent, body):
    scored = [(score, route) for score, route in zip(case.scores, case.routes, strict=True) if route.intents]
    if not scored:
        return naive_no_match(case, agent, None, body=body)
    if case.too_long:
        return Verdict("text_too_long", agent, body=body, scores=True)
    top, best = scored[0]
    for score, route in scored:
        if score > top:
            top, best = score, route
    if top < best.min_score:
        return naive_no_match(case, agent, best.name, body=body, scores=True)
    close = [best.name]
    close += [r.name for s, r in scored if r is not best and s >= r.min_score and top - s < case.threshold]
    if len(close) == 1:
        return naive_judge(case, agent, best.name, best.allowed, "text", body=body, scores=True)
    usable = tuple(r.name for r in case.routes if r.name in close and naive_may(case, agent, r.allowed))
    if usable:
        return Verdict("ambiguous_route", agent, best.name, usable, "text", body=body, scores=True)
    what = "anonymous_forbidden" if agent is None else "route_forbidden"
    return Verdict(what, agent, best.name, way="ambiguous", body=body, scores=True)
