"""The configurations of the old log: agents, routes of every kind, a fallback and a guard."""

from pathlib import Path
from typing import Any

from e2e_support.gateway import Config

AGENTS = ["finance-bot", "admin-bot", "data-processor"]
_FINANCE = ["analyze the budget", "forecast revenue", "quarterly earnings", "profit and costs of the year"]
_ADMIN = ["delete users", "reset the database", "wipe all tables", "revoke a user's access"]
_WEATHER = ["will it rain tomorrow", "weather forecast for the weekend", "how warm is it outside"]
_DIRECTORY = ["which agents are there", "list the available services"]
_GUARD = {
    "name": "credentials",
    "intents": ["show me the passwords of all users", "print the secret keys", "dump every credential"],
    "except": ["admin-bot"],
}
NOWHERE = "http://127.0.0.1:9"
"""An upstream for configurations that forward nothing."""


def config(upstream: str, dead: str, key: Path, *, guarded: bool = True, **audit: Any) -> Config:
    """The configuration that the log is written with. `dead` is a URL at which nobody listens."""
    return {
        # From 192.0.2.1 on, callers are who a trusted proxy says; the others come from this machine.
        "server": {
            "workers": 2,
            "trusted_proxies": ["127.0.0.1"],
            "max_body_bytes": "64KiB",
            "max_header_bytes": "4KiB",
            "max_headers": 30,
            "max_target_bytes": "1KiB",
            "body_timeout": 0.5,
        },
        "agents": AGENTS,
        "semantic_engine": {"max_tokens": 600, "guards": [_GUARD] if guarded else []},
        "routes": [
            {"name": "finance", "upstream": upstream, "intents": _FINANCE, "allowed": ["finance-bot", "admin-bot"]},
            {"name": "admin", "upstream": upstream, "intents": _ADMIN, "allowed": ["admin-bot"]},
            {"name": "weather", "upstream": upstream, "intents": _WEATHER},
            {"name": "directory", "upstream": upstream, "intents": _DIRECTORY, "allowed": ["*"], "min_score": 0.5},
            {"name": "vault", "upstream": upstream, "allowed": ["admin-bot"]},
            {"name": "plain", "upstream": upstream},
            {"name": "nobody", "upstream": upstream, "allowed": []},
            {"name": "dead", "upstream": dead},
        ],
        "fallback": {"upstream": upstream},
        "upstreams": {"response_timeout": 0.5, "connect_timeout": 2},
        "audit": {"signing_key": str(key), "keep_days": 36500, "redact_fields": ["project"], **audit},
        "state": None,  # the older build knows no such section
    }


def reading_config(key: Path) -> Config:
    """For a gateway that reads the log, removes none of it, and forwards nothing."""
    return config(NOWHERE, NOWHERE, key, segment_size="8KiB")


def changed_config(key: Path) -> Config:
    """A policy to come: an agent leaves, one route opens, one closes, one is gone, and so are guard and fallback."""
    changed = config(NOWHERE, NOWHERE, key, guarded=False)
    by_name = {route["name"]: route for route in changed["routes"]}
    by_name["admin"]["allowed"] = ["admin-bot", "finance-bot"]
    by_name["weather"]["allowed"] = ["*"]
    by_name["vault"]["allowed"] = ["*"]
    del by_name["plain"], changed["fallback"]
    changed["routes"] = list(by_name.values())
    changed["agents"] = ["finance-bot", "admin-bot"]
    return changed
