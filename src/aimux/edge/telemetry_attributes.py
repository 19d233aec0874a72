"""What the spans of a request say of it, and what counts as an error of whom.

Names: OpenTelemetry's semantic conventions for HTTP and generative AI, and `aimux.*` for what only this gateway knows.
What a caller's text, query or headers say is never among it.
"""

from typing import Final

from aimux.core.policy import Upstream
from aimux.core.record import VERDICT_ANSWERED, VERDICT_FALLBACK, VERDICT_FORWARD, Ended, Record
from aimux.core.routing import Match

Attributes = dict[str, str | bool | int | float]

SERVED: Final = frozenset({VERDICT_FORWARD, VERDICT_FALLBACK, VERDICT_ANSWERED})
"""The verdicts that are no refusal."""
UNREAD: Final = "-"
"""The method of what could not be read as a request."""
_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY"})
_LONGEST_PATH: Final = 512
_LONGEST_METHOD: Final = 32


def _method(record: Record) -> str:
    return record.method if record.method in _KNOWN_METHODS else "_OTHER"


def server_name(record: Record) -> str:
    """The name of a request's span: few of them, whatever callers send."""
    method = record.method if record.method in _KNOWN_METHODS else "HTTP"
    return f"{method} {record.route}" if record.route else method


def request(record: Record) -> Attributes:
    """What HTTP's conventions say of a request, and those for generative AI of a conversation."""
    attributes: Attributes = {
        "http.request.method": _method(record),
        "url.scheme": "http",
        "url.path": record.path[:_LONGEST_PATH],
        "client.address": record.peer,
        "http.response.body.size": record.response_bytes,
    }
    if record.method not in _KNOWN_METHODS and record.method != UNREAD:
        attributes["http.request.method_original"] = record.method[:_LONGEST_METHOD]
    if record.status:
        attributes["http.response.status_code"] = record.status
    if record.dialect == "messages":
        attributes["gen_ai.operation.name"] = "chat"
        if record.principal is not None and record.principal.agent is not None:
            attributes["gen_ai.agent.name"] = record.principal.agent
    return attributes


def rule(record: Record) -> Attributes:
    """The rule that decided, in words and by its id; nothing where none has."""
    return {} if record.rule is None else {"aimux.rule": record.says, "aimux.rule_id": record.rule.id}


def judgement(record: Record) -> Attributes:
    """What the gateway made of the request."""
    attributes: Attributes = rule(record) | {
        "aimux.request_id": record.request_id,
        "aimux.verdict": record.verdict or record.ended.value,
    }
    if record.route is not None:
        attributes["aimux.route"] = record.route
    if record.principal is not None:
        attributes["aimux.identity"] = record.principal.assurance.word
        if record.principal.agent is not None:
            attributes["aimux.agent"] = record.principal.agent
    if record.cached is not None:
        attributes["aimux.score_cached"] = record.cached
    if record.ended is not Ended.COMPLETED:
        attributes["aimux.ended"] = record.ended.value
    return attributes if record.match is None else attributes | _scores(record.match)


def _scores(found: Match) -> Attributes:
    lead, part = found.lead, found.part
    attributes: Attributes = {
        "aimux.best": found.best.name,
        "aimux.best_score": found.score,
        "aimux.score": lead.score,
    }
    if lead.runner_up is not None and lead.margin is not None:
        attributes["aimux.runner_up"] = lead.runner_up.name
        attributes["aimux.margin"] = lead.margin
    if part is not None:
        attributes["aimux.part.route"] = part.lead.route.name
        attributes["aimux.part.score"] = part.lead.score
        if part.span is not None:
            attributes["aimux.part.start"], attributes["aimux.part.end"] = part.span
    return attributes


def call(record: Record) -> Attributes:
    """What HTTP's conventions say of the call to the upstream."""
    attributes: Attributes = {"http.request.method": _method(record), "network.protocol.version": "1.1"}
    if (upstream := _upstream_of(record)) is not None:
        path = record.path[:_LONGEST_PATH]
        scheme = "https" if upstream.secure else "http"
        attributes["server.address"] = upstream.host
        attributes["server.port"] = upstream.port
        attributes["url.full"] = f"{scheme}://{upstream.authority}{upstream.base_path}{path}"
    if record.route is not None:
        attributes["aimux.route"] = record.route
    if record.verdict in SERVED and record.status and record.ended is not Ended.CLIENT_LEFT:
        attributes["http.response.status_code"] = record.status
    if record.upstream_seconds is not None and record.ended in {Ended.COMPLETED, Ended.IDLE}:
        attributes["aimux.upstream.seconds_to_head"] = record.upstream_seconds
    if record.dialect == "messages":
        attributes["gen_ai.operation.name"] = "chat"
    return attributes


def _upstream_of(record: Record) -> Upstream | None:
    """The upstream of the route that the request went to."""
    if record.policy is None or record.route is None:
        return None
    route = record.policy.by_name.get(record.route) or record.policy.fallback
    return route.upstream if route is not None and route.name == record.route else None


def _cut_short(record: Record) -> bool:
    """Whether the response broke off after it had begun, and not because its reader left."""
    return record.ended not in {Ended.COMPLETED, Ended.IDLE, Ended.CLIENT_LEFT}


def server_error(record: Record) -> str:
    """What HTTP's conventions call an error of the server: its own faults, and not those of who asked."""
    if record.verdict not in SERVED and record.status >= 500:
        return record.verdict
    if _cut_short(record):
        return record.ended.value
    return str(record.status) if record.status >= 500 else ""


def upstream_error(record: Record) -> str:
    """Why the call to the upstream failed; a client sees every status from 400 on as an error."""
    if record.verdict not in SERVED:
        return record.verdict
    if _cut_short(record) or record.ended is Ended.CLIENT_LEFT:
        return record.ended.value
    return str(record.status) if record.status >= 400 else ""
