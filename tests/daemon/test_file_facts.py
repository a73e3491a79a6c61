"""The facts of file systems, one test each: a running daemon counts every line once, whatever happens.

Real files, a real process and its store. `pytest --collect-only tests/daemon/test_file_facts.py` lists them.
What a single look finds is tested in test_tail*.py, what wakes the daemon in test_watch.py, and random
histories with kills in test_tail_history.py and test_service.py.
"""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.file_world import World
from tests.daemon.process import PYTHONPATH, DaemonProcess

NOBODY = 65_534


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with DaemonProcess(tmp_path) as service:
        service.logs.mkdir()
        yield World(service)


def test_growth(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    for count in (1, 200, 2):
        world.append(count=count)
        world.until_read()
    world.end()


def test_growth_after_some_quiet_seconds_does_not_wait_for_the_timer(world: World) -> None:
    world.append()
    world.start(SELFHEALD_LOGS__RESCAN_S="3600")
    world.until_read()
    world.until_not_hot()
    world.append()
    world.end()


def test_growth_of_one_of_many_files_does_not_wait_for_the_timer_while_another_is_written(
    world: World,
) -> None:
    paths = [world.logs / f"{number:03}.log" for number in range(300)]
    for path in paths:
        world.append(path, 1)
    world.start(SELFHEALD_LOGS__RESCAN_S="3600")
    world.until_read()
    for path in paths[::50]:
        world.append(count=1)
        world.until_read()
        world.append(path, 1)  # most of these are not open: no more than 256 are
        world.until_read()
    world.end()


def test_a_partial_last_line_counts_once_it_has_its_newline(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    line = world.lines(1)
    for number, part in enumerate((line[:1], line[1:40], line[40:-1]), start=4):
        with world.log.open("ab") as file:
            file.write(part)
        world.append(world.logs / "other.log", 1)
        world.service.until("the other file is read", lambda n=number: world.service.totals().lines == n)  # type: ignore[misc]
    with world.log.open("ab") as file:
        file.write(line[-1:])
    world.end()


def test_rename_rotation_with_unread_lines_on_both_sides(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    world.append()
    world.rotate()
    world.append()
    world.end()


def test_a_late_write_into_the_renamed_file(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    with world.log.open("ab", buffering=0) as writer:
        world.rotate()
        world.append()
        world.until_read()
        writer.write(world.lines())
        world.until_read()
        world.rotate()
        writer.write(world.lines())
        world.end()


def test_two_rotations_between_two_looks(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    world.service.signal(signal.SIGSTOP)
    for _ in range(2):
        world.append()
        world.rotate()
    world.append()
    world.service.signal(signal.SIGCONT)
    world.end()


def compress(path: Path) -> None:
    with gzip.open(path.with_name(path.name + ".gz"), "wb") as packed:
        packed.write(path.read_bytes())
    path.unlink()


def test_a_rotated_file_that_is_compressed_before_it_is_read_to_its_end(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    for _ in range(3):
        world.append()
        world.rotate()
        compress(world.numbered(1))
        world.append()
        world.until_read()
    world.end()


def test_a_rotated_file_that_is_compressed_while_the_daemon_is_down(world: World) -> None:
    world.append(count=200)
    world.start()
    world.until_read()
    world.service.kill()
    world.append(count=200)
    world.rotate()
    compress(world.numbered(1))
    world.append()
    world.start()
    world.until_read()
    packed = world.logs / "app.log.1.gz"
    packed.rename(world.logs / "app.log.2.gz")
    world.end()
    command = [sys.executable, "-m", "daemon", "ingest", str(world.logs)]
    environ = {**os.environ, "PYTHONPATH": PYTHONPATH}
    subprocess.run(command, cwd=world.service.folder, env=environ, check=True, capture_output=True)
    assert world.counted()["e"] == 403
    with world.service.reading() as (telemetry, _):
        assert not any(source.checkpoint.losses for source in telemetry.sources())


def test_copytruncate(world: World) -> None:
    world.append(count=20)
    world.start()
    world.until_read()
    for _ in range(3):
        world.append()
        world.copytruncate()
        world.append()
        world.until_read()
    world.end()


def test_copytruncate_under_a_writer_that_goes_on_at_its_old_offset_behind_a_hole(world: World) -> None:
    world.start()
    with world.log.open("wb", buffering=0) as writer:
        writer.write(world.lines(20))
        world.until_read()
        world.copytruncate()
        writer.write(world.lines())
        world.until_read()
        world.append()
    world.end()


def test_truncation_to_zero_and_a_rewrite_to_the_same_size(world: World) -> None:
    first, second = world.lines(), world.lines()
    assert len(first) == len(second)
    world.log.write_bytes(first)
    world.start()
    world.service.until("the first content is read", lambda: world.service.totals().lines == 3)
    world.log.write_bytes(second)
    world.end()


def test_deletion_and_recreation_of_a_file(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    for _ in range(3):
        world.append()
        world.log.unlink()
        world.append()
        world.until_read()
    world.end()


def test_deletion_and_recreation_of_the_directory_itself(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    for _ in range(2):
        shutil.rmtree(world.logs)
        world.logs.mkdir()
        world.append()
        world.until_read()
    world.end()


def test_a_directory_that_is_replaced_by_another_one(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    world.append()
    world.logs.rename(world.logs.with_name("old"))
    fresh = world.logs.with_name("fresh")
    fresh.mkdir()
    world.append(fresh / "app.log")
    fresh.rename(world.logs)
    world.end()


def test_a_directory_that_does_not_exist_yet(world: World) -> None:
    world.logs.rmdir()
    world.start()
    world.service.until("it is told", lambda: "there is no such directory yet" in world.service.said())
    world.logs.mkdir()
    world.append()
    world.end()


def test_inode_reuse(world: World) -> None:
    """A next file of the same directory gets the inode that was freed, on ext4 for one."""
    world.append(count=50)
    world.start()
    world.until_read()
    world.service.kill()
    inode = world.log.stat().st_ino
    world.log.unlink()
    for number in range(500):
        candidate = world.logs / f"{number}.gz"
        candidate.touch()
        if candidate.stat().st_ino == inode:
            break
    else:
        pytest.skip("this file system does not give an inode to another file so soon")
    candidate.write_bytes(world.lines(60))
    candidate.rename(world.log)
    world.start()
    world.end()


def test_identical_heads(world: World) -> None:
    """Two programs that begin with the same banner of more bytes than what a file is known by."""
    banner = b"".join(
        b'{"banner": "the same words in every file, line %d"}\n' % number for number in range(60)
    )
    names = [world.logs / name for name in ("a.log", "b.log", "c.log")]
    for path in names[:2]:
        path.write_bytes(banner + world.lines())
    world.start()
    world.until_read()
    names[2].write_bytes(banner)
    world.append(names[2])
    world.until_read()
    names[0].rename(world.logs / "a.log.1")
    names[0].write_bytes(banner)
    for path in names:
        world.append(path)
    world.end()


@pytest.mark.parametrize("follow", ["false", "true"], ids=["links are not followed", "links are followed"])
def test_symlinks_to_files_and_directories_that_are_there_too(world: World, follow: str) -> None:
    (world.logs / "sub").mkdir()
    (world.logs / "current.log").symlink_to("app.log")
    (world.logs / "again").symlink_to("sub")
    (world.logs / "sub" / "up").symlink_to("..")
    world.append()
    world.append(world.logs / "sub" / "b.log")
    world.start(SELFHEALD_LOGS__FOLLOW_SYMLINKS=follow)
    world.until_read()
    world.rotate()
    world.append()
    world.append(world.logs / "sub" / "b.log")
    world.end()


def test_a_symlink_that_is_turned_to_the_next_file_outside(world: World) -> None:
    files = [world.logs.parent / f"app-{day}.log" for day in (1, 2)]
    world.append(files[0])
    world.log.symlink_to(files[0])
    world.start(SELFHEALD_LOGS__FOLLOW_SYMLINKS="true")
    world.until_read()
    world.append(files[0])
    world.append(files[1])
    world.log.with_name("next.gz").symlink_to(files[1])
    world.log.with_name("next.gz").rename(world.log)
    world.until_read()
    world.append(files[1])
    world.end()


def test_hard_links(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    (world.logs / "another-name.log").hardlink_to(world.log)
    world.append()
    world.until_read()
    world.log.unlink()  # rotation by a link: the file lives on under its other name
    world.append(world.logs / "another-name.log")
    world.append()
    world.end()


def test_files_that_appear_by_a_move(world: World) -> None:
    world.start()
    outside = world.logs.parent / "outside.log"
    for name in ("one.log", "two.log", "one.log"):
        world.append(outside)
        outside.rename(world.logs / name)
        world.until_read()
    folder = world.logs.parent / "folder"
    folder.mkdir()
    world.append(folder / "three.log")
    folder.rename(world.logs / "folder")
    world.until_read()
    world.append(world.logs / "folder" / "three.log")
    world.end()


def test_ten_thousand_files_are_followed_with_a_bounded_number_of_open_ones(world: World) -> None:
    paths = [world.logs / f"{number:05}.log" for number in range(10_000)]
    for path in paths:
        world.append(path, 1)
    world.start(SELFHEALD_INGEST__COMMIT_INTERVAL_MS="200")
    world.until_read()
    for path in paths[::20]:
        world.append(path, 1)
    paths[5].rename(world.logs / "00005.log.1")
    world.append(paths[5], 1)
    world.until_read()
    assert sum(f"{world.logs}/" in name for name in world.open_files()) <= 256
    assert world.status("VmHWM") < 150_000
    world.end()


@pytest.mark.parametrize(
    "mark", [b"", b"\xef\xbb\xbf"], ids=["without a byte order mark", "with a UTF-8 byte order mark"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_line_ends_and_byte_order_marks(world: World, mark: bytes, end: str) -> None:
    world.log.write_bytes(mark + world.lines(3, end=end)[:-1])
    world.start()
    with world.log.open("ab") as file:
        file.write(b"\n")
    world.until_read()
    with world.log.open("ab") as file:
        file.write(world.lines(3, end=end))
    world.end()
    totals = world.service.totals()
    assert (totals.undecodable, totals.unreadable) == (0, 0)


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xfe\xfd", b"caf\xe9", b"a\0b", b"\xf0\x9f\x8e"],
    ids=["bytes that never are UTF-8", "Latin-1", "a NUL byte", "half a character"],
)
def test_lines_that_are_no_text_are_counted_and_cost_no_other_line(world: World, garbage: bytes) -> None:
    world.append()
    world.start()
    for _ in range(2):
        with world.log.open("ab") as file:
            file.write(garbage + b"\n" + world.lines())
        world.until_read()
    world.end()
    assert world.service.totals().undecodable == 2


@pytest.mark.parametrize("split", [False, True], ids=["read at once", "read piece by piece"])
def test_zeros_between_lines_are_a_hole_however_they_are_read(world: World, split: bool) -> None:
    """As a crash of the machine leaves them, or a writer that goes on at its old offset."""
    pieces = [world.lines(), b"\0" * 5000, world.lines(), b"\0" * 3, world.lines()]
    if split:
        world.log.write_bytes(pieces[0])
        world.start()
        for number, piece in enumerate(pieces[1:], start=1):
            with world.log.open("ab") as file:
                file.write(piece)
            if number % 2 == 0:
                wanted = 3 * (1 + number // 2)
                world.service.until("it is read", lambda n=wanted: world.service.totals().lines == n)  # type: ignore[misc]
    else:
        world.log.write_bytes(b"".join(pieces))
        world.start()
    world.end()
    assert world.service.totals().undecodable == 0


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_told_and_not_garbled(world: World, encoding: str) -> None:
    text = world.lines().decode()
    world._written.clear()
    world.log.write_bytes(f"\ufeff{text}".encode(encoding))
    world.start()
    world.service.until("it is told", lambda: "UTF-16 is not read" in world.service.said())
    assert f"{world.log}: UTF-16" in world.service.said()
    with world.log.open("ab") as file:
        file.write(text.encode(encoding))
    world.end()
    totals = world.service.totals()
    assert (totals.lines, totals.undecodable, totals.unreadable) == (2, 0, 0)
    assert world.service.said().count("UTF-16 is not read") == 1


def test_a_line_of_100_mb_is_cut_at_the_limit_and_counted_in_bounded_memory(world: World) -> None:
    world.append()
    world.start()
    world.until_read()
    before_kib = world.status("VmHWM")
    with world.log.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\n")
    world.append()
    world.until_read()
    assert world.status("VmHWM") - before_kib < 16_384
    world.end()
    with world.service.reading() as (telemetry, _):
        (at,) = (s.checkpoint for s in telemetry.sources() if s.checkpoint.path == str(world.log))
    assert (at.lines_cut, at.bytes_skipped) == (1, 100_000_001 - 65_536)


def test_empty_files(world: World) -> None:
    for name in ("a.log", "b.log", "app.log.1"):
        (world.logs / name).touch()
    world.start()
    world.append(world.logs / "a.log")
    world.append()
    world.until_read()
    world.append(world.logs / "b.log")
    world.end()


AS_NOBODY = f"""
import os, daemon.cli.app, daemon.cli.commands.run, daemon.app, daemon.reload, typer.main, rich.console
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
"""


def test_permission_that_is_denied_and_granted_later() -> None:
    with tempfile.TemporaryDirectory() as name, DaemonProcess(Path(name)) as service:
        for path in (service.folder, service.logs):
            path.mkdir(exist_ok=True)
            path.chmod(0o777)
        world = World(service)
        denied = service.logs / "denied.log"
        world.append(denied)
        denied.chmod(0)
        (service.logs / "locked").mkdir()
        world.append(service.logs / "locked" / "b.log")
        (service.logs / "locked").chmod(0)
        service.start(prelude=AS_NOBODY)
        for words in ("denied.log: cannot be read (Permission", "locked: cannot be listed (Permission"):
            service.until("it is told", lambda words=words: words in service.said())  # type: ignore[misc]
        assert world.counted() == {}
        denied.chmod(0o644)
        (service.logs / "locked").chmod(0o755)
        world.until_read()
        denied.chmod(0)  # what is open stays readable
        world.append(denied)
        world.end()


def test_a_sparse_file(world: World) -> None:
    world.start()
    with world.log.open("wb") as file:
        file.write(world.lines())
        file.seek(1 << 30)
        file.write(world.lines())
    world.until_read()
    assert world.status("VmHWM") < 120_000
    world.end()


def test_a_file_that_grows_while_it_is_read(world: World) -> None:
    """A writer in small pieces that has no regard for line ends, and a reader that looks all the time."""
    world.start()
    data = world.lines(400)
    with world.log.open("ab", buffering=0) as file:
        for at in range(0, len(data), 37):
            file.write(data[at : at + 37])
            if at % 100 == 0:
                whole = data.count(b"\n", 0, at + 37)
                world.service.until("it is read", lambda n=whole: world.service.totals().lines == n)  # type: ignore[misc]
    world.end()


def test_an_overflow_of_the_queue_of_inotify(world: World) -> None:
    """Events are lost for certain: the kernel keeps so many for a process that stands still, and no more."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    world.append()
    world.start(SELFHEALD_LOGS__RESCAN_S="3600")
    world.until_read()
    world.until_not_hot()
    world.service.signal(signal.SIGSTOP)
    names = world.logs / "x.gz", world.logs / "y.gz"
    names[0].touch()
    for _ in range(limit // 4 + 100):
        names[0].rename(names[1])
        names[1].rename(names[0])
    (world.logs / "sub").mkdir()
    world.service.signal(signal.SIGCONT)
    world.until_not_hot()  # all hints are taken
    # watchdog watches the directory whose event was lost all the same: no timer will find its first file.
    world.append(world.logs / "sub" / "b.log")
    world.until_read()
    world.rotate()
    world.append()
    world.end()


KILL_EMITTERS = """
import signal, threading
from watchdog.observers.api import EventEmitter
signal.signal(signal.SIGUSR1, lambda *_: [
    thread.stop() for thread in threading.enumerate() if isinstance(thread, EventEmitter)
])
"""


@pytest.mark.parametrize("busy", [False, True], ids=["while nothing is written", "while a log is written"])
def test_a_watcher_that_died_is_replaced_and_told(world: World, busy: bool) -> None:
    world.append()
    world.service.start(prelude=KILL_EMITTERS)
    world.until_read()

    def is_told() -> bool:
        world.service.signal(signal.SIGUSR1)
        if busy:
            world.append(count=1)
        return "died and was started again" in world.service.said()

    world.service.until("it is told", is_told)
    world.append(world.logs / "new.log")
    world.end()


REMOTE = """
import daemon.watch
daemon.watch.is_remote = lambda directory: True
"""


def test_a_network_file_system_is_polled(world: World) -> None:
    world.append()
    world.service.start(prelude=REMOTE)
    world.until_read()
    world.append()
    world.rotate()
    world.append()
    world.until_read()
    world.copytruncate()
    world.append()
    world.end()


def own_log(world: World) -> Path:
    return world.logs / "selfheald.log"


def test_own_log_files_are_never_read_not_even_rotated_ones_after_a_restart(world: World) -> None:
    world.append()
    options = {
        "SELFHEALD_LOG__FILE": str(own_log(world)),
        "SELFHEALD_LOG__FORMAT": "json",
        "SELFHEALD_LOG__ROTATION_BYTES": "1024",
        "SELFHEALD_LOG__RETENTION_FILES": "3",
        "SELFHEALD_STORE__PATH": str(world.logs / "store.db"),
    }
    world.service.store_path = world.logs / "store.db"
    for _ in range(3):
        world.start(**options)
        for _ in range(6):
            world.service.signal(signal.SIGHUP)
            world.append()
            world.until_read()
        world.service.kill()
    assert len(list(world.logs.glob("selfheald.*.log"))) >= 2
    world.start(**options)
    world.end()
    with world.service.reading() as (telemetry, _):
        read = {Path(source.checkpoint.path).name for source in telemetry.sources()}
    assert read == {"app.log", "~last.log"}


def test_standard_error_that_goes_into_the_watched_directory_is_not_read(world: World) -> None:
    world.append()
    world.service.start(log_to=own_log(world))
    world.until_read()
    world.end()
    with world.service.reading() as (telemetry, _):
        assert {Path(s.checkpoint.path).name for s in telemetry.sources()} == {"app.log", "~last.log"}


def test_a_deleted_file_that_no_format_recognises_does_not_keep_its_space(world: World) -> None:
    foreign = world.logs / "foreign.log"
    foreign.write_text("words\n" * 1000)
    world.append()
    world.start()
    world.service.until("it is told", lambda: "no log format recognises it" in world.service.said())
    os.utime(foreign, (1_000_000_000, 1_000_000_000))
    foreign.unlink()
    world.service.until("it is closed", lambda: not any("foreign.log" in each for each in world.open_files()))
    world.end()


def test_a_loss_is_told_and_counted(world: World) -> None:
    """The one thing that no reader can help: bytes that were seen and gone before they could be read."""
    world.append()
    world.start()
    world.until_read()
    with world.log.open("ab") as file:
        file.write(b"unfinished")
    world.append(world.logs / "other.log")
    world.until_read()
    world.log.write_bytes(world.lines(1))
    world.end()
    assert world.service.said().count("app.log: lost the 10 bytes from offset") == 1
    with world.service.reading() as (telemetry, _):
        assert sum(source.checkpoint.bytes_lost for source in telemetry.sources()) == 10
