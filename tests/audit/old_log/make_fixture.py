"""Makes the old log anew, and what the older build answers over it: python tests/audit/old_log/make_fixture.py.

Both are committed, and need not be made again: the tests compare what later builds answer. Needs the whole history.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "e2e"))

from old_log import LOG, write_answers
from old_log.mesh import reading_config
from old_log.old_build import OldBuild
from old_log.over_http import answers_over_http, serving
from old_log.questions import ESSENTIAL, Answers, Build, answers_of_commands, commands, everything_in
from old_log.replaying import answers_of_replay
from old_log.signing_key import write_key
from old_log.writing import keep, write_log


def main() -> None:
    """Put log and answers beside this file."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.rmtree(LOG, ignore_errors=True)
        old = make_log(folder, LOG)
        write_answers(answers_of(Build(old.environment), LOG, folder / "asked", thorough=True))
        old.check_origins()


def make_log(folder: Path, place: Path) -> OldBuild:
    """Have the older build write a log, and keep it in `place`. `folder` is for all else."""
    old = OldBuild(folder)
    keep(write_log(folder, write_key(folder / "key.pem"), old.environment), place)
    return old


def answers_of(build: Build, log: Path, folder: Path, *, thorough: bool) -> dict[str, Answers]:
    """What a build answers over copies of the log in a folder, which is made; the essential commands, or everything."""
    folder.mkdir()
    read, key = Path(shutil.copytree(log, folder / "read")), write_key(folder / "key.pem")
    entries = everything_in(build, read)
    answers = {"commands": answers_of_commands(build, read, commands(entries) if thorough else ESSENTIAL)}
    if thorough:
        answers["replay"] = answers_of_replay(build, read, entries, key, folder)
        with serving(build, Path(shutil.copytree(log, folder / "served")), reading_config(key)) as gateway:
            answers["http"] = answers_over_http(gateway, entries)
    empty = [asked for found in answers.values() for asked, answer in found.items() if _is_empty(answer)]
    assert not empty, f"these find nothing, and compare nothing: {empty}"
    return answers


def _is_empty(answer: Any) -> bool:
    return not answer or (isinstance(answer, dict) and not answer.get("output", answer.get("requests", True)))


if __name__ == "__main__":
    main()
