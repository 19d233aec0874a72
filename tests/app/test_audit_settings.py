"""What the audit log is opened with, where it is not simply what the configuration says."""

from pathlib import Path

import pytest

from aimux.app.settings import audit_settings
from aimux.config.schema import AuditConfig, Config
from aimux.config.server_section import ServerConfig


@pytest.mark.parametrize(
    ("workers", "there", "expected"), [(1, (), 1), (4, (), 4), (2, (1, 2, 3, 4), 4), (3, (1, 7), 4), (2, (1,), 2)]
)
def test_chains_of_workers_that_are_no_more_have_a_share_of_the_size(
    tmp_path: Path, workers: int, there: tuple[int, ...], expected: int
) -> None:
    for chain in there:
        (tmp_path / f"chain-{chain}").mkdir()
    config = Config(server=ServerConfig(workers=workers), audit=AuditConfig(path=tmp_path))
    assert audit_settings(config).chains == expected


def test_a_log_that_cannot_be_looked_at_is_left_to_whoever_opens_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = Config(audit=AuditConfig(path=tmp_path / "file"))
    assert audit_settings(config).chains == 1
