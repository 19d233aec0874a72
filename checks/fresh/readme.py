"""The commands of the README's quick start, taken from its code blocks, and what it says that they answer."""

import json
import re
from dataclasses import dataclass
from typing import Final

_SECTION: Final = re.compile(r"^## Quick start\n(.*?)^## ", re.MULTILINE | re.DOTALL)
_BLOCK: Final = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_STATUS: Final = re.compile(r": ([1-5][0-9]{2})\b")
_ANSWER: Final = re.compile(r"\bsays (\w+)")


@dataclass(frozen=True, slots=True)
class Call:
    """A curl command, and the comment above it."""

    command: str
    comment: str

    def problem(self, answer: str) -> str | None:
        """What is wrong with an answer; None where it is as the comment says, and no error where it says nothing."""
        try:
            document = json.loads(answer)
        except ValueError:
            return f"no JSON: {answer[:200]!r}"
        error = document.get("error") if isinstance(document, dict) else None
        status = error.get("status") if isinstance(error, dict) else None
        expected = _STATUS.search(self.comment)
        if status != (int(expected[1]) if expected else None):
            return f"status {status} instead of {expected[1] if expected else 'an answer'}: {answer[:300]}"
        said = _ANSWER.search(self.comment)
        if said and said[1] not in answer:
            return f"no {said[1]} in {answer[:300]}"
        return None


@dataclass(frozen=True, slots=True)
class QuickStart:
    """The commands in their order: what installs packages, what serves, what calls it, and what else is typed."""

    install: str
    serve: str
    calls: tuple[Call, ...]
    others: tuple[str, ...]


def quick_start(readme: str) -> QuickStart:
    """Read the quick start. Raises ValueError where a part of it is missing or comes twice."""
    section = _SECTION.search(readme)
    commands = [call for block in _BLOCK.findall(section[1] if section else "") for call in _commands(block)]
    install = [each.command for each in commands if "apt-get" in each.command]
    serve = [each.command for each in commands if each.command == "make run"]
    calls = tuple(each for each in commands if each.command.startswith("curl "))
    if len(install) != 1 or len(serve) != 1 or not calls:
        raise ValueError("the quick start needs one line that installs packages, one `make run`, and calls by curl")
    known = {*install, *serve, *(each.command for each in calls)}
    return QuickStart(install[0], serve[0], calls, tuple(c.command for c in commands if c.command not in known))


def _commands(block: str) -> list[Call]:
    found: list[Call] = []
    comment = ""
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("#"):
            comment = line
        elif line.strip():
            found.append(Call(" ".join(line.split()) if "'" not in line else line.strip(), comment))
        else:
            comment = ""
    return found
