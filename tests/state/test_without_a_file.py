"""Without a place for its file the state is in memory, and says so; and a second gateway is kept away from a folder."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from state_support.opened import files_in, kept, opened, refused

from aimux.core.reason import Failure
from aimux.state import folder as folders
from aimux.state.mounts import network_type
from aimux.state.opening import open_state
from aimux.state.store import StateError

MOUNTS = r"""22 28 0:20 / / rw,relatime - ext4 /dev/vda rw
30 22 0:30 / /srv rw shared:1 - nfs4 server:/srv rw,vers=4.2
31 30 0:31 / /srv/local\040disk rw - xfs /dev/vdb rw
32 22 0:32 / /mnt/share rw master:1 shared:2 - cifs //server/share rw
33 22 0:33 / /mnt/over rw - nfs server:/over rw
34 22 0:34 / /mnt/over rw - tmpfs tmpfs rw
nonsense
35 22 0:35 / /srvother rw - tmpfs tmpfs rw"""


async def in_memory_only(folder: Path, *words: str) -> None:
    state = opened(folder)
    assert not state.store.is_lasting
    for word in (*words, str(folder), "set state.path"):
        assert word in (state.only_memory or "")
    assert state.store.trouble == state.only_memory
    assert (await state.store.add("counts", "n", 1)).value == 1
    with pytest.raises(Failure):
        await state.store.compare_and_set("standing", "k", b"x", None)
    assert folders.claim(folder).descriptor is None


async def test_without_a_place_for_a_folder_the_state_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    await in_memory_only(tmp_path / "file" / "state", "Not a directory")


def mounted(place: Path, *options: str) -> None:
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(("size=256k", *options)), "aimux-test", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here: only root may")


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


def unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True)


async def test_on_a_disk_that_is_read_only_the_state_is_in_memory_unless_a_file_is_there(tmp_path: Path) -> None:
    mounted(tmp_path / "disk")
    try:
        remount(tmp_path / "disk", "ro")
        await in_memory_only(tmp_path / "disk" / "state", "Read-only file system")
        remount(tmp_path / "disk", "rw")
        await kept(tmp_path / "disk" / "state")
        remount(tmp_path / "disk", "ro")
        await refused(tmp_path / "disk" / "state", "cannot be used", "Read-only file system")
    finally:
        unmount(tmp_path / "disk")


async def test_on_a_disk_without_room_the_state_is_in_memory(tmp_path: Path) -> None:
    mounted(tmp_path / "disk")
    try:
        with (tmp_path / "disk" / "filler").open("wb", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        state = opened(tmp_path / "disk" / "state")
        assert not state.store.is_lasting
        assert "full" in (state.only_memory or "") or "No space" in (state.only_memory or "")
        (tmp_path / "disk" / "filler").unlink()
        state = opened(tmp_path / "disk" / "state")
        assert (state.store.is_lasting, state.made) == (True, True)
        await state.store.close()
    finally:
        unmount(tmp_path / "disk")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *(("/srv/state", "nfs4"), ("/srv", "nfs4"), ("/srv/local disk/state", None), ("/srvother/state", None)),
        *(("/mnt/share/a/b", "cifs"), ("/mnt/over/state", None), ("/var/lib/aimux", None)),
    ],
)
def test_network_file_systems_are_told_from_local_ones(path: str, kind: str | None) -> None:
    assert network_type(Path(path), MOUNTS) == kind


async def test_on_a_network_file_system_the_state_is_in_memory_unless_a_file_is_there(tmp_path: Path) -> None:
    state = open_state(tmp_path, time.time, network=lambda _: "nfs4")
    assert "a network file system (nfs4)" in (state.only_memory or "")
    assert files_in(tmp_path) == {}
    await kept(tmp_path)
    with pytest.raises(StateError, match=r"network file system \(nfs4\)"):
        open_state(tmp_path, time.time, network=lambda _: "nfs4")


def test_a_second_gateway_is_kept_away_until_the_first_ends(tmp_path: Path) -> None:
    first = folders.claim(tmp_path / "state")
    ask = f"from aimux.state.folder import claim; from pathlib import Path; claim(Path({str(tmp_path / 'state')!r}))"
    second = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "another gateway uses the state's folder" in second.stderr
    first.close()
    assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0
