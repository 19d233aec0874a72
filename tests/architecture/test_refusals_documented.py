"""docs/refusals.md says of every refusal what clients are told."""

import re
from pathlib import Path

from aimux.core.reason import Reason

PAGE = Path(__file__).parents[2] / "docs" / "refusals.md"


def test_every_reason_has_its_row() -> None:
    rows = re.findall(r"(?m)^\| `([a-z_]+)` \| ([0-9]{3}) \| (may|cannot) help", PAGE.read_text("utf-8"))
    assert rows == [(each.code, str(each.status), "may" if each.passing else "cannot") for each in Reason]
