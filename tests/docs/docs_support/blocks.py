"""The fenced blocks of a document: files to write, changes of them, and commands with what they print.

The first word of a block is its language. `> FILE` behind it says that the block is the file, `>> FILE` that it is its
end, and a `diff` names the file that it changes. A `console` is what is typed, behind `$`, and what comes of it; in the
`first terminal` a command stays in the foreground until `^C`. A language alone is there to be read.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(>>?) (\S+)")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: where it begins, its language, what stands behind that, and its text."""

    line: int
    language: str
    about: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether it is to be done, and not only read."""
        return self.language == "console" or bool(self.about)


@dataclass(frozen=True, slots=True)
class Typed:
    """One command of a console, the line that it stands on, and the lines that it is said to print."""

    line: int
    command: str
    printed: tuple[str, ...]


def blocks_of(document: str) -> list[Block]:
    """Every block of a document, in order."""
    return [
        Block(document.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])
        for found in _FENCE.finditer(document)
    ]


def typed(block: Block) -> list[Typed]:
    """The commands of a console. One that ends in a backslash goes on in the next line."""
    found: list[Typed] = []
    lines = iter(enumerate(block.text.splitlines(), block.line + 1))
    for number, line in lines:
        if line.startswith("$ ") or line == "^C":
            command = line.removeprefix("$ ")
            while command.endswith("\\"):
                command += "\n" + next(lines)[1]
            found.append(Typed(number, command, ()))
        else:
            last = found[-1]
            found[-1] = Typed(last.line, last.command, (*last.printed, line))
    return found


def write(block: Block, folder: Path) -> None:
    """Do what a block says with its file. AssertionError for a change that does not fit."""
    target = _TARGET.fullmatch(block.about)
    if target is not None:
        with (folder / target[2]).open("a" if target[1] == ">>" else "w") as file:
            file.write(block.text)
        return
    assert block.language == "diff", f"line {block.line}: nobody knows what to do with {block.about!r}"
    path = folder / block.about
    lines = block.text.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text()
    assert text.count(before) == 1, f"line {block.line}: what is to be changed stands {text.count(before)} times"
    path.write_text(text.replace(before, after))
