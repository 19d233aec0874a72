"""A whole configuration of the usual kind, and what is made of it."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from aimux.config.load import Loaded, load
from aimux.config.schema import json_schema
from aimux.core.policy import Access, IdentitySources, Upstream

SAMPLE = """\
server:
  host: 127.0.0.1            # default; the container image sets 0.0.0.0
  port: 8080
logging:
  level: info                # debug, info, warn, error
  timestamp: true
semantic_engine:
  model_path: "./models/all-MiniLM-L6-v2.onnx"
  min_score: 0.40            # 0-1; below it a text has no match
  ambiguity_threshold: 0.05  # the best score must lead the second best by at least this
agents:
  - finance-bot
  - admin-bot
  - data-processor
routes:
  - name: "finance"
    upstream: "http://finance:8001"
    intents:
      - "analyze budget"
      - "forecast revenue"
      - "quarterly earnings"
    allowed:
      - finance-bot
      - admin-bot
  - name: "admin"
    upstream: "http://admin:8004"
    intents:
      - "delete users"
      - "reset database"
    allowed:
      - admin-bot
  - name: "public-api"
    upstream: "http://api:8000"
    allowed: ["*"]           # any registered agent
  - name: "health"
    upstream: "http://health:8080"
    # no `allowed`: completely open, anonymous callers too
fallback:
  upstream: "http://ollama:11434"
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    path = tmp_path / "aimux.yaml"
    path.write_text(SAMPLE, encoding="utf-8")
    return load(path, {})


def test_it_has_nothing_to_warn_of(loaded: Loaded) -> None:
    assert loaded.warnings == ()


def test_routes_keep_their_order_intents_and_access(loaded: Loaded) -> None:
    routes = loaded.policy.routes
    assert [(r.name, r.access, r.allowed) for r in routes] == [
        ("finance", Access.RESTRICTED, {"finance-bot", "admin-bot"}),
        ("admin", Access.RESTRICTED, {"admin-bot"}),
        ("public-api", Access.PUBLIC, set()),
        ("health", Access.OPEN, set()),
    ]
    assert routes[0].intents == ("analyze budget", "forecast revenue", "quarterly earnings")
    assert routes[0].upstream == Upstream("http://finance:8001", False, "finance", 8001, "")
    assert routes[2].intents == ()
    assert {r.min_score for r in routes} == {0.40}


def test_agents_fallback_and_thresholds_arrive(loaded: Loaded) -> None:
    policy = loaded.policy
    assert policy.agents.keys() == {"finance-bot", "admin-bot", "data-processor"}
    assert policy.fallback is not None
    assert (policy.fallback.name, policy.fallback.access) == ("fallback", Access.OPEN)
    assert policy.fallback.upstream.port == 11434
    assert policy.ambiguity_threshold == 0.05
    assert policy.identity == IdentitySources(
        ("client_id", "agent", "source"), ("x-source-agent", "x-client-id"), "agent"
    )
    assert policy.digest == loaded.digest


def test_the_model_is_looked_for_beside_the_file(loaded: Loaded) -> None:
    assert loaded.config.semantic_engine.model_path == loaded.path.parent / "models/all-MiniLM-L6-v2.onnx"


def test_the_published_schema_accepts_it(loaded: Loaded) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(SAMPLE))
