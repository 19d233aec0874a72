from pathlib import Path

import pytest

from aimux.config.load import load, load_text
from aimux.core.policy import Route
from aimux.demo.fleet import AGENT_OF_ROUTE
from aimux.demo.playground import banner, berth_of
from aimux.demo.stage import MODEL_PATH, environment, mesh

ROOT = Path(__file__).parents[2]
PORTS = {agent: 9001 + number for number, agent in enumerate(AGENT_OF_ROUTE.values())}
TO_EXAMPLES = {"GATEWAY_ADMIN_TOKEN": "a-token-of-a-sensible-length", "BILLING_URL": "https://billing.example"}


def without_upstream(route: Route) -> tuple[object, ...]:
    return (route.name, route.access, route.allowed, route.intents, route.min_score)


def test_the_story_is_played_in_the_mesh_of_the_repository() -> None:
    repository = load(ROOT / "aimux.yaml", {}).policy
    story = load_text(mesh(PORTS), "mesh.yaml", {}, ROOT).policy
    assert list(map(without_upstream, repository.routes)) == list(map(without_upstream, story.routes))
    assert (repository.agents, repository.ambiguity_threshold) == (story.agents, story.ambiguity_threshold)
    assert repository.fallback is not None
    assert story.fallback is not None
    assert repository.fallback.access is story.fallback.access


def test_each_route_of_the_story_leads_to_its_agent() -> None:
    policy = load_text(mesh(PORTS), "mesh.yaml", {}, ROOT).policy
    assert policy.fallback is not None
    found = {route.name: route.upstream.port for route in (*policy.routes, policy.fallback)}
    assert found == {route: PORTS[agent] for route, agent in AGENT_OF_ROUTE.items()}


def test_each_route_of_the_repository_has_an_example_agent_at_its_own_port() -> None:
    policy = load(ROOT / "aimux.yaml", {}).policy
    assert policy.fallback is not None
    berths = [berth_of(route) for route in (*policy.routes, policy.fallback)]
    assert [berth.agent for berth in berths if berth] == list(AGENT_OF_ROUTE.values())
    assert len({berth.port for berth in berths if berth}) == len(AGENT_OF_ROUTE)


@pytest.mark.parametrize("name", ["minimal.yaml", "models-and-tools.yaml"])
def test_the_example_configurations_load(name: str) -> None:
    loaded = load(ROOT / "examples" / name, TO_EXAMPLES)
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("route", "upstream", "agent"),
    [
        ("math", "http://127.0.0.1:9101", "math"),
        ("health", "http://localhost:9105", "status"),
        ("math", "http://math:9101", None),
        ("math", "https://127.0.0.1:9101", None),
        ("billing", "http://127.0.0.1:9101", None),
    ],
)
def test_only_routes_of_this_machine_get_an_example_agent(route: str, upstream: str, agent: str | None) -> None:
    text = f'routes: [{{name: {route}, upstream: "{upstream}", intents: [x]}}]'
    berth = berth_of(load_text(text, "x.yaml", {}, ROOT).policy.routes[0])
    assert (berth and berth.agent) == agent


def test_the_story_takes_nothing_but_the_model_from_the_environment() -> None:
    kept = environment({"PATH": "p", "AIMUX_SERVER__PORT": "1", "AIMUX_DEBUG": "1", MODEL_PATH: "/m/model.onnx"})
    assert kept == {"PATH": "p", MODEL_PATH: "/m/model.onnx", "PYTHONUNBUFFERED": "1"}
    assert Path(environment({})[MODEL_PATH]) == Path.cwd() / "models/all-MiniLM-L6-v2.onnx"


def test_the_banner_shows_only_calls_that_work() -> None:
    repository = load(ROOT / "aimux.yaml", {"AIMUX_SERVER__PORT": "9000"})
    assert 'curl "http://localhost:9000?client_id=finance-bot&q=analyze+revenue"\n' in banner(repository)
    chat = '-d \'{"model": "gpt-4", "messages": [{"role": "user", "content": "analyze Q3 revenue"}]}\'\n'
    assert chat in banner(repository)
    other = banner(load(ROOT / "examples" / "minimal.yaml", {}))
    assert "http://localhost:8080" in other
    assert "curl" not in other


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("http://127.0.0.1:9101", "http://math.internal:9101"),
        ("name: math", "name: sums"),
        ("finance-bot", "money-bot"),
    ],
)
def test_a_mesh_of_one_s_own_gets_no_calls_of_the_demo(tmp_path: Path, before: str, after: str) -> None:
    text = (ROOT / "aimux.yaml").read_text()
    assert before in text
    file = tmp_path / "mesh.yaml"
    file.write_text(text.replace(before, after))
    shown = banner(load(file, {}))
    assert "/dashboard/" in shown
    assert "curl" not in shown
