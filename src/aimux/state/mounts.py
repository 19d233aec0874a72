"""Whether a folder lies on a network file system, where SQLite's locks and shared memory cannot be relied on."""

import re
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "9p", "virtiofs", "vboxsf", "prl_fs"),
        *("ceph", "glusterfs", "lustre", "beegfs", "gpfs", "gfs", "gfs2", "ocfs2", "orangefs", "pvfs2"),
        *("fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse"),
        *(
            "fuse.juicefs",
            "fuse.blobfuse",
            "fuse.blobfuse2",
            "fuse.davfs",
            "fuse.mount-s3",
            "fuse.smbnetfs",
            "fuse.nfs",
        ),
    }
)
"""Types of file systems, as the kernel names them, on which machines or virtual machines share files."""


def network_type(path: Path, mountinfo: str) -> str | None:
    """The type of the network file system that an absolute, resolved path lies on; None for a local one.

    `mountinfo` is the text of /proc/self/mountinfo: see proc_pid_mountinfo(5).
    """
    best, kind = -1, None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, types = left.split(" "), right.split(" ")
        if len(fields) < 5 or not types[0]:
            continue
        point = Path(_unescaped(fields[4]))
        depth = len(point.parts)
        if path.is_relative_to(point) and depth >= best:  # of two at one place, the later covers the earlier
            best, kind = depth, types[0]
    return kind if kind in NETWORK else None


def network_type_here(path: Path) -> str | None:
    """The same by the mounts of this process; None also where these cannot be read, or the path leads nowhere."""
    try:
        return network_type(path.resolve(), MOUNTS.read_text("utf-8", "surrogateescape"))
    except (OSError, RuntimeError):  # links in a circle are the latter
        return None


def _unescaped(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)
