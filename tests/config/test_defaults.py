"""What holds where the file says nothing."""

import pytest
from pydantic import ValidationError

from aimux.config.schema import Config, RouteConfig

EXPECTED = {
    "server": {
        "host": "127.0.0.1",
        "port": 8080,
        "workers": 1,
        "admin_token": None,
        "trusted_proxies": [],
        "drain_timeout": 30,
        "max_connections": 10000,
        "max_header_bytes": 32768,
        "max_headers": 100,
        "max_target_bytes": 8192,
        "max_body_bytes": 10485760,
        "header_timeout": 10,
        "body_timeout": 30,
        "send_timeout": 30,
        "idle_timeout": 75,
        "sse_keepalive": None,
        "cors": None,
    },
    "logging": {"level": "info", "timestamp": True, "format": "auto"},
    "telemetry": {"required": False},
    "semantic_engine": {
        "model_path": "models/all-MiniLM-L6-v2.onnx",
        "min_score": 0.4,
        "ambiguity_threshold": 0.05,
        "thresholds_model": None,
        "max_tokens": 8192,
        "cache_entries": 4096,
        "max_waiting": 256,
        "max_wait": 5,
        "scope": "last_user",
        "close_reading": False,
        "follow_ups": "keep",
        "guards": [],
    },
    "audit": {
        "enabled": True,
        "path": "audit",
        "sync": "os",
        "text": "excerpt",
        "excerpt_length": 200,
        "redact_headers": [],
        "redact_fields": [],
        "segment_size": 67108864,
        "keep_days": 90,
        "keep_size": 10737418240,
        "trim_share": 0.01,
        "checkpoint_interval": 10,
        "checkpoint_to": None,
        "signing_key": None,
    },
    "state": {"path": "state"},
    "admin": {"listen": None},
    "operators": [],
    "identity": {
        "query_params": ["client_id", "agent", "source"],
        "headers": ["X-Source-Agent", "X-Client-ID"],
        "body_field": "agent",
    },
    "agents": [],
    "groups": {},
    "routes": [],
    "fallback": None,
    "upstreams": {
        "connect_timeout": 5,
        "response_timeout": 600,
        "idle_timeout": 300,
        "keepalive_timeout": 4,
        "ca_file": None,
        "redirects": "rewrite",
        "max_header_bytes": 65536,
        "max_headers": 200,
    },
}


def test_every_default() -> None:
    assert Config().model_dump(mode="json") == EXPECTED


def test_nothing_changes_once_it_is_read() -> None:
    config = Config()
    for section, key in ((config, "agents"), (config.server, "port")):
        with pytest.raises(ValidationError):
            setattr(section, key, ())


def test_a_route_is_open_and_without_intents_by_default() -> None:
    route = RouteConfig(name="a", upstream="http://a")
    assert (route.intents, route.allowed, route.min_score, route.ca_file) == ((), None, None, None)
