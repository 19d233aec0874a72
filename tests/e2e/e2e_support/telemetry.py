"""A mesh whose requests are exported, and a caller's trace."""

from e2e_support.gateway import Gateway
from e2e_support.upstream import Upstream

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PLAIN = {"X-AIMux-Route": "plain"}


def config(upstream: Upstream, dead_port: int, **more: object) -> dict[str, object]:
    """A mesh with a route by name, one by meaning that not everybody may use, and one that is broken."""
    rain = {"name": "rain", "upstream": upstream.url, "intents": ["will it rain tomorrow"], "allowed": ["bot"]}
    return {
        "agents": ["bot", "other"],
        "routes": [
            {"name": "plain", "upstream": upstream.url},
            {"name": "dead", "upstream": f"http://127.0.0.1:{dead_port}"},
            rain,
        ],
        **more,
    }


def stop(gateway: Gateway) -> None:
    """Have the gateway end, all that it has to say being said."""
    gateway.signal()
    assert gateway.exited() == 0
    assert gateway.stderr == ""
