"""docs/operations.md says where the cause of every server error is, and which test does every fault."""

import re
from pathlib import Path

import pytest

from aimux.core.endpoints import Endpoint
from aimux.core.reason import Reason

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
FAULTS = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)


def test_every_server_error_has_its_row_in_order() -> None:
    rows = re.findall(r"(?m)^\| `([a-z_]+)` \| (5[0-9]{2}) \|", PAGE)
    assert rows == [(each.code, str(each.status)) for each in Reason if each.status >= 500]


@pytest.mark.parametrize("endpoint", [each for each in Endpoint if not each.startswith("/dashboard/")])
def test_every_path_that_agents_cannot_use_is_named(endpoint: Endpoint) -> None:
    section = PAGE.split("## Paths that agents cannot use", 1)[1].split("\n## ", 1)[0]
    assert f"`{endpoint}`" in section


def test_faults_name_the_tests_that_do_them() -> None:
    assert len(FAULTS) > 10
    assert [name for name in FAULTS if not (ROOT / name).is_file()] == []


def test_every_test_that_does_a_fault_is_named() -> None:
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    doing = [path.relative_to(ROOT).as_posix() for path in tests if "pytest.mark.fault" in path.read_text("utf-8")]
    assert len(doing) > 5
    assert [name for name in doing if name not in FAULTS] == []


def test_metrics_that_it_names_exist() -> None:
    named = set(re.findall(r"`(aimux_[a-z_]+)`", PAGE))
    code = "".join(path.read_text("utf-8") for path in (ROOT / "src/aimux/edge").glob("metrics*.py"))
    assert named
    assert [name for name in named if f'"{name.removesuffix("_total")}"' not in code] == []
