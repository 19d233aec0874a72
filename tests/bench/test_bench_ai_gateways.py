"""How the AI gateways are configured, and that they start so where they are installed."""

import json
from pathlib import Path

import pytest

from bench.ai_gateways import LiteLlm, Portkey, headers, recipes
from bench.figures import ENVOY, LITELLM, PORTKEY


def _environment(command: list[str]) -> dict[str, str]:
    assert Path(command[0]).name == "env"
    assert command[1] == "-i"
    return dict(word.split("=", 1) for word in command[2:] if "=" in word and not word.startswith("-"))


def test_portkey_runs_without_its_console_and_learns_the_way_from_the_headers(tmp_path: Path) -> None:
    command = Portkey("Portkey", Path("/there/start-server.js")).command(4001, tmp_path)
    assert command[-4:] == ["node", "/there/start-server.js", "--port=4001", "--headless"]
    assert _environment(command)["NODE_ENV"] == "production"
    assert headers(4002) == {
        "Authorization": "Bearer x",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": "http://127.0.0.1:4002/v1",
    }


def test_litellm_is_a_plain_proxy_with_one_worker(tmp_path: Path) -> None:
    command = LiteLlm("LiteLLM", Path("/there/litellm"), 4002).command(4001, tmp_path)
    options = command[command.index("/there/litellm") + 1 :]
    file = Path(options[options.index("--config") + 1])
    assert options[options.index("--port") + 1] == "4001"
    assert options[options.index("--host") + 1] == "127.0.0.1"
    assert options[options.index("--num_workers") + 1] == "1"
    assert file.parent == tmp_path
    written = json.loads(file.read_text())
    assert written["model_list"] == [
        {
            "model_name": "gpt-4",
            "litellm_params": {"model": "openai/gpt-4", "api_base": "http://127.0.0.1:4002/v1", "api_key": "x"},
        }
    ]
    assert written["general_settings"] == {"disable_model_info_refresh": True}
    assert written.keys() == {"model_list", "general_settings"}


def test_litellm_sends_and_fetches_nothing(tmp_path: Path) -> None:
    environment = _environment(LiteLlm("LiteLLM", Path("/there/litellm"), 4002).command(4001, tmp_path))
    assert environment["LITELLM_TELEMETRY_DISABLED"] == "true"
    assert environment["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert environment["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] == "True"
    assert environment["LITELLM_LOG"] == "ERROR"


def test_nothing_of_our_environment_reaches_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere")
    for recipe in recipes({PORTKEY: Path("/a"), LITELLM: Path("/b")}, 4002):
        environment = _environment(recipe.command(4001, tmp_path))
        assert "DATABASE_URL" not in environment
        assert environment["HOME"] == str(tmp_path)


def test_there_are_recipes_for_what_is_installed() -> None:
    assert [recipe.name for recipe in recipes({}, 1)] == []
    assert [recipe.name for recipe in recipes({ENVOY: Path("/e"), LITELLM: Path("/l")}, 1)] == [LITELLM]
    assert [recipe.name for recipe in recipes({LITELLM: Path("/l"), PORTKEY: Path("/p")}, 1)] == [PORTKEY, LITELLM]
