"""What is asked of a running gateway over the old log."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from e2e_support.client import ask
from e2e_support.gateway import Config, Gateway, write_config
from e2e_support.waiting import until

from old_log.questions import READERS, Answers, Build, Entry, filters, span

_MOMENT = "a moment"


@contextmanager
def serving(build: Build, log: Path, config: Config) -> Iterator[Gateway]:
    """A gateway that goes on with the log in a folder, and is stopped at the end."""
    audit = {**config["audit"], "path": str(log)}
    place = write_config(log.with_name(f"{log.name}.yaml"), {**config, "audit": audit})
    gateway = Gateway(place, environment=build.environment)
    try:
        gateway.wait_listening()
        gateway.wait_ready()
        yield gateway
    finally:
        gateway.close()


def answers_over_http(gateway: Gateway, entries: Sequence[Entry]) -> Answers:
    """What the audit endpoints say, once the index has all of the log."""
    until(lambda: _status(gateway)["behind"] == 0 and _is_verified(_status(gateway)), "the index of the whole log")
    every = {"limit": "500"}
    answers = {_target("/audit", each): _page(gateway, each) for each in (every, *filters(entries))}
    answers["/audit, by pages of 7"] = _by_pages(gateway, 7)
    for form in READERS:
        for given in ({}, {"agent": "finance-bot"}):
            target = _target("/audit/export", {"format": form, **given})
            answers[target] = READERS[form](_body(gateway, target).decode())
    for given in ({}, {"agent": "finance-bot"}, {"route": "(none)"}):
        target = _target("/audit/stats", {**span(entries), "steps": "12", **given})
        answers[target] = json.loads(_body(gateway, target))
    return {**answers, "/audit/status": _settled(_status(gateway), entries)}


def _target(path: str, given: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(given)}"


def _body(gateway: Gateway, target: str) -> bytes:
    response = ask(gateway.port, target=target)
    assert response.status == 200, (target, response.body)
    assert response.header("X-AIMux-Audit-Behind") in {None, b"0"}
    return response.body


def _page(gateway: Gateway, given: Mapping[str, str]) -> Any:
    return json.loads(_body(gateway, _target("/audit", given)))


def _by_pages(gateway: Gateway, size: int) -> list[Any]:
    pages = [_page(gateway, {"limit": str(size)})]
    while pages[-1]["next"] is not None:
        pages.append(_page(gateway, {"limit": str(size), "before": pages[-1]["next"]}))
    return pages


def _status(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_body(gateway, "/audit/status"))
    return found


def _is_verified(status: Mapping[str, Any]) -> bool:
    return all(chain["verified"] == chain["last"] for chain in status["chains"])


def _settled(status: dict[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    """The status without what a gateway's start adds to the log: of that, whether it covers all requests."""
    for chain in status["chains"]:
        last = max(entry["position"]["decision"] for entry in entries if entry["position"]["chain"] == chain["chain"])
        for name in ("last", "verified"):
            chain[name] = chain[name] >= last
        chain["checkpoint"]["count"] = chain["checkpoint"]["count"] >= last
        chain["checkpoint"]["at"] = _MOMENT if datetime.fromisoformat(chain["checkpoint"]["at"]) else None
        chain["bytes"], chain["segments"] = chain["bytes"] > 0, chain["segments"] > 0
    return status
