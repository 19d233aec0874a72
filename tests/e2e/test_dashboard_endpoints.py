"""The web page's own endpoints, on a real gateway: they decide as it does, and leave no trace."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway
from e2e_support.mesh import Mesh, Start
from e2e_support.upstream import Upstream

from aimux.core.reason import Reason

STATUS = {reason.code: reason.status for reason in Reason}


def get(port: int, path: str, **query: str) -> Any:
    response = ask(port, "GET", f"{path}?{urlencode(query)}" if query else path)
    assert (response.status, response.header("Content-Type")) == (200, b"application/json")
    return json.loads(response.body)


def requests_logged(mesh: Mesh) -> int:
    """The lines of requests; what a start finds out about the routes is logged at any time."""
    return sum(line["event"] == "request" for line in mesh.gateway.lines)


@pytest.mark.parametrize(
    ("text", "agent", "verdict", "route"),
    [
        ("reset the database", "admin-bot", "forward", "admin"),
        ("reset the database", "finance-bot", "route_forbidden", "admin"),
        ("reset the database", "", "anonymous_forbidden", "admin"),
        ("will it rain in the evening", "", "forward", "weather"),
        ("reset the database", "ghost-bot", "unknown_agent", None),
        ("", "admin-bot", "no_text", None),
    ],
)
def test_a_trial_is_what_the_gateway_would_decide(
    mesh: Mesh, text: str, agent: str, verdict: str, route: str | None
) -> None:
    before = requests_logged(mesh)
    trial = get(mesh.port, "/dashboard/api/try", text=text, agent=agent)
    assert (trial["verdict"], trial["route"]) == (verdict, route)
    assert trial["status"] == STATUS.get(verdict, 200)
    assert trial["rule"]
    assert trial["message"]
    scores = [each["score"] for each in trial["scores"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == (3 if route else 0)
    assert trial["score"] == (scores[0] if route else None)
    assert mesh.plain.requests == []
    # What it had logged would stand before the line of a request that is made now.
    mesh.settle()
    assert requests_logged(mesh) == before + 1


def test_a_trial_takes_no_other_parameters(mesh: Mesh) -> None:
    for query in ("text=a&text=b", "txt=a", "text=%ff"):
        response = ask(mesh.port, "GET", f"/dashboard/api/try?{query}")
        assert (response.status, json.loads(response.body)["error"]["code"]) == (400, "bad_request")


def test_overlaps_compare_each_two_routes_with_intents(mesh: Mesh) -> None:
    found = get(mesh.port, "/dashboard/api/overlaps")
    assert found["routes"] == ["finance", "admin", "weather"]
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [
        ("finance", "admin"),
        ("finance", "weather"),
        ("admin", "weather"),
    ]
    assert all(0 <= pair["similarity"] < 0.6 and pair["lead"] > 0.1 for pair in found["pairs"])
    assert found["omitted"] == 0


def close_routes(upstream: Upstream) -> dict[str, Any]:
    return {
        "routes": [
            {"name": "rain", "upstream": upstream.url, "intents": ["will it rain tomorrow"]},
            {"name": "snow", "upstream": upstream.url, "intents": ["Will it rain tomorrow"]},
        ]
    }


def test_an_overlap_is_seen_before_it_becomes_a_409_and_follows_a_reload(start: Start, upstream: Upstream) -> None:
    gateway: Gateway = start(close_routes(upstream), environment={"WINTER": "how deep is the snow"})
    found = get(gateway.port, "/dashboard/api/overlaps")
    (pair,) = found["pairs"]
    assert pair["lead"] < found["ambiguity_threshold"]
    assert (pair["first_intent"], pair["second_intent"]) == ("will it rain tomorrow", "Will it rain tomorrow")
    assert get(gateway.port, "/dashboard/api/try", text=pair["first_intent"])["verdict"] == "ambiguous_route"
    settings = close_routes(upstream)
    settings["routes"][1]["intents"] = ["${WINTER}"]
    assert gateway.reload(settings)["event"] == "reloaded"
    (pair,) = get(gateway.port, "/dashboard/api/overlaps")["pairs"]
    assert pair["second_intent"] == "${WINTER}"
    assert pair["lead"] > found["ambiguity_threshold"]
