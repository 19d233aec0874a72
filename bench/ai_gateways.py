"""The AI gateways that are measured beside AIMux: how Portkey and LiteLLM are configured and started.

Each is one process and no more than an OpenAI-compatible proxy to the upstream, in the fastest set-up that we know of:
without keys, database, cache and callbacks, and with as little log as it offers. Neither may reach beyond this machine.

`warm_up` is the seconds of load that it gets before it is measured. LiteLLM imports much with its first requests, and
Node.js compiles what runs often: on one core, Portkey takes some 20 s until it is twice as fast as at first.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import LITELLM, PORTKEY
from bench.tools import path_of

MODEL: Final = "gpt-4"
CHAT_PATH: Final = "/v1/chat/completions"
_KEY: Final = "x"


def headers(upstream: int) -> dict[str, str]:
    """What a request has to carry for Portkey to know its provider, and an OpenAI client's key."""
    return {
        "Authorization": f"Bearer {_KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": _base(upstream),
    }


@dataclass(frozen=True, slots=True)
class Portkey:
    """Portkey's gateway on Node.js. Requests say by their headers where they go. It listens on every interface."""

    name: str
    program: Path
    ready_path: str = "/"
    warm_up: int = 20

    def command(self, port: int, place: Path) -> list[str]:
        """It needs no configuration. It has no telemetry: it calls providers only, and those that requests name."""
        # Both keep the console out, a page that shows every request.
        return [*_alone(place, NODE_ENV="production"), "node", str(self.program), f"--port={port}", "--headless"]


@dataclass(frozen=True, slots=True)
class LiteLlm:
    """The LiteLLM proxy with one worker."""

    name: str
    program: Path
    upstream: int
    ready_path: str = "/health/liveliness"
    warm_up: int = 5

    def command(self, port: int, place: Path) -> list[str]:
        """Write its configuration. Telemetry is vetoed, and what it would fetch is taken from its package."""
        file = place / "litellm.json"
        file.write_text(json.dumps(_litellm(self.upstream), indent=2))
        clean = _alone(
            place,
            LITELLM_TELEMETRY_DISABLED="true",
            LITELLM_LOCAL_MODEL_COST_MAP="True",
            LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS="True",
            LITELLM_LOG="ERROR",
            # Not even a .env file counts.
            LITELLM_MODE="PRODUCTION",
            # It does not start without a key otherwise, and to look at keys costs it time.
            LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true",
        )
        options = ["--config", str(file), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        return [*clean, str(self.program), *options]


def recipes(programs: Mapping[str, Path], upstream: int) -> Iterator[Portkey | LiteLlm]:
    """Those of the AI gateways whose programs are there."""
    if portkey := programs.get(PORTKEY):
        yield Portkey(PORTKEY, portkey)
    if litellm := programs.get(LITELLM):
        yield LiteLlm(LITELLM, litellm, upstream)


def _alone(place: Path, **variables: str) -> list[str]:
    """A command's beginning: with these variables and none of ours, at home where its files are."""
    found = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(place), **variables}
    return [path_of("env"), "-i", *(f"{name}={value}" for name, value in found.items())]


def _litellm(upstream: int) -> object:
    parameters = {"model": f"openai/{MODEL}", "api_base": _base(upstream), "api_key": _KEY}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": parameters}],
        # The only job that it has in the background without a database; it asks providers for their models.
        "general_settings": {"disable_model_info_refresh": True},
    }


def _base(upstream: int) -> str:
    return f"http://127.0.0.1:{upstream}/v1"
