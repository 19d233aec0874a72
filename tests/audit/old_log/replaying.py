"""What `aimux replay` is asked of the old log, and what of it may be decided otherwise, since that is documented."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from e2e_support.gateway import write_config

from aimux.audit.format.old_rules import rule_of
from old_log.mesh import changed_config, reading_config
from old_log.questions import Answers, Build, Entry

DOCUMENTED: dict[str, Callable[[Entry], bool]] = {
    # UPGRADING.md: "two requests in one text, one of fewer than three words"; the rule names the part's place now.
    "a part of the text decided": lambda entry: entry["rule"].startswith("a part of the text stands for another"),
    # UPGRADING.md: "a conversation whose last message means no route". What was said before is not recorded, so that
    # replay leaves it open.
    "an earlier message could decide": lambda entry: entry["dialect"] == "messages" and not _is_routed(entry),
    # UPGRADING.md: "a request without a text, no route named", and of models, lists of texts and of token ids.
    "no text was found": lambda entry: entry["verdict"] == "no_text",
}
"""Changes since the older build, and which recorded requests they concern."""
PARTLY: Final = ("the log by its own policy", "the log by a changed policy")
"""Questions whose answers are about these requests too."""


def _is_routed(entry: Entry) -> bool:
    return entry["route"] not in {None, "fallback"}


def is_decided_alike(entry: Entry) -> bool:
    """Whether no documented change concerns the request: both builds judge it alike, whatever they know of it."""
    return not any(concerns(entry) for concerns in DOCUMENTED.values())


def answers_of_replay(build: Build, log: Path, entries: Iterable[Entry], key: Path, folder: Path) -> Answers:
    """What replay says, by two configurations, of the log and of an export of what is decided alike."""
    same = write_config(folder / "same.yaml", reading_config(key))
    changed = write_config(folder / "changed.yaml", changed_config(key))
    alike = folder / "alike.jsonl"
    alike.write_text("".join(json.dumps(entry) + "\n" for entry in entries if is_decided_alike(entry)))
    asked: dict[str, tuple[object, ...]] = {
        PARTLY[0]: (log, "--config", same),
        PARTLY[1]: (log, "--config", changed),
        "what is decided alike by its own policy": (alike, "--config", same),
        "what is decided alike by a changed policy": (alike, "--config", changed),
        "what is decided alike by a changed policy, another one known": (alike, "--config", changed, "--before", same),
    }
    names = {str(log): "LOG", str(alike): "EXPORT", str(same): "SAME", str(changed): "CHANGED"}
    return {
        name: _replayed(build.run("replay", *words, "--show", 1000, "--json"), names) for name, words in asked.items()
    }


def _replayed(done: tuple[int, str, str], names: Mapping[str, str]) -> dict[str, Any]:
    code, output, errors = done
    for name, shown in names.items():
        errors = errors.replace(name, shown)
    found = json.loads(output)
    found["audit"] = names[found["audit"]]
    del found["configuration"]  # its digest counts paths of this machine, and settings that are new
    return {"code": code, "output": found, "errors": errors.splitlines()}


def changes(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By request: what would be decided otherwise, and in which way."""
    found = answer["output"]["changes"]
    return {
        example["request_id"]: {**example, "kind": group["kind"]} for group in found for example in group["examples"]
    }


def by_rule_id(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The older build's answer with the ids of the rules that would decide, in place of their sentences.

    UPGRADING.md: a rule's sentence may be reworded, and its id is what is compared. The older build cut the moments of
    examples, so that some are a microsecond before the recorded ones: they are left out.
    """
    output = answer["output"]
    return {**answer, "output": {**output, "changes": [_group_by_rule_id(group) for group in output["changes"]]}}


def _group_by_rule_id(group: Mapping[str, Any]) -> dict[str, Any]:
    examples = [
        {name: _named(value) if name == "new" else value for name, value in each.items() if name != "time"}
        for each in group["examples"]
    ]
    return {**group, "examples": examples}


def _named(decision: Mapping[str, Any]) -> dict[str, Any]:
    rule = rule_of(decision["rule"], decision["verdict"])
    assert rule is not None, f"no rule is known by {decision['rule']!r}"
    return {**{name: value for name, value in decision.items() if name != "rule"}, "rule_id": rule.id}
