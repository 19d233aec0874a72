"""The script that made the old log still makes one, of the older build out of the history, and it is read alike."""

from pathlib import Path

import pytest
from e2e_support.load import LOADED
from old_log.comparison import differences
from old_log.make_fixture import answers_of, make_log
from old_log.old_build import COMMIT, is_in_history
from old_log.questions import CURRENT, Build
from old_log.replaying import PARTLY, by_rule_id

pytestmark = [
    pytest.mark.fault,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not is_in_history(), reason=f"the history lacks {COMMIT[:7]}: git fetch --unshallow"),
]


def test_a_log_that_the_older_build_writes_now_is_read_alike(tmp_path: Path) -> None:
    """`make long` asks everything, an ordinary run for all requests, in each format, and whether they verify."""
    log = tmp_path / "log"
    old = make_log(tmp_path, log)
    before = answers_of(Build(old.environment), log, tmp_path / "old", thorough=LOADED)
    old.check_origins()
    now = answers_of(CURRENT, log, tmp_path / "new", thorough=LOADED)
    assert "torn" in before["commands"]["verify --json"]["output"][0]["chains"][1]["fault"]["why"]
    if LOADED:
        replayed = before["replay"].items()
        before["replay"] = {asked: by_rule_id(answer) for asked, answer in replayed if asked not in PARTLY}
    assert differences(before, now) == []
