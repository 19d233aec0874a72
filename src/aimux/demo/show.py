"""The demo from curtain to curtain: sets the stage, plays the story, and leaves nothing running, whatever happens."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from aimux.demo.player import Row, play, questions
from aimux.demo.processes import Children, StartError, end_on_signals
from aimux.demo.report import Report
from aimux.demo.ruling import rule
from aimux.demo.stage import set_up
from aimux.demo.steps import Chapter
from aimux.demo.story import PACE, STORY

INTERRUPTED = 130


def show(report: Report, story: Sequence[Chapter] = STORY) -> int:
    """Play a story; the exit code is 0 where everything came out as expected."""
    end_on_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="aimux-demo-") as directory, Children() as children:
            return _show(report, story, children, Path(directory))
    except StartError as error:
        print(f"aimux demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("aimux demo: interrupted", file=sys.stderr)
        return INTERRUPTED


def _show(report: Report, story: Sequence[Chapter], children: Children, directory: Path) -> int:
    report.note("Starting the example agents and a gateway, each a process of its own ...")
    stage = set_up(children, directory, PACE)
    asked = questions(story)
    rulings = dict(zip(asked, rule(asked, stage.config, stage.env), strict=True))
    started = time.monotonic()
    rows: list[Row] = []
    for chapter in story:
        played = list(play(stage, chapter, rulings))
        report.chapter(chapter.title, played)
        rows += played
    report.summary(rows, time.monotonic() - started)
    if trouble := stage.explain():
        print(f"aimux demo: {trouble}", file=sys.stderr)
    return 0 if rows and not trouble and all(row.passed for row in rows) else 1
