"""A real gateway with the real model, and the commands beside it, tell the same where a part of a text decides."""

import json
import subprocess
from typing import Any
from urllib.parse import urlencode

import pytest
from e2e_support.client import ask
from e2e_support.gateway import AIMUX, Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.waiting import DEADLINE, until

CUSTOMER = "it runs again on their side. Open a case for the customer"
ROLLED = "the roll-out went well and his pages load again because open a case for the customer"
CASES = [
    ("close a support ticket", "desk-bot"),
    ("Close case 88, the customer confirmed that it works now", "desk-bot"),
    ("Close ticket 88, everything works in production now", "ops-bot"),
    ("close the support case for Mueller, the lunch on Friday was fine", "desk-bot"),
    (CUSTOMER, "desk-bot"),
    (CUSTOMER, None),
    (ROLLED, "ops-bot"),
    (ROLLED, "desk-bot"),
    ("The weather is nice and the lunch was good. Restart the service. I am at the dentist.", "ops-bot"),
    ("The weather is nice and the lunch was good. Restart the service. I am at the dentist.", "desk-bot"),
    ("The weather is nice and the lunch was good. I am at the dentist until four.", "desk-bot"),
    ("please cloze teh support tikcet, and thanks for the lunch", "desk-bot"),
    ("deploy the service to production and close a support ticket", "ops-bot"),
    ("deploy the service to production", "stranger"),
]
FORWARDED = {"forward", "fallback"}


@pytest.fixture(scope="module")
def gateway(start_once: Start, new_upstream_once: NewUpstream) -> Gateway:
    upstream = new_upstream_once()
    tickets = ["close a support ticket", "open a support case", "answer a customer", "show my support tickets"]
    deployments = ["deploy the service to production", "roll back the release", "restart the service"]
    config = {
        "agents": ["desk-bot", "ops-bot"],
        "audit": {"text": "full"},
        "logging": {"level": "debug"},
        "routes": [
            {"name": "tickets", "upstream": upstream.url, "intents": tickets, "allowed": ["*"]},
            {
                "name": "deployments",
                "upstream": upstream.url,
                "intents": [*deployments, "is the deployment working now"],
                "allowed": ["ops-bot"],
            },
        ],
        "fallback": {"upstream": upstream.url, "allowed": ["*"]},
    }
    return start_once(config)


def told(fields: dict[str, Any]) -> tuple[object, ...]:
    """What all have to agree on."""
    numbers = (None if fields[name] is None else round(fields[name], 4) for name in ("score", "margin", "best_score"))
    part = fields["part"] and {**fields["part"], "score": round(fields["part"]["score"], 4)}
    return *numbers, fields["route"], fields["runner_up"], fields["best"], fields["verdict"], part


def served(gateway: Gateway, text: str, agent: str | None) -> tuple[int, bytes | None, str]:
    """The status, the response's route and the id of a request."""
    headers = {} if agent is None else {"X-Source-Agent": agent}
    response = ask(gateway.port, "GET", f"/?{urlencode({'q': text})}", headers)
    return response.status, response.header("X-AIMux-Route"), (response.header("X-Request-ID") or b"").decode()


def record_of(gateway: Gateway, request_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        page = ask(gateway.port, target=f"/audit?request_id={request_id}")
        found = json.loads(page.body)["requests"] if page.status == 200 else []
        return found[0] if found and found[0]["ended"] else None

    entry = until(look, f"request {request_id} in the index")
    assert entry is not None
    return entry


def tried(gateway: Gateway, text: str, agent: str | None) -> dict[str, Any]:
    query = {"text": text, **({} if agent is None else {"agent": agent})}
    response = ask(gateway.port, target=f"/dashboard/api/try?{urlencode(query)}")
    assert response.status == 200
    found: dict[str, Any] = json.loads(response.body)
    return found


def routed(gateway: Gateway, *arguments: str, given: str = "") -> list[dict[str, Any]]:
    """What `aimux route` prints."""
    command = [AIMUX, "route", *arguments, "--config", str(gateway.config)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=DEADLINE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_gateway_its_record_the_page_and_the_commands_agree(gateway: Gateway) -> None:
    batch = "".join(json.dumps({"text": text, "agent": agent}) + "\n" for text, agent in CASES)
    rows = routed(gateway, "--batch", "-", given=batch)
    assert len(rows) == len(CASES)
    verdicts, parts = set(), []
    for (text, agent), row in zip(CASES, rows, strict=True):
        status, route, request_id = served(gateway, text, agent)
        entry = record_of(gateway, request_id)
        assert told(entry) == told(row) == told(tried(gateway, text, agent)), text
        assert entry["rule"] == row["rule"]
        assert (status, entry["status"]) == (row["status"], row["status"])
        assert route == (row["route"].encode() if row["verdict"] in FORWARDED else None)
        verdicts.add(row["verdict"])
        if row["part"]:
            parts.append(row)
            assert text[row["part"]["start"] : row["part"]["end"]] == row["part"]["text"]
    assert verdicts >= {"forward", "fallback", "ambiguous_route", "route_forbidden", "unknown_agent"}
    assert any(row["best"] != row["route"] and row["verdict"] == "forward" for row in parts)
    assert any(row["best"] != row["route"] and row["verdict"] == "route_forbidden" for row in parts)
    assert all(row["runner_up"] != row["route"] for row in parts)
    # One text at a time is judged as in a batch.
    for (text, agent), row in list(zip(CASES, rows, strict=True))[4:6]:
        who = [] if agent is None else ["--as", agent]
        (alone,) = routed(gateway, text, *who, "--json")
        del alone["scores"]
        assert alone == row


def test_labelled_texts_count_by_the_route_that_they_go_to(gateway: Gateway) -> None:
    """Labelled with the route of the part the text is right, with that of the whole it is wrong."""
    for label, is_right in (("tickets", True), ("deployments", False)):
        given = json.dumps({"text": CUSTOMER, "route": label})
        command = [AIMUX, "eval", "-", "--json", "--config", str(gateway.config)]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=DEADLINE, check=True)
        found = json.loads(done.stdout)
        assert found["in_scope"]["right"]["value"] == float(is_right)
        assert found["in_scope"]["accuracy"]["value"] == float(is_right)
        assert len(found["missed"]) == 1 - is_right
        for row in found["missed"]:
            assert (row["route"], row["best"], row["runner_up"]) == ("tickets", "deployments", "deployments")
            assert CUSTOMER[row["part"]["start"] : row["part"]["end"]] == "Open a case for the customer"


def test_the_log_says_where_the_part_stands_and_not_what_it_says(gateway: Gateway) -> None:
    line = gateway.request_line(served(gateway, CUSTOMER, "desk-bot")[2])
    start = CUSTOMER.index("Open")
    assert line["part"] == {"route": "tickets", "start": start, "end": len(CUSTOMER), "score": line["part"]["score"]}
    assert "customer" not in json.dumps(line)
    assert "part" not in gateway.request_line(served(gateway, "close a support ticket", "desk-bot")[2])


def test_an_earlier_turn_that_went_by_a_part_is_told_with_its_place_there(gateway: Gateway) -> None:
    turns = [CUSTOMER, "hello there"]
    body = json.dumps({"messages": [{"role": "user", "content": text} for text in turns]}).encode()
    headers = {"X-Source-Agent": "desk-bot", "Content-Type": "application/json"}
    response = ask(gateway.port, "POST", "/v1/chat/completions", headers, body)
    assert response.header("X-AIMux-Route") == b"tickets"
    entry = record_of(gateway, (response.header("X-Request-ID") or b"").decode())
    assert (entry["chosen_by"], entry["turn"], entry["route"], entry["best"]) == (
        "earlier_turn",
        1,
        "tickets",
        "deployments",
    )
    part = entry["part"]
    assert (part["start"], part["end"], part["text"]) == (CUSTOMER.index("Open"), len(CUSTOMER), None)
