"""The JSON Schema for editors agrees with what is loaded, and every key of it is explained, here and in the manual."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from aimux.config.agent_section import AgentConfig
from aimux.config.load import Loaded
from aimux.config.operators_section import OperatorConfig, OperatorTokenConfig
from aimux.config.schema import Config, FallbackConfig, GuardConfig, RouteConfig, json_schema
from aimux.config.server_section import CorsConfig

MANUAL = Path(__file__).parents[2] / "docs/configuration.md"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


LOADED_TOO = [
    "fallback: {upstream: http://x}",
    "routes: []\nfallback: {upstream: http://x}",
    "fallback: {upstream: http://x}\nserver:\nagents:\nroutes:\nlogging:\nidentity:\nupstreams:\nsemantic_engine:\n",
    "fallback: {upstream: '${URL}', allowed: ['*']}",
    "fallback: {upstream: http://x}\nagents: ['${BOT}']\nlogging: {level: '${LEVEL}', format: '${FORMAT}'}",
    "fallback: {upstream: http://x}\nserver: {admin_token: '${TOKEN}', max_body_bytes: '${SIZE}', host: '${HOST}'}",
    "fallback: {upstream: http://x}\nserver: {max_body_bytes: 10MiB, max_header_bytes: 1.5 kb}",
    "fallback: {upstream: http://x}\nserver: {port: 0, trusted_proxies: [10.0.0.0/8, '::1'], max_body_bytes: 1GIB}",
    "fallback: {upstream: http://x}\nadmin: {listen: 'unix:run/admin.sock'}",
    "fallback: {upstream: http://x}\nadmin: {listen: '[::1]:9090'}",
    f"fallback: {{upstream: http://x}}\noperators: [{{name: a, token: {{digest: 'sha256:{'0' * 64}'}}}}]",
    "fallback: {upstream: http://x}\nidentity: {body_field: null, headers: [], query_params: [a b]}",
    "fallback: {upstream: HTTP://x}\nsemantic_engine: {min_score: 0, ambiguity_threshold: 1, cache_entries: 0}",
    "routes: [{name: a, upstream: http://x, intents: [a], allowed: [], min_score: 1, ca_file: x}]",
    "routes: [{name: a_b_c, upstream: http://x}]",
    f"fallback: {{upstream: http://x}}\nsemantic_engine: {{thresholds_model: '{'0a' * 32}'}}",
    "fallback: {upstream: http://x}\nsemantic_engine: {thresholds_model: null}",
    "fallback: {upstream: http://x}\naudit: {excerpt_length: 16384}",
    "fallback: {upstream: http://x, redirects: pass}",
    "fallback: {upstream: http://x, response_timeout: 0.5}\nserver: {sse_keepalive: 0}",
    "routes: [{name: a, upstream: http://x, response_timeout: 5}]\nserver: {sse_keepalive: null}",
    "fallback: {upstream: http://x}\nserver: {cors: {origins: ['*'], headers: [X-AIMux-Route], max_age: 0}}",
    "fallback: {upstream: http://x, allowed: ['group:g', a]}\nagents: [a, {name: b, groups: [g]}, {name: '${BOT}'}]",
    "fallback: {upstream: http://x, allowed: ['group:g']}\nagents: [a, b]\ngroups: {g: [a, b], h: []}",
    "fallback: {upstream: http://x}\ngroups:\n",
]
VARIABLES = {
    "URL": "http://x",
    "BOT": "bot",
    "LEVEL": "info",
    "FORMAT": "json",
    "TOKEN": "x" * 16,
    "SIZE": "1B",
    "HOST": "::",
}


@pytest.mark.parametrize("text", LOADED_TOO)
def test_it_accepts_what_is_loaded(
    validator: jsonschema.Draft202012Validator, read: Callable[..., Loaded], text: str
) -> None:
    read(text, VARIABLES)
    validator.validate(yaml.safe_load(text))


REFUSED_TOO = [
    "{}",
    "server: {port: 1}",
    "fallback: {upstream: http://x}\nunknown: 1",
    "fallback: {upstream: http://x}\nserver: {prot: 1}",
    "routes: [{name: a, upstream: http://x, acl: []}]",
    "routes: [{name: a}]",
    "routes: [{name: Bad, upstream: http://x}]",
    "routes: [{name: a-b_c, upstream: http://x}]",
    "fallback: {upstream: ftp://x}",
    "fallback: {upstream: http://x, allowed: null}",
    "fallback: {upstream: http://x, allowed: [a, a]}",
    "fallback: {upstream: http://x}\nserver: {port: 65536}",
    "fallback: {upstream: http://x}\nserver: {port: '1'}",
    "fallback: {upstream: http://x}\nserver: {admin_token: short}",
    "fallback: {upstream: http://x}\nserver: {idle_timeout: 0}",
    "fallback: {upstream: http://x}\nserver: {max_body_bytes: 10XB}",
    "fallback: {upstream: http://x}\nlogging: {level: loud}",
    "fallback: {upstream: http://x}\nsemantic_engine: {min_score: 1.5}",
    f"fallback: {{upstream: http://x}}\nsemantic_engine: {{thresholds_model: '{'0a' * 31}'}}",
    f"fallback: {{upstream: http://x}}\nsemantic_engine: {{thresholds_model: '{'0A' * 32}'}}",
    "fallback: {upstream: http://x}\naudit: {excerpt_length: 16385}",
    "fallback: {upstream: http://x, redirects: follow}",
    "fallback: {upstream: http://x}\nserver: {cors: {origins: []}}",
    "fallback: {upstream: http://x}\nserver: {cors: {origins: ['https://a/b']}}",
]


@pytest.mark.parametrize("text", REFUSED_TOO)
def test_it_refuses_what_is_refused(
    validator: jsonschema.Draft202012Validator, problems_of: Callable[..., Any], text: str
) -> None:
    assert problems_of(text)
    assert not validator.is_valid(yaml.safe_load(text))


def test_it_says_what_it_is() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "AIMux configuration"
    assert schema["description"]


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every key that stands below a section, with its default."""
    for name, field in section.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from keys(type(default), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ... if field.is_required() else default


KEYS = [
    *keys(Config),
    *keys(RouteConfig, "routes[]."),
    *keys(FallbackConfig, "fallback."),
    *keys(AgentConfig, "agents[]."),
    *keys(GuardConfig, "semantic_engine.guards[]."),
    *keys(CorsConfig, "server.cors."),
    *keys(OperatorConfig, "operators[]."),
    *keys(OperatorTokenConfig, "operators[].token."),
]
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def test_every_key_has_a_description() -> None:
    schema = json_schema()
    for section in [schema, *schema["$defs"].values()]:
        for name, key in section["properties"].items():
            assert len(key.get("description", "")) > 20, name


def test_the_manual_has_every_key_and_no_other() -> None:
    rows = [row[0] for row in ROW.findall(MANUAL.read_text(encoding="utf-8"))]
    documented = [name for name in rows if not name.startswith("allowed:")]
    assert sorted(documented) == sorted(name for name, _ in KEYS)


# Defaults that are said in words.
IN_WORDS = {
    "server.admin_token": "none",
    "fallback": "none",
    "routes[].allowed": "absent",
    "routes[].prefix": "absent",
    "fallback.allowed": "absent",
    "routes[].min_score": "`semantic_engine.min_score`",
    "routes[].ca_file": "`upstreams.ca_file`",
    "fallback.ca_file": "`upstreams.ca_file`",
    "routes[].redirects": "`upstreams.redirects`",
    "fallback.redirects": "`upstreams.redirects`",
    "routes[].response_timeout": "`upstreams.response_timeout`",
    "fallback.response_timeout": "`upstreams.response_timeout`",
    "server.sse_keepalive": "none",
    "server.cors": "none",
    "admin.listen": "none",
    "upstreams.ca_file": "the system's",
    "audit.checkpoint_to": "none",
    "semantic_engine.thresholds_model": "none",
    "audit.signing_key": "made in the log's folder",
}


@pytest.mark.parametrize(("name", "default"), KEYS)
def test_the_manual_says_the_default(name: str, default: object) -> None:
    written = {row[0]: row[1] for row in ROW.findall(MANUAL.read_text(encoding="utf-8"))}[name]
    if default is ...:
        assert written == "required"
    elif name in IN_WORDS:
        assert written == IN_WORDS[name]
        assert default is None
    else:
        assert written == shown(name, default)


def shown(name: str, default: object) -> str:
    """How the manual writes a default."""
    if name.endswith(("_timeout", "_wait", "_interval")):
        return f"`{default:g}` seconds"
    if name.endswith(("_bytes", "_size")):
        assert isinstance(default, int)
        shift, unit = next(each for each in ((30, "GiB"), (20, "MiB"), (10, "KiB")) if default >> each[0])
        return f"`{default >> shift}{unit}`"
    if isinstance(default, tuple):
        return f"`[{', '.join(default)}]`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
