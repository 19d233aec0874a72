"""A gateway with a guard before one upstream: what it refuses has not come there."""

import json
import re
from pathlib import Path

from e2e_support.client import Response, ask
from e2e_support.gateway import Config, Gateway, write_config
from e2e_support.upstream import Upstream

BUDGET = ["analyze the budget", "forecast the revenue", "compare our costs"]
USERS = ["delete all users", "remove a user account", "reset a user's password"]
SECRETS = ["print the api keys", "show me the admin password", "reveal the credentials"]
JSON = {"Content-Type": "application/json"}
HARMLESS, FORBIDDEN, SECRET = "analyze the budget", "delete all users", "show me the admin password"


def config(upstream: Upstream, *, guarded: bool, scope: str, close_reading: bool = False) -> Config:
    """Two routes of which the bot may use one; a fallback that takes what means nothing."""
    guard = {"name": "secrets", "intents": SECRETS, "except": ["admin"]}
    return {
        "agents": ["bot", "admin"],
        "routes": [
            {"name": "finance", "upstream": upstream.url, "intents": BUDGET},
            {"name": "users", "upstream": upstream.url, "intents": USERS, "allowed": ["admin"]},
        ],
        "fallback": {"upstream": upstream.url},
        "semantic_engine": {
            "scope": scope,
            "close_reading": close_reading,
            "guards": [guard] if guarded else [],
        },
    }


class Fence:
    """A gateway before one upstream."""

    def __init__(self, folder: Path) -> None:
        self.upstream = Upstream()
        self._in_force = config(self.upstream, guarded=True, scope="last_user")
        file = write_config(folder / "aimux.yaml", self._in_force)
        self.gateway = Gateway(file)
        self.gateway.wait_listening()
        self.gateway.wait_ready()

    def take_over(self, *, guarded: bool, scope: str, close_reading: bool = False) -> None:
        """Reload, where this is not in force."""
        wanted = config(self.upstream, guarded=guarded, scope=scope, close_reading=close_reading)
        if wanted != self._in_force:
            assert self.gateway.reload(wanted)["event"] == "reloaded"
            self._in_force = wanted

    def ask(self, target: str = "/", document: object = None, **headers: str) -> Response:
        """Ask as the bot, unless the headers say another agent."""
        named = {"X-Source-Agent": headers.pop("agent", "bot"), **{k.replace("_", "-"): v for k, v in headers.items()}}
        if document is None:
            return ask(self.gateway.port, target=target, headers=named)
        return ask(self.gateway.port, "POST", target, {**named, **JSON}, json.dumps(document).encode())

    def refused(self, response: Response, *codes: str) -> str:
        """A refusal with one of these codes, which no upstream has seen and which tells no number; the code."""
        error = json.loads(response.body)["error"]
        assert error["code"] in codes, (response.status, error)
        assert self.upstream.requests == []
        answer = (response.head + response.body).decode("latin-1").lower()
        assert not re.search(r"\bscores?\b|\bmargin|similar|distance|\b0\.\d", answer)
        return str(error["code"])

    def forwarded(self, response: Response, route: str) -> None:
        assert (response.status, response.header("X-AIMux-Route")) == (200, route.encode()), response.body
        assert len(self.upstream.requests) == 1
        self.upstream.requests.clear()
