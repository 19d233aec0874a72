"""A live log copied, verified and restored by the commands that the manual gives."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from e2e_support.client import ask
from e2e_support.gateway import AIMUX, ROOT, Gateway, run_audit
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE, until

PLAIN = {"X-AIMux-Route": "plain"}


def commands() -> str:
    """The first block of commands below the heading on backups."""
    manual = (ROOT / "docs" / "audit.md").read_text().split("### Backups", 1)[1]
    found = re.search(r"```bash\n(.*?)```", manual, re.DOTALL)
    assert found is not None
    return found.group(1)


def back_up(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{AIMUX.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", commands()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@pytest.mark.fault
def test_a_live_log_is_backed_up_and_restored(start: Start, upstream: Upstream, tmp_path: Path) -> None:
    audit = {"path": "audit", "segment_size": "20KiB", "checkpoint_interval": 0.2}
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}], "audit": audit})
    live = tmp_path / "audit"
    with under_load(gateway.port):
        while len(list(live.glob("chain-1/*[0-9].jsonl"))) < 3:
            assert ask(gateway.port, headers=PLAIN).status == 200
        done = until(lambda: result if (result := back_up(tmp_path)).returncode == 0 else None, "a copy that verifies")
    assert "chain 1: ok" in done.stdout
    gateway.signal()
    assert gateway.exited() == 0
    key = (live / "signing-key.pem").read_bytes()
    shutil.rmtree(live)
    (tmp_path / "backup").rename(live)
    (live / "signing-key.pem").write_bytes(key)
    assert run_audit(gateway, "verify").returncode == 0
    again = Gateway(gateway.config)
    again.wait_listening()
    again.wait_ready()
    assert ask(again.port, headers=PLAIN).status == 200
    again.close()
    verified = run_audit(gateway, "verify")
    assert verified.returncode == 0, verified.stderr
