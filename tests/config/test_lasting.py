"""Which settings a reload cannot change."""

import pytest

from aimux.config.lasting import lasting_changes
from aimux.config.schema import Config


def config(**sections: object) -> Config:
    return Config.model_validate({"fallback": {"upstream": "http://a"}, **sections})


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("server", "port", 1),
        ("server", "workers", 2),
        ("server", "admin_token", "0123456789abcdef"),
        ("admin", "listen", "127.0.0.1:9090"),
        ("server", "cors", {"origins": ["*"]}),
        ("logging", "level", "debug"),
        ("telemetry", "required", True),
        ("server", "sse_keepalive", 5.0),
        ("upstreams", "max_headers", 5),
        ("audit", "text", "none"),
    ],
)
def test_what_the_gateway_is_built_with_lasts(section: str, key: str, value: object) -> None:
    assert lasting_changes(config(), config(**{section: {key: value}})) == (f"{section}.{key}",)


def test_everything_else_can_be_reloaded() -> None:
    new = config(
        agents=["a"],
        operators=[{"name": "ann", "token": {"digest": f"sha256:{'0' * 64}"}}],
        routes=[{"name": "r", "upstream": "http://r", "intents": ["x"]}],
        identity={"body_field": None},
        semantic_engine={"min_score": 0.1, "max_waiting": 3, "model_path": "other.onnx"},
        upstreams={
            "ca_file": "ca.pem",
            "redirects": "pass",
            "connect_timeout": 1.0,
            "response_timeout": 1.0,
            "idle_timeout": 1.0,
            "keepalive_timeout": 1.0,
        },
        fallback={"upstream": "http://b", "response_timeout": 2.0},
    )
    assert lasting_changes(config(), new) == ()


def test_all_that_last_are_named() -> None:
    new = config(server={"port": 1, "host": "::"}, logging={"timestamp": False})
    assert lasting_changes(config(), new) == ("server.host", "server.port", "logging.timestamp")
