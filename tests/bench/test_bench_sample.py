"""The sample configuration as the benchmark runs it."""

from pathlib import Path

import pytest

from aimux.config.load import load
from aimux.core.access import may_use
from aimux.core.identity import Assurance, Principal
from bench import BenchError
from bench.sample import Sample

_ROOT = Path(__file__).parents[2]
_UPSTREAM = "http://127.0.0.1:9"


def test_every_route_of_the_sample_leads_to_the_upstream_and_admits_the_agent(tmp_path: Path) -> None:
    sample = Sample.load(_ROOT / "aimux.yaml")
    file = tmp_path / "aimux.yaml"
    file.write_text(sample.configuration(8123, 9))
    loaded, original = load(file, {}), load(_ROOT / "aimux.yaml", {})
    caller = Principal(sample.agent, Assurance.CLAIMED)
    assert sample.agent in loaded.policy.agents
    assert all(may_use(caller, route) for route in loaded.policy.routes)
    assert {str(route.upstream) for route in loaded.config.routes} == {_UPSTREAM}
    assert loaded.config.fallback is not None
    assert str(loaded.config.fallback.upstream) == _UPSTREAM
    assert [route.intents for route in loaded.policy.routes] == [route.intents for route in original.policy.routes]
    assert loaded.config.semantic_engine.model_path == original.config.semantic_engine.model_path
    assert (loaded.config.server.port, loaded.config.logging.level) == (8123, "info")
    assert loaded.policy.ambiguity_threshold == 0


def test_an_agent_that_may_use_everything_is_required(tmp_path: Path) -> None:
    file = tmp_path / "aimux.yaml"
    routes = "routes: [{name: one, upstream: http://a, allowed: [a]}, {name: two, upstream: http://b, allowed: [b]}]"
    others = "server: {port: 1}\nlogging: {level: info}\nsemantic_engine: {model_path: ./a.onnx}"
    file.write_text(f"agents: [a, b]\n{routes}\nfallback: {{upstream: http://c}}\n{others}\n")
    with pytest.raises(BenchError, match="no agent"):
        Sample.load(file)


def test_a_sample_that_lacks_sections_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "aimux.yaml"
    file.write_text("agents: [a]\nroutes: [{name: one, upstream: http://a}]\n")
    with pytest.raises(BenchError, match="server, logging, semantic_engine, fallback"):
        Sample.load(file)
