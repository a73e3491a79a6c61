"""On which kind of file system a path lies, since the kernel does not report what other machines write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_NETWORK: Final = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
    }
    | {"prl_fs", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"}
)


def is_remote(path: Path, mountinfo: str | None = None) -> bool:
    """Whether the file system of `path` can change without inotify events: networks, FUSE, host folders.

    `mountinfo` is the text of /proc/self/mountinfo, see proc_pid_mountinfo(5), and is read by default."""
    if mountinfo is None:
        mountinfo = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    kind = _filesystem(path.resolve(), mountinfo)
    return kind in _NETWORK or kind.partition(".")[0] == "fuse"


def _filesystem(path: Path, mountinfo: str) -> str:
    longest, kind = -1, ""
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), mount.split(" ")[4])
        # At equal length the later one: it was mounted over the former.
        if path.is_relative_to(point) and len(point) >= longest:
            longest, kind = len(point), source.split(" ")[0]
    return kind
