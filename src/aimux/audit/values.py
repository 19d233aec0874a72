r"""Where a secret's value ends that stands behind its name: quoted, nested, plain, or as a header's line.

A text may be quoted within a text, and that within another: `\"` and `\\\"` are quotes too, and close only what was
opened with as many backslashes. What is not closed reaches to the end. No character is read more than a few times.
"""

import re
from typing import Final, NamedTuple

_QUOTE: Final = "[\"'`]"
OPENING: Final = re.compile(rf"\\*+{_QUOTE}")
_QUOTES: Final = re.compile(rf"(?<!\\)(\\*+)({_QUOTE})")
_NESTED: Final = re.compile(rf"[\[{{(]|[\]}})]|(?<!\\)\\*+{_QUOTE}")
_SCHEME: Final = re.compile(r"(?:bearer|basic|digest|negotiate|ntlm|token|apikey)[ \t]++(?=[^\s=:])", re.IGNORECASE)
# An unquoted value goes on over quotes, brackets and commas, unless what follows says that they close or part.
_PLAIN: Final = re.compile(
    rf"""(?:
        [^\s&;,"'`\\\]}})>]++
        | (?:\\*+{_QUOTE})++(?![\s,;:&\]}})>]|\Z)
        | \\++(?!{_QUOTE})[ \t]?+
        | [\]}})>]++(?![\s,;&"'`\\]|\Z)
        | ,(?![\s"'`\\]|\Z)
        | [&;]++(?!\s|\Z|[\w.%\[\]-]*+=)
    )*+""",
    re.VERBOSE,
)
_AGAIN: Final = re.compile(r"(?<=[:=])[ \t]++|[ \t]*+=[ \t]*+")
_LINE_ENDS: Final = re.compile(r"[\r\n]")


class Value(NamedTuple):
    """Where a value ends, and the quote that opened and closed it, if nothing else belongs to it."""

    end: int
    quote: str


def value_at(text: str, start: int) -> Value:
    """The value that begins at `start`. In `name: type = value` and `name: name: value` both are."""
    found = _one_at(text, start)
    while found.end > start and (again := _AGAIN.match(text, found.end)):
        end = _one_at(text, again.end()).end
        if end == again.end():
            break
        found = Value(end, "")
    return found


def _one_at(text: str, start: int) -> Value:
    if opening := OPENING.match(text, start):
        closed = closing(text, opening.end(), opening[0])
        end = _plain_end(text, closed)
        return Value(end, opening[0] if end == closed else "")
    if text[start : start + 1] in {"[", "{", "("}:
        return Value(_plain_end(text, _nested_end(text, start)), "")
    scheme = _SCHEME.match(text, start)
    return Value(_plain_end(text, start if scheme is None else scheme.end()), "")


def _plain_end(text: str, start: int) -> int:
    found = _PLAIN.match(text, start)
    return start if found is None else found.end()


def closing(text: str, start: int, quote: str) -> int:
    """Behind the quote that closes the one that was opened before `start`. A doubled one closes nothing."""
    depth = len(quote) - 1
    while found := _QUOTES.search(text, start):
        start, more = found.end(), len(found[1]) - depth
        # Each level of quoting doubles the backslashes and adds one to the quotes.
        if found[2] == quote[-1] and more >= 0 and more % (2 * depth + 2) == 0:
            if not text.startswith(quote, start):
                return start
            start += len(quote)
    return len(text)


def _nested_end(text: str, start: int) -> int:
    depth = 0
    while found := _NESTED.search(text, start):
        start = found.end()
        if found[0] in {"[", "{", "("}:
            depth += 1
        elif found[0] in {"]", "}", ")"}:
            depth -= 1
            if depth == 0:
                return start
        else:
            start = closing(text, start, found[0])
    return len(text)


def header_end(text: str, name: int, start: int) -> int:
    """Where the header's value ends that begins at `start`: at the quote that stands before its name, or with its line.

    Where the line before it ended with an escaped line feed, its own ends with one.
    """
    before = text[name - 1 : name]
    if before in {'"', "'", "`"}:
        quote = text[name - 1 - _backslashes(text, name - 1) : name]
        end = closing(text, start, quote)
        return end - len(quote) if end - len(quote) >= start and text.endswith(quote, start, end) else end
    depth = _backslashes(text, name - 1) if before in {"n", "r"} else 0
    ends = re.compile(rf"[\r\n]|(?<!\\)\\{{{depth}}}[nr]") if depth else _LINE_ENDS
    found = ends.search(text, start)
    return len(text) if found is None else found.start()


def _backslashes(text: str, end: int) -> int:
    start = end
    while start and text[start - 1] == "\\":
        start -= 1
    return end - start
