"""A real systemd as process 1 of its own namespaces, on an overlay of this system's root.

Nothing that it does stays.

`/proc/sys` and `/sys` are read-only in it and `/dev` holds a few harmless devices, as in a container.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemon.process import BOUND_S

BOOT = r"""
set -e
base=$1 root=$1/root
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
for folder in run tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$root/$folder"; done
rm -f "$root/usr/sbin/policy-rc.d"
cd "$root"
mkdir -p mnt/before
pivot_root . mnt/before
umount -l /mnt/before
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
    --unit=basic.target --log-target=journal --show-status=no < /dev/null > /dev/null 2>&1
"""


class NoBootError(Exception):
    """No systemd boots here; the message says why."""


class Booted:
    """The system that was booted."""

    def __init__(self, first: int) -> None:
        self._first = first

    def run(self, *command: str, stdin: bytes = b"", check: bool = True) -> str:
        """Standard output and error of a command inside."""
        enter = ("nsenter", f"--target={self._first}", "--mount", "--pid", "--cgroup", "--ipc", "--uts")
        clean = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "COLUMNS=200")
        result = subprocess.run(
            (*enter, *clean, *command),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
        )
        said = result.stdout.decode()
        assert not check or result.returncode == 0, said
        return said

    def write(self, path: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        self.run("dd", "status=none", f"of={path}", stdin=data)

    def journal(self, *options: str) -> str:
        return self.run("journalctl", "--unit=selfheald", "--no-pager", "--output=cat", *options)

    def shows(self, name: str) -> str:
        """A property of the unit."""
        return self.run("systemctl", "show", "-P", name, "selfheald").strip()

    def waits_for(self, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + BOUND_S
        while not condition():
            assert time.monotonic() < until, f"{what} did not come:\n{self.journal()}"
            time.sleep(0.2)


@contextmanager
def booted(folder: Path) -> Iterator[Booted]:
    """Boots, and ends all processes inside at the end. Raises NoBootError."""
    unshare = ("unshare", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--fork", "--kill-child")
    told = folder.with_suffix(".told")
    with told.open("w") as stderr:
        process = subprocess.Popen(
            (*unshare, "--propagation=private", "sh", "-c", BOOT, "boot", str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd="/",
        )
    try:
        yield _wait(process, told)
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], told: Path) -> Booted:
    until = time.monotonic() + BOUND_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NoBootError(told.read_text().strip() or f"exit code {process.returncode}")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children and _name(children[0]) == "systemd":
            system = Booted(int(children[0]))
            if system.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded"):
                return system
        time.sleep(0.1)
    raise NoBootError(f"systemd did not come up within {BOUND_S:g} s")


def _name(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""  # it ended meanwhile
