"""The OpenAPI description of the management endpoints, made from the models that their answers are built with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from aimux import __version__
from aimux.edge.management_models import (
    Agents,
    Answer,
    ConfigurationInForce,
    Endpoint,
    Health,
    NotReady,
    Ready,
    Refusal,
    Routes,
)

Json = dict[str, Any]

_ABOUT: Final = """\
What operators read on the gateway's port. Every other path is agent traffic.

All endpoints but /healthz answer a peer on the same machine that asks with a loopback Host header, through no proxy and
from no other site's page; from anywhere else they need the configured server.admin_token. A token that is sent must be
right, also from the same machine.

Other methods than GET and HEAD are answered with 405 as in the component MethodNotAllowed. What cannot be read as HTTP,
or is over the configured limits, is refused before it belongs to an endpoint: 400, 408, 413, 414, 431 or 503, in the
shape of the schema Refusal.
"""
_MODELS: Final[tuple[type[Answer], ...]] = (Health, Ready, NotReady, Routes, Agents, ConfigurationInForce, Refusal)
_REFS: Final = "#/components/schemas/{model}"
_OPEN: Final = Endpoint.HEALTHZ


@dataclass(frozen=True, slots=True)
class _Page:
    """What an endpoint is for, and its answers by status; plain text where there is no model."""

    summary: str
    answers: Mapping[int, type[Answer] | None]


_PAGES: Final = {
    Endpoint.HEALTHZ: _Page("Whether the process serves", {200: Health}),
    Endpoint.READYZ: _Page("Whether new requests are taken", {200: Ready, 503: NotReady}),
    Endpoint.METRICS: _Page("Metrics, for Prometheus", {200: None}),
    Endpoint.ROUTES: _Page("The routes, and who may use them", {200: Routes}),
    Endpoint.AGENTS: _Page("The agents, and what they may use", {200: Agents}),
    Endpoint.CONFIG: _Page("The configuration in force", {200: ConfigurationInForce}),
}


def description() -> Json:
    """The description, as OpenAPI 3.1."""
    _, schemas = models_json_schema([(model, "serialization") for model in _MODELS], ref_template=_REFS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AIMux management",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://localhost:8080"}],
        "paths": {endpoint.value: _path(endpoint, _PAGES[endpoint]) for endpoint in Endpoint},
        "components": {
            "schemas": schemas["$defs"],
            "responses": {"MethodNotAllowed": _NOT_ALLOWED},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The configured server.admin_token."}
            },
        },
    }


def _path(endpoint: Endpoint, page: _Page) -> Json:
    answers = {str(status): _answer(model) for status, model in page.answers.items()}
    # The empty requirement: a peer on the same machine needs no token.
    security: list[Json] = []
    if endpoint is not _OPEN:
        answers["403"] = _FORBIDDEN
        security = [{}, {"token": []}]
    if endpoint is Endpoint.METRICS:
        answers["503"] = _UNMEASURED
    name = endpoint.removeprefix("/")
    return {
        "get": {"operationId": name, "summary": page.summary, "security": security, "responses": answers},
        "head": {
            "operationId": f"{name}_head",
            "summary": f"{page.summary}: the head alone",
            "security": security,
            "responses": {status: _without_content(answer) for status, answer in answers.items()},
        },
    }


def _answer(model: type[Answer] | None) -> Json:
    if model is None:
        content: Json = {"text/plain": {"schema": {"type": "string"}}}
        about = "Prometheus' text format."
    else:
        content = {"application/json": {"schema": _ref(model)}}
        about = (model.__doc__ or "").strip()
    return {"description": about, "headers": {"Cache-Control": _header({"const": "no-store"})}, "content": content}


def _refusal(about: str, **headers: Json) -> Json:
    schemas: dict[str, Json] = {"X-Request-ID": {"type": "string"}, **headers}
    return {
        "description": about,
        "headers": {name: _header(schema) for name, schema in schemas.items()},
        "content": {"application/json": {"schema": _ref(Refusal)}},
    }


def _without_content(answer: Json) -> Json:
    return {key: value for key, value in answer.items() if key != "content"}


def _header(schema: Json) -> Json:
    return {"required": True, "schema": schema}


def _ref(model: type[Answer]) -> Json:
    return {"$ref": _REFS.format(model=model.__name__)}


_FORBIDDEN: Final = _refusal("The caller is not on this machine, or its token is wrong.")
_NOT_ALLOWED: Final = _refusal("The method is neither GET nor HEAD.", Allow={"const": "GET, HEAD"})
_UNMEASURED: Final = _refusal(
    "The metrics of all workers could not be added up in time.", **{"Retry-After": {"type": "string"}}
)
