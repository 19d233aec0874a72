"""The OpenAPI description of the management endpoints, made from the models that their answers are built with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from aimux import __version__
from aimux.admin.audit_models import AuditPage, AuditStats, AuditStatus
from aimux.admin.dashboard_models import Overlaps, Trial
from aimux.admin.entry_models import AuditEntry
from aimux.admin.models import (
    Agents,
    Answer,
    ConfigurationInForce,
    Health,
    NotReady,
    Ready,
    RefusalBody,
    Routes,
    Session,
)
from aimux.admin.openapi_commands import COMMAND_MODELS, command_paths
from aimux.core.endpoints import SESSION, Endpoint

Json = dict[str, Any]

_ABOUT: Final = """\
What operators read: on the gateway's port, whose other paths are agent traffic, or with `admin.listen` on a listener of
their own. There the port of agents keeps only /healthz, /livez and /readyz.

/healthz, /livez and /readyz answer everybody, whatever the Host header; why the gateway is not ready, /readyz says to
operators only. All other endpoints answer an operator: a token of `operators` or server.admin_token, or at a Unix
socket the gateway's own user and root. But for /admin/session they also answer a peer on the same machine that asks
with a loopback Host header, through no proxy and from no other site's page. A token that is sent must be right, also
from the same machine.

/admin/session is there where operators or server.admin_token are configured, and on every listener of operators' own.

Other methods than GET and HEAD are answered with 405 as in the component MethodNotAllowed. What cannot be read as HTTP,
or is over the configured limits, is refused before it belongs to an endpoint: 400, 408, 413, 414, 431 or 503, in the
shape of the schema RefusalBody.
"""
_MODELS: Final[tuple[type[Answer], ...]] = (
    *(Health, Ready, NotReady, Routes, Agents, ConfigurationInForce, RefusalBody),
    *(AuditPage, AuditEntry, AuditStatus, AuditStats),
    *(Trial, Overlaps, Session),
)
_REFS: Final = "#/components/schemas/{model}"
_OPEN: Final = frozenset({Endpoint.HEALTHZ, Endpoint.LIVEZ, Endpoint.READYZ})


def _parameter(name: str, about: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": about, "schema": schema}


def _text(name: str, about: str) -> Json:
    # A null is refused in every request's target, however it is written.
    return _parameter(name, about, {"type": "string", "pattern": "^[^\\u0000]*$"})


def _moment(name: str, about: str) -> Json:
    ago = {"type": "string", "pattern": "^[0-9]{1,5}[smhd]$"}
    return _parameter(name, about, {"anyOf": [ago, {"type": "string", "format": "date-time"}]})


def _integer(name: str, about: str, most: int) -> Json:
    return _parameter(name, about, {"type": "integer", "minimum": 1, "maximum": most})


@dataclass(frozen=True, slots=True)
class _Page:
    """What an endpoint is for, its answers by status, and the parameters that it takes.

    Where an answer has no model, `content` is what it has instead, by type, and `headers` what stands beside it.
    """

    summary: str
    answers: Mapping[int, type[Answer] | None]
    parameters: tuple[Json, ...] = ()
    content: Mapping[str, str] = field(default_factory=lambda: {"text/plain": "Prometheus' text format."})
    headers: Mapping[str, Json] = field(default_factory=dict)


_FILTERS: Final = (
    _text("agent", "Only this agent; (anonymous) and (unidentified) are names too."),
    _text("route", "Only this route; (none) where there was none."),
    _text("verdict", "Only this verdict; `refused` for every refusal."),
    _text("text", "Only texts that contain this, in any case."),
)
_IDS: Final = (_text("request_id", "Only this request."), _text("trace_id", "Only this trace."))
_MOMENT: Final = "A time ago, such as 15m, 24h or 7d, or a moment such as 2026-01-31T12:00:00Z."
_SPAN: Final = (_moment("since", f"From then on. {_MOMENT}"), _moment("until", f"Until then. {_MOMENT}"))
_BEFORE: Final = _parameter(
    "before",
    "Where to go on: `next` of the page before.",
    {"type": "string", "pattern": r"^[0-9]{1,12}\.[0-9]{1,9},[0-9]{1,4},[0-9]{1,15}$"},
)
_BEHIND: Final = "Bytes of the log that the index had not read when it began."
_FORMAT: Final = _parameter("format", "What it is written as.", {"enum": ["jsonl", "csv", "otlp"]})
_PAGES: Final = {
    Endpoint.HEALTHZ: _Page("Whether the process serves", {200: Health}),
    Endpoint.LIVEZ: _Page("Whether the process serves: the same as /healthz", {200: Health}),
    Endpoint.READYZ: _Page("Whether new requests are taken", {200: Ready, 503: NotReady}),
    Endpoint.METRICS: _Page("Metrics, for Prometheus", {200: None}),
    Endpoint.ROUTES: _Page("The routes, and who may use them", {200: Routes}),
    Endpoint.AGENTS: _Page("The agents, and what they may use", {200: Agents}),
    Endpoint.CONFIG: _Page("The configuration in force", {200: ConfigurationInForce}),
    Endpoint.AUDIT: _Page(
        "Requests, the newest first",
        {200: AuditPage},
        (*_FILTERS, *_IDS, *_SPAN, _integer("limit", "At most so many.", 500), _BEFORE),
    ),
    Endpoint.AUDIT_STREAM: _Page(
        "Requests as they are decided and end",
        {200: None},
        _FILTERS,
        {
            "text/event-stream": "Events `decision` and `outcome`, each an AuditEntry; `skipped` where too many come, "
            "`unreadable` where lines are no records, both with their number as `records`."
        },
    ),
    Endpoint.AUDIT_STATUS: _Page("The state of the audit log", {200: AuditStatus}),
    Endpoint.AUDIT_STATS: _Page(
        "Sums by agent, route and verdict, and their course",
        {200: AuditStats},
        (*_FILTERS[:2], *_SPAN, _integer("steps", "In how many steps.", 500)),
    ),
    Endpoint.AUDIT_EXPORT: _Page(
        "Requests for other programs, the oldest first",
        {200: None},
        (*_FILTERS, *_SPAN, _FORMAT),
        {"application/x-ndjson": "JSON lines: AuditEntry, or OTLP's JSON encoding.", "text/csv": "A table."},
        {"X-AIMux-Audit-Behind": {"type": "integer", "minimum": 0, "description": _BEHIND}},
    ),
    Endpoint.TRY: _Page(
        "What would be decided on a text, without forwarding anything",
        {200: Trial},
        (_text("text", "What is asked."), _text("agent", "Who asks; nobody where it is left out.")),
    ),
    Endpoint.OVERLAPS: _Page("How close the routes are to each other by their intents", {200: Overlaps}),
}


_SESSION: Final = _Page("Who asks, as an operator", {200: Session})


def description() -> Json:
    """The description, as OpenAPI 3.1."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in (*_MODELS, *COMMAND_MODELS)], ref_template=_REFS
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AIMux management",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://localhost:8080"}],
        "paths": {
            **{endpoint.value: _path(endpoint, _PAGES[endpoint]) for endpoint in Endpoint},
            SESSION: _read(SESSION, _SESSION, {"200": _answer(Session, _SESSION), **_UNPROVED}, [{"token": []}]),
            **command_paths(_REFS),
        },
        "components": {
            "schemas": schemas["$defs"],
            "responses": {"MethodNotAllowed": _NOT_ALLOWED},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An operator's, or server.admin_token."}
            },
        },
    }


def _path(endpoint: Endpoint, page: _Page) -> Json:
    answers = {str(status): _answer(model, page) for status, model in page.answers.items()}
    # The empty requirement: a peer on the same machine needs no token.
    security: list[Json] = []
    if endpoint not in _OPEN:
        answers["403"] = _FORBIDDEN
        security = [{}, {"token": []}]
    if endpoint in {Endpoint.METRICS, Endpoint.CONFIG}:
        answers["503"] = _UNMEASURED
    if endpoint.startswith(Endpoint.AUDIT):
        answers |= _AUDIT_REFUSALS
    if endpoint in {Endpoint.TRY, Endpoint.OVERLAPS}:
        answers |= {"400": _SENSELESS, "503": _NOT_TAKEN}
    return _read(endpoint, page, answers, security)


def _read(path: str, page: _Page, answers: Mapping[str, Json], security: list[Json]) -> Json:
    """The two ways to read a path, with the same answers."""
    name = path.removeprefix("/").replace("/", "_")
    shared: Json = {"security": security, "parameters": list(page.parameters)}
    return {
        "get": {"operationId": name, "summary": page.summary, **shared, "responses": answers},
        "head": {
            "operationId": f"{name}_head",
            "summary": f"{page.summary}: the head alone",
            **shared,
            "responses": {status: _without_content(answer) for status, answer in answers.items()},
        },
    }


def _answer(model: type[Answer] | None, page: _Page) -> Json:
    if model is None:
        content: Json = {kind: {"schema": {"type": "string"}} for kind in page.content}
        about = " ".join(page.content.values())
    else:
        content = {"application/json": {"schema": _ref(model)}}
        about = (model.__doc__ or "").strip()
    schemas = {"Cache-Control": {"const": "no-store"}, **page.headers}
    return {
        "description": about,
        "headers": {name: _header(schema) for name, schema in schemas.items()},
        "content": content,
    }


def _refusal(about: str, headers: Mapping[str, Json]) -> Json:
    schemas: dict[str, Json] = {"X-Request-ID": _ID, "request-id": _ID, **headers}
    return {
        "description": about,
        "headers": {name: _header(schema) for name, schema in schemas.items()},
        "content": {"application/json": {"schema": _ref(RefusalBody)}},
    }


def _without_content(answer: Json) -> Json:
    return {key: value for key, value in answer.items() if key != "content"}


def _header(schema: Json) -> Json:
    return {"required": True, "schema": schema}


def _ref(model: type[Answer]) -> Json:
    return {"$ref": _REFS.format(model=model.__name__)}


_ID: Final[Json] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_NO_RETRY: Final[Json] = {"x-should-retry": {"const": "false"}}
_RETRY: Final[Json] = {"Retry-After": {"type": "string"}}
_FORBIDDEN: Final = _refusal("The caller is not on this machine, or its token is wrong.", _NO_RETRY)
_UNPROVED: Final = {
    "401": _refusal(
        "Nobody has proved to be an operator.", {"WWW-Authenticate": {"const": 'Bearer realm="aimux"'}, **_NO_RETRY}
    ),
    "403": _refusal("The page of another site made a browser ask.", _NO_RETRY),
}
_NOT_ALLOWED: Final = _refusal("The method is neither GET nor HEAD.", {"Allow": {"const": "GET, HEAD"}, **_NO_RETRY})
_SENSELESS: Final = _refusal("A parameter is unknown or makes no sense.", _NO_RETRY)
_NOT_TAKEN: Final = _refusal("The gateway is not ready, or too many texts wait for the model.", _RETRY)
_AUDIT_REFUSALS: Final = {
    "400": _SENSELESS,
    "404": _refusal("Nothing is recorded: audit.enabled is false.", _NO_RETRY),
    "503": _refusal("The index is being built, or cannot be read.", _RETRY),
}
_UNMEASURED: Final = _refusal("The other workers could not be asked in time.", _RETRY)
