"""The kinds of value that a configuration holds: names, scores, seconds, sizes, hosts, networks."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_interface
from pathlib import Path
from typing import Annotated, Any, Final

from annotated_types import Ge, Gt, Le
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    Strict,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from aimux.config.listen_address import read_address
from aimux.config.upstream_url import UpstreamError, is_host, parse_upstream
from aimux.core.paths import parse_pattern
from aimux.core.policy import GROUP_PREFIX
from aimux.core.prefixes import check_prefix

NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:(?:-[a-z0-9]+)*|(?:_[a-z0-9]+)*)")
LONGEST_NAME: Final = 64
SHORTEST_TOKEN: Final = 16
_SIZE: Final = re.compile(r"[0-9]+(?:\.[0-9]+)? ?(?:[KkMmGg][Ii]?)?[Bb]")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TOKEN_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NETWORK: Final = re.compile(r"[0-9a-fA-F.:]+(?:/[0-9]{1,3})?")
_ORIGIN: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_USUAL_PORTS: Final = {"http": 80, "https": 443}
ANY_ORIGIN: Final = "*"
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# A value may name the environment instead, so that an editor's check must let that pass.
_OR_TEMPLATE: Final = r"|\$\{"
_SIZE_OR_TEMPLATE: Final = f"^{_SIZE.pattern}${_OR_TEMPLATE}"


def defect(message: str, remedy: str, better: str | None = None) -> PydanticCustomError:
    """An error in words that a person understands.

    `{value}` in the message stands for the value, where that may be shown; `better` is what to write instead of it.
    """
    return PydanticCustomError("aimux", "{message}; {remedy}", {"message": message, "remedy": remedy, "better": better})


def text_schema(pattern: str, **more: Any) -> WithJsonSchema:
    """The JSON Schema of a text that must match a pattern."""
    return WithJsonSchema({"type": "string", "pattern": f"(?:{pattern}){_OR_TEMPLATE}", **more})


def _check_name(text: str) -> str:
    if text.startswith(GROUP_PREFIX):
        raise defect(
            "{value} stands for a group, and is no name", "write a name here; groups stand in lists of callers"
        )
    if len(text) > LONGEST_NAME:
        raise defect(f"{{value}} is longer than {LONGEST_NAME} characters", "shorten it")
    if not NAME.fullmatch(text):
        raise defect(
            "{value} is neither kebab-case nor snake_case",
            "use small letters and digits, words joined by - or by _",
            suggest_name(text),
        )
    return text


def suggest_name(text: str) -> str | None:
    """A valid name close to the text, or None."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    name = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return name if NAME.fullmatch(name) and len(name) <= LONGEST_NAME else None


def _check_upstream(text: str) -> str:
    try:
        parse_upstream(text)
    except UpstreamError as error:
        raise defect(error.message, error.remedy) from None
    return text


def _check_host(text: str) -> str:
    if not is_host(text):
        raise defect(
            "{value} is neither an address nor a host name",
            "write 127.0.0.1 for this machine only, 0.0.0.0 or :: for every network",
        )
    return text


def _check_text(text: str) -> str:
    if not text.strip():
        raise defect("the text is empty", "write something or remove it")
    if any(not c.isprintable() for c in text):
        raise defect("{value} holds a line break or control character", "write it on one line")
    return text


def _check_path(value: object) -> object:
    if isinstance(value, str):
        if not value:
            raise defect("the path is empty", "write the path of a file")
        if any(not c.isprintable() for c in value):
            raise defect("{value} holds a line break or control character", "remove it")
    return value


def _check_path_rule(text: str) -> str:
    try:
        parse_pattern(text)
    except ValueError as error:
        raise defect("{value} is no method and path", str(error)) from None
    return text


def _check_prefix(text: str) -> str:
    try:
        check_prefix(text)
    except ValueError as error:
        raise defect("{value} is no prefix of a path", str(error)) from None
    return text


def _check_token(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < SHORTEST_TOKEN:
        raise defect(f"the token is shorter than {SHORTEST_TOKEN} characters", "make one with: openssl rand -hex 32")
    if not all("!" <= c <= "~" for c in text):
        raise defect(
            "the token holds a space or a character that no HTTP header can carry",
            "make one with: openssl rand -hex 32",
        )
    return secret


def _check_token_digest(text: str) -> str:
    # The value is never shown: by mistake it may be the token itself.
    if not _TOKEN_DIGEST.fullmatch(text):
        raise defect(
            "this is no digest of a token, which is sha256: and 64 digits from 0-9 and a-f",
            "make a token and its digest with: aimux operators new NAME",
        )
    return text


def _check_listen(text: str) -> str:
    try:
        read_address(text)
    except ValueError as error:
        raise defect("{value} is nothing to listen on", str(error)) from None
    return text


def _check_header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise defect("{value} is no header name", "write one such as X-Source-Agent")
    if text.lower().startswith("x-aimux-"):
        raise defect(
            "{value} belongs to the gateway, which drops it from every request",
            "choose a name without X-AIMux-",
        )
    return text


def _check_request_header(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise defect("{value} is no header name", "write one such as Content-Type, or * for any")
    return text


def _check_origin(text: str) -> str:
    """The origin as browsers write it: in small letters, without the scheme's usual port."""
    if text == ANY_ORIGIN:
        return text
    if text == "null":
        raise defect(
            "null is the origin of every local file and sandboxed frame, whoever made it",
            "serve the page from an origin of its own, and name that",
        )
    found = _ORIGIN.fullmatch(text)
    if found is None or not is_host(found[2].strip("[]")) or int(found[3] or 1) not in range(1, 65536):
        raise defect("{value} is no origin", "write its scheme, host and port only, as in https://app.example:8443")
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    usual = port is None or int(port) == _USUAL_PORTS.get(scheme)
    return f"{scheme}://{host}" if usual else f"{scheme}://{host}:{int(port)}"


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not origins:
        raise defect("the list names no origin", "write those of your pages, or remove `cors`")
    if ANY_ORIGIN in origins and len(origins) > 1:
        raise defect('"*" stands beside other origins, and means any', 'write ["*"] alone, or remove it')
    return origins


def _check_digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise defect(
            "{value} is no model's digest, which is 64 digits from 0-9 and a-f",
            "write what `aimux tune` prints, or remove the key",
        )
    return text


def _check_size(value: object) -> object:
    if isinstance(value, str) and _SIZE.fullmatch(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise defect("a size is expected here", "write a number of bytes, or a text such as 64KiB or 10MiB")


def _read_network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str):
        raise defect("an IP address or network is expected here", "write one such as 10.0.0.0/8 in quotes")
    try:
        found = ip_interface(value) if _NETWORK.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None:
        raise defect("{value} is no IP address or network", "write one such as 10.0.0.7 or 10.0.0.0/8")
    if found.ip != found.network.network_address:
        raise defect("{value} is an address within a network", "write the network's first address", str(found.network))
    return _unmapped(found.network)


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """The IPv4 network that an IPv4-mapped one stands for: the gateway writes the addresses of peers so."""
    mapped = None if isinstance(network, IPv4Network) else network.network_address.ipv4_mapped
    return network if mapped is None or network.prefixlen < 96 else IPv4Network((mapped, network.prefixlen - 96))


def _refuse_null(value: object) -> object:
    if value is None:
        raise defect(
            "`allowed` has no value, which does not say who may use the route",
            'write ["*"] for any registered agent, [] for nobody, or remove the key to let everybody in',
        )
    return value


Name = Annotated[str, AfterValidator(_check_name), text_schema(f"^(?:{NAME.pattern})$", examples=["finance-bot"])]
_ENTRY_OR_TEMPLATE: Final = f"(?:^(?:{GROUP_PREFIX})?(?:{NAME.pattern})$){_OR_TEMPLATE}"
# What these name, and whether it exists, is checked over the whole configuration.
Entries = Annotated[
    tuple[str, ...],
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": _ENTRY_OR_TEMPLATE}, "uniqueItems": True}),
]
"""Agents, and groups of them as group:name."""
Groups = Annotated[
    dict[Name, tuple[str, ...]],
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": f"^(?:{NAME.pattern})$", "maxLength": LONGEST_NAME},
            "additionalProperties": {
                "type": "array",
                "items": {"type": "string", "pattern": f"(?:^(?:{NAME.pattern})$){_OR_TEMPLATE}"},
                "uniqueItems": True,
            },
            "examples": [{"finance": ["finance-bot", "audit-bot"]}],
        }
    ),
]
Text = Annotated[str, AfterValidator(_check_text), text_schema(r"\S")]
PathRule = Annotated[
    str, AfterValidator(_check_path_rule), text_schema("^[A-Z][A-Z-]* /", examples=["GET /v1/files/*"])
]
PrefixPath = Annotated[str, AfterValidator(_check_prefix), text_schema("^/[A-Za-z0-9._~/-]+$", examples=["/files"])]
UpstreamURL = Annotated[
    str, AfterValidator(_check_upstream), text_schema("^[hH][tT][tT][pP][sS]?://", examples=["http://finance:8001"])
]
Host = Annotated[str, AfterValidator(_check_host), text_schema(r"^\S+$")]
Token = Annotated[SecretStr, AfterValidator(_check_token), text_schema("^.{16,}$")]
HeaderName = Annotated[str, AfterValidator(_check_header_name), text_schema(r"^\S+$")]
RequestHeader = Annotated[str, AfterValidator(_check_request_header), text_schema(r"^\S+$")]
Origin = Annotated[
    str, AfterValidator(_check_origin), text_schema(r"^(?:\*|[^:/]+://[^/?#]+)$", examples=["https://app.example"])
]
Origins = Annotated[tuple[Origin, ...], AfterValidator(_check_origins), Field(json_schema_extra={"minItems": 1})]
Digest = Annotated[str, AfterValidator(_check_digest), text_schema(f"^{_DIGEST.pattern}$")]
TokenDigest = Annotated[
    str, AfterValidator(_check_token_digest), text_schema(f"^{_TOKEN_DIGEST.pattern}$", examples=["sha256:0123…"])
]
ListenAddress = Annotated[
    str, AfterValidator(_check_listen), text_schema(r"^(?:unix:.+|\S+:[0-9]+)$", examples=["127.0.0.1:9090"])
]
FilePath = Annotated[Path, BeforeValidator(_check_path), text_schema(".")]
Network = Annotated[
    IPv4Network | IPv6Network,
    PlainValidator(_read_network),
    PlainSerializer(str, return_type=str),
    text_schema(f"^{_NETWORK.pattern}$", examples=["10.0.0.0/8"]),
]
Port = Annotated[int, Strict(), Ge(0), Le(65535)]
Count = Annotated[int, Strict(), Ge(1)]
Workers = Annotated[int, Strict(), Ge(1), Le(256)]
ExcerptLength = Annotated[int, Strict(), Ge(1), Le(16384)]
CountOrNone = Annotated[int, Strict(), Ge(0)]
Score = Annotated[float, Strict(), Ge(0), Le(1), Field(allow_inf_nan=False)]
Seconds = Annotated[float, Strict(), Gt(0), Field(allow_inf_nan=False)]
SecondsOrOff = Annotated[float, Strict(), Ge(0), Field(allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
Size = Annotated[
    ByteSize,
    BeforeValidator(_check_size),
    Ge(1),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^{_SIZE.pattern}$|\\$\\{{"}]}
    ),
]
Allowed = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(_refuse_null),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
]
