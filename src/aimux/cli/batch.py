"""The texts of `aimux route --batch`: those of a file are all looked at first, standard input as it comes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aimux.cli.rows import STDIN, Fields, RowError, RowsError, is_unicode, json_lines, listed

_SHAPE: Final = 'write {"text": "...", "agent": "..."} on each line'

Row = tuple[str, str | None]
"""A text and the agent that asks, None for nobody in particular."""


def rows_of(batch: Path) -> Iterator[Row]:
    """The rows of a batch. Raises RowsError: of a file here, with all that is wrong with it, of a pipe at the line."""
    if batch == STDIN or (batch.exists() and not batch.is_file() and not batch.is_dir()):
        return _streamed(batch)
    return iter(_checked(batch))


def _streamed(batch: Path) -> Iterator[Row]:
    for line, fields in json_lines(batch, _SHAPE):
        try:
            yield _row(fields)
        except RowError as error:
            raise RowsError(listed(batch, [(line, error)])) from None


def _checked(batch: Path) -> list[Row]:
    rows, problems = [], []
    for line, fields in json_lines(batch, _SHAPE):
        try:
            rows.append(_row(fields))
        except RowError as error:
            problems.append((line, error))
    if problems:
        raise RowsError(listed(batch, problems))
    return rows


def _row(fields: Fields | RowError) -> Row:
    if isinstance(fields, RowError):
        raise fields
    text, agent = fields.get("text"), fields.get("agent")
    if not isinstance(text, str):
        raise RowError(f'no "text" that is a string: {_SHAPE}')
    if agent is not None and not isinstance(agent, str):
        raise RowError('"agent" is not a string: leave it out for an anonymous caller')
    if not is_unicode(text):
        raise RowError('the "text" holds half of a surrogate pair: write both halves, or none')
    return text, agent
