"""`aimux reload`: has a running gateway read its configuration again, and prints what has changed."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aimux.cli import console
from aimux.cli.gateway_client import Reply, UnansweredError, no_gateway, post
from aimux.config.load import load_sections
from aimux.config.problem import ConfigError, printable
from aimux.edge.unix_socket import ADMIN_SOCKET

_LONGEST: Final = 120


def reload(config: Path, address: str | None, *, as_json: bool) -> int:
    """Send the command and say what came of it; the exit code: 0 taken over, 1 refused or no answer, 2 wrong setup."""
    try:
        # Its own socket knows the user; a token that happens to be set would be judged instead.
        found = address or _address_of(config)
        reply = post(found, "/admin/reload", {}, with_token=address is not None)
        if not _is_answer(reply):
            raise UnansweredError(no_gateway(found))
    except ConfigError as error:
        for problem in error.problems:
            console.problem(f"aimux: {problem}")
        return 2
    except UnansweredError as error:
        console.problem(printable(f"aimux: {error}"))
        return 1
    if as_json:
        print(json.dumps(reply.body))
    elif reply.status == 200:
        _tell(reply.body)
    else:
        _complain(reply.body)
    return 0 if reply.status == 200 else 1


def _is_answer(reply: Reply) -> bool:
    """Whether a gateway's commands answered: agents' traffic is answered by anything, with any status and any JSON."""
    body = reply.body
    if reply.status != 200:
        error = body.get("error")
        return isinstance(error, dict) and {"code", "message", "request_id"} <= error.keys()
    changes = body.get("changes")
    return (
        body.get("command") == "reload"
        and isinstance(changes, list)
        and all(isinstance(change, dict) and {"path", "before", "after"} <= change.keys() for change in changes)
    )


def _address_of(config: Path) -> str:
    """The Unix socket of the gateway with this configuration. Raises ConfigError."""
    found = load_sections(config, os.environ, ("state",))
    return f"unix:{found.state.path / ADMIN_SOCKET}"


def _tell(answer: Mapping[str, Any]) -> None:
    before, after = str(answer.get("before"))[:12], str(answer.get("after"))[:12]
    changes = answer["changes"]
    console.success(f"reloaded: configuration {before} -> {after}, {_count(len(changes))}")
    for change in changes:
        console.line(printable(f"  {change['path']}: {_short(change['before'])} -> {_short(change['after'])}"))


def _complain(answer: Mapping[str, Any]) -> None:
    for problem in answer.get("problems") or ():
        console.problem(printable(f"aimux: {problem}"))
    console.problem(printable(f"aimux: refused: {answer['error']['message']}"))


def _count(changes: int) -> str:
    return f"{changes or 'no'} {'setting differs' if changes == 1 else 'settings differ'}"


def _short(value: object) -> str:
    text = "(absent)" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
