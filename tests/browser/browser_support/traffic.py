"""The traffic that the tests know of, sent by real HTTP, and the configuration that it goes through."""

import json
import random
import time
from dataclasses import dataclass, replace
from urllib.parse import quote

from e2e_support.client import ask
from e2e_support.gateway import Config, Gateway
from e2e_support.upstream import Upstream
from e2e_support.waiting import until

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> & {{7*7}}"
HOSTILE_NAME = "<b onmouseover=alert(1)>root</b>"
AGENTS = ["admin-bot", "data-processor", "finance-bot"]


@dataclass(frozen=True, slots=True)
class Said:
    """A request, how often it is sent, and what becomes of it."""

    agent: str | None
    text: str
    times: int
    verdict: str
    route: str | None = None


TRAFFIC = (
    Said("finance-bot", "analyze the budget", 12, "forward"),
    Said("finance-bot", "what is 40 times 6", 5, "forward"),
    Said("finance-bot", "reset the database", 6, "route_forbidden"),
    Said("admin-bot", "delete users", 7, "forward"),
    Said("admin-bot", "forecast revenue", 3, "forward"),
    Said("data-processor", "list the available services", 8, "forward"),
    Said("data-processor", "quarterly earnings", 3, "route_forbidden"),
    Said(None, "multiply 25 by 4", 6, "forward"),
    Said(None, "wipe all tables", 2, "anonymous_forbidden"),
    Said(None, "a poem on ships in autumn", 4, "fallback"),
    Said("ghost-bot", "delete users", 4, "unknown_agent"),
    Said("finance-bot", "is it broken", 1, "upstream_unreachable", "broken"),
    Said("finance-bot", HOSTILE, 1, "fallback"),
)
TOTAL = sum(said.times for said in TRAFFIC)


def config(upstream: Upstream, dead_port: int) -> Config:
    """A mesh like that of the README, and a route that leads nowhere."""
    arithmetic = ["what is 40 times 6", "multiply 25 by 4", "add 3 and 4", "divide 100 by 8"]
    money = ["analyze the budget", "forecast revenue", "quarterly earnings", "profit and costs of the year"]
    power = ["reset the database", "delete users", "wipe all tables", "grant admin rights to a user"]
    directory = ["which agents are there", "list the available services", "which agent can answer this"]
    return {
        "agents": AGENTS,
        "routes": [
            {"name": "math", "upstream": upstream.url, "intents": arithmetic},
            {"name": "finance", "upstream": upstream.url, "intents": money, "allowed": ["finance-bot", "admin-bot"]},
            {"name": "admin", "upstream": upstream.url, "intents": power, "allowed": ["admin-bot"]},
            {"name": "public-api", "upstream": upstream.url, "intents": directory, "allowed": ["*"]},
            {"name": "broken", "upstream": f"http://127.0.0.1:{dead_port}"},
        ],
        "fallback": {"upstream": upstream.url},
        "audit": {"checkpoint_interval": 1},
    }


def say(port: int, said: Said) -> None:
    """Send it once."""
    headers = {"Content-Type": "application/json"}
    if said.agent is not None:
        headers["X-Source-Agent"] = said.agent
    if said.route is not None:
        headers["X-AIMux-Route"] = said.route
    ask(port, "POST", "/", headers, json.dumps({"query": said.text}).encode())


def contradict(port: int) -> None:
    """Claim to be two agents at once, the second by a name that is made to harm who reads it."""
    target = "/?client_id=finance-bot&q=" + quote("analyze the budget")
    ask(port, "GET", target, {"X-Source-Agent": HOSTILE_NAME})


def live_for(gateway: Gateway, seconds: float) -> None:
    """Traffic like that of a mesh at work, for pictures of it."""
    chance, end = random.Random(7), time.monotonic() + seconds
    plain = [said for said in TRAFFIC if said.text != HOSTILE]
    while time.monotonic() < end:
        said = chance.choices(plain, [said.times for said in plain])[0]
        ending = chance.choice(["", "", " please", " once more", " for the board", f" in Q{chance.randint(1, 4)}"])
        say(gateway.port, replace(said, text=said.text + ending))
        time.sleep(chance.expovariate(6))


def recorded(gateway: Gateway) -> int:
    """How many requests the audit log's index has."""
    answer = ask(gateway.port, "GET", "/audit/stats?since=1h&steps=1")
    return sum(link["requests"] for link in json.loads(answer.body)["links"]) if answer.status == 200 else -1


def play(gateway: Gateway) -> None:
    """Send all of the traffic, by turns as agents would, and wait until it is recorded."""
    for turn in range(max(said.times for said in TRAFFIC)):
        for said in TRAFFIC:
            if turn < said.times:
                say(gateway.port, said)
    until(lambda: recorded(gateway) == TOTAL, "the traffic in the index")
