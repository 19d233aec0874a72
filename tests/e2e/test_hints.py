"""What a refusal suggests works as it stands: it names the address that the gateway listens on."""

import json
import re
from urllib.request import urlopen

import pytest
from e2e_support.client import ask
from e2e_support.mesh import NewUpstream, Start
from e2e_support.waiting import DEADLINE


def hint(port: int) -> str:
    """What the gateway suggests to a caller that has said nothing."""
    message: str = json.loads(ask(port).body)["error"]["message"]
    return message.replace("4 29", "429")  # as no message holds it, no port in one does


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_that_is_suggested_reaches_the_gateway(
    start: Start, new_upstream: NewUpstream, workers: int
) -> None:
    upstream = new_upstream()
    route = {"name": "sums", "upstream": upstream.url, "intents": ["your text"]}
    config = {"server": {"workers": workers}, "routes": [route]}
    gateway = start(config)
    for _ in range(2):
        found = re.search(r"curl '([^']+)'", hint(gateway.port))
        assert found is not None
        assert found[1].startswith(f"http://127.0.0.1:{gateway.port}?q=")
        with urlopen(found[1], timeout=DEADLINE) as answer:
            assert answer.read() == b"ok"
        assert gateway.reload({**config, "agents": ["finance-bot"]})["event"] == "reloaded"


def test_every_network_is_this_machine_too(start: Start) -> None:
    gateway = start({"server": {"host": "0.0.0.0"}, "routes": [{"name": "a", "upstream": "http://127.0.0.1:9"}]})
    assert f"'http://127.0.0.1:{gateway.port}?q=" in hint(gateway.port)
