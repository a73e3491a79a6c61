# ruff: noqa: ASYNC240 (a temporary directory does not keep the loop waiting)
"""The watcher wakes the reader for what matters, and says so when it cannot."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from watchdog.events import FileSystemEvent
from watchdog.observers.inotify import InotifyObserver
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, WatchDescriptor
from watchdog.observers.polling import PollingObserver

from daemon import watch
from daemon.mounts import is_remote
from daemon.watch import Watcher, _Hints

from .process import BOUND_S
from .tail_driver import append

pytestmark = pytest.mark.anyio


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    return directory


@asynccontextmanager
async def running(*directories: Path) -> AsyncIterator[Watcher]:
    watcher = Watcher(directories)
    await watcher.start()
    try:
        await settled(watcher)
        yield watcher
    finally:
        await watcher.stop()


async def woken(watcher: Watcher) -> None:
    with anyio.fail_after(BOUND_S):
        await watcher.wait()


async def settled(watcher: Watcher) -> None:
    """Takes the hint that setting up a watch gives."""
    if watcher._watched:
        await woken(watcher)


class Recorder:
    """Takes the place of the hints: keeps the names of the files that events were about, as they come."""

    def __init__(self, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: set[str] = set()
        self._sentinel = threading.Event()
        monkeypatch.setattr(watcher._hints, "dispatch", self._dispatch)

    def _dispatch(self, event: FileSystemEvent) -> None:
        self.names.add(Path(os.fsdecode(event.src_path)).name)
        if "sentinel" in self.names:
            self._sentinel.set()

    async def until_sentinel(self, directory: Path) -> set[str]:
        """All that came before the event of a new file: the kernel keeps the order."""
        append(directory / "sentinel", b"")
        assert await anyio.to_thread.run_sync(self._sentinel.wait, BOUND_S)
        return self.names


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda logs: append(logs / "new.log", b"one\n"), id="a-file-appears"),
        pytest.param(lambda logs: append(logs / "a.log", b"two\n"), id="a-file-grows"),
        pytest.param(lambda logs: os.truncate(logs / "a.log", 0), id="a-file-is-truncated"),
        pytest.param(lambda logs: (logs / "a.log").rename(logs / "a.log.1"), id="a-file-is-renamed"),
        pytest.param(lambda logs: (logs.parent / "b.log").rename(logs / "b.log"), id="a-file-is-moved-in"),
        pytest.param(lambda logs: (logs / "a.log").rename(logs.parent / "a.log"), id="a-file-is-moved-out"),
        pytest.param(lambda logs: (logs / "a.log").unlink(), id="a-file-is-deleted"),
        pytest.param(
            lambda logs: append(logs / "sub" / "c.log", b"one\n"), id="a-file-in-a-subdirectory-grows"
        ),
        pytest.param(lambda logs: (logs / "more").mkdir(), id="a-subdirectory-appears"),
    ],
)
async def test_it_wakes_when(logs: Path, change: Callable[[Path], object]) -> None:
    (logs / "sub").mkdir()
    for path in (logs / "a.log", logs / "sub" / "c.log", logs.parent / "b.log"):
        append(path, b"one\n")
    async with running(logs) as watcher:
        change(logs)
        await woken(watcher)
        assert watcher.alive() == ()


async def test_reading_a_file_wakes_nobody(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(logs / "a.log", b"one\n")
    async with running(logs) as watcher:
        recorder = Recorder(watcher, monkeypatch)
        (logs / "a.log").read_bytes()
        list(logs.iterdir())
        assert await recorder.until_sentinel(logs) == {"sentinel"}


async def test_writes_wake_nobody_while_they_are_not_wanted(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(logs / "a.log", b"one\n")
    async with running(logs) as watcher:
        await watcher.follow_writes(False)
        with monkeypatch.context() as patch:
            recorder = Recorder(watcher, patch)
            append(logs / "a.log", b"two\n")
            assert await recorder.until_sentinel(logs) == {"sentinel"}
        await watcher.follow_writes(True)
        recorder = Recorder(watcher, monkeypatch)
        append(logs / "a.log", b"three\n")
        (logs / "sentinel").unlink()
        assert await recorder.until_sentinel(logs) == {"a.log", "sentinel"}
        assert watcher.alive() == ()


async def test_watching_writes_again_wakes_for_those_that_were_missed(logs: Path) -> None:
    async with running(logs) as watcher:
        await watcher.follow_writes(False)
        await woken(watcher)
        await watcher.follow_writes(True)
        await woken(watcher)


async def test_a_directory_that_does_not_exist_yet_is_watched_once_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "not" / "yet"
    async with running(logs) as watcher:
        assert (watcher.alive(), watcher.problems) == ((), ())
        logs.mkdir(parents=True)
        await watcher.refresh()
        await woken(watcher)
        assert await Recorder(watcher, monkeypatch).until_sentinel(logs) == {"sentinel"}


@pytest.mark.parametrize("rename", [False, True], ids=["deleted", "renamed"])
async def test_a_directory_that_was_replaced_is_watched_again(
    logs: Path, rename: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(logs) as watcher:
        if rename:
            logs.rename(logs.with_name("old"))
        else:
            shutil.rmtree(logs)
            await woken(watcher)
        logs.mkdir()
        await watcher.refresh()
        assert "sentinel" in await Recorder(watcher, monkeypatch).until_sentinel(logs)
        assert watcher.alive() == ()


async def test_linked_directories_outside_are_watched_once_and_links_that_form_a_loop_end(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = logs.with_name("outside")
    (outside / "sub").mkdir(parents=True)
    for number in range(3):
        (logs / f"link-{number}").symlink_to(outside)
        (outside / "sub" / f"up-{number}").symlink_to("..")
        (outside / f"back-{number}").symlink_to(logs)
    watcher = Watcher((logs,), follow_symlinks=True)
    await watcher.start()
    await settled(watcher)
    assert set(watcher._watched) == {logs, outside}
    assert await Recorder(watcher, monkeypatch).until_sentinel(outside / "sub") == {"sentinel"}
    await watcher.stop()


async def test_a_directory_that_is_gone_is_no_reason_to_restart(logs: Path) -> None:
    async with running(logs) as watcher:
        logs.rmdir()
        await woken(watcher)
        assert watcher.alive() == ()
        await watcher.refresh()
        assert (watcher.alive(), watcher.problems) == ((), ())


async def test_lost_events_wake_the_reader(logs: Path) -> None:
    async with running(logs) as watcher:
        (observer,) = watcher._observers.values()
        assert isinstance(observer, InotifyObserver)
        overflow = InotifyEvent(WatchDescriptor(-1), InotifyConstants.IN_Q_OVERFLOW, 0, b"")
        await anyio.to_thread.run_sync(observer._inotify_fd.handle_event, overflow)
        await woken(watcher)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_dispatcher_that_died_is_told(logs: Path) -> None:
    async with running(logs) as watcher:
        (observer,) = watcher._observers.values()
        observer.event_queue.put(None)
        await anyio.to_thread.run_sync(observer.join, BOUND_S)
        assert ["died" in problem for problem in watcher.alive()] == [True]


async def test_an_emitter_that_died_is_told_and_replaced(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(logs) as watcher:
        (observer,) = watcher._observers.values()
        (emitter,) = observer.emitters
        emitter.stop()
        await anyio.to_thread.run_sync(emitter.join, BOUND_S)
        assert watcher.alive() == (f"the file watcher's thread for {logs} died",)
        await watcher.refresh()
        assert watcher.alive() == ()
        assert await Recorder(watcher, monkeypatch).until_sentinel(logs) == {"sentinel"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_dead_inotify_reader_is_told(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(logs) as watcher:
        (observer,) = watcher._observers.values()
        assert isinstance(observer, InotifyObserver)
        reader = observer._inotify_fd
        with monkeypatch.context() as patch:
            patch.setattr(reader, "handle_event", lambda _event: 1 / 0)
            append(logs / "a.log", b"one\n")
            await anyio.to_thread.run_sync(reader.join, BOUND_S)
        assert watcher.alive() == ("the file watcher's thread that reads inotify died",)


@pytest.mark.parametrize(
    ("number", "limit"),
    [(errno.ENOSPC, "fs.inotify.max_user_watches"), (errno.EMFILE, "fs.inotify.max_user_instances")],
)
async def test_a_limit_of_inotify_is_named(
    logs: Path, monkeypatch: pytest.MonkeyPatch, number: int, limit: str
) -> None:
    def refuse() -> None:
        raise OSError(number, "inotify limit reached")

    monkeypatch.setattr(watch, "Observer", refuse)
    async with running(logs) as watcher:
        assert limit in watcher.problems[0]
        assert watcher.alive() == ()


async def test_a_remote_directory_is_polled(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "is_remote", lambda _directory: True)
    async with running(logs) as watcher:
        assert [type(observer) for observer in watcher._observers.values()] == [PollingObserver]
        logs.rename(logs.with_name("old"))
        await woken(watcher)
        logs.mkdir()
        await watcher.refresh()
        assert "sentinel" in await Recorder(watcher, monkeypatch).until_sentinel(logs)
        assert watcher.alive() == ()


async def test_stopping_ends_all_threads(logs: Path) -> None:
    before = set(threading.enumerate())
    async with running(logs):
        pass
    left = set(threading.enumerate()) - before
    assert [thread for thread in left if type(thread).__module__.startswith("watchdog")] == []


async def test_a_thousand_events_are_one_call_into_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    calls: list[Callable[[], object]] = []
    monkeypatch.setattr(loop, "call_soon_threadsafe", calls.append)
    hints = _Hints(loop, changed)
    for _ in range(1000):
        hints.dispatch(FileSystemEvent("a.log"))
    assert len(calls) == 1
    calls.pop()()
    assert changed.is_set()
    hints.dispatch(FileSystemEvent("a.log"))
    assert len(calls) == 1


async def test_an_event_after_the_loop_was_closed_does_no_harm() -> None:
    loop = asyncio.new_event_loop()
    hints = _Hints(loop, asyncio.Event())
    loop.close()
    hints.dispatch(FileSystemEvent("a.log"))


MOUNTS = r"""22 27 0:21 / / rw,relatime - ext4 /dev/vda rw
23 22 0:22 / /srv rw - nfs4 server:/srv rw
24 23 0:23 / /srv/local rw shared:7 master:2 - xfs /dev/vdb rw
25 22 0:24 / /my\040logs rw - fuse.sshfs me@host: rw
28 22 0:27 / /fuse rw - fuse me rw
29 22 0:28 / /usb rw - fuseblk /dev/sda1 rw
26 22 0:25 / /over rw - ext4 /dev/vdc rw
27 22 0:26 / /over rw - cifs //host/share rw
"""


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("/var/log", False),
        ("/srv", True),
        ("/srv/logs/app", True),
        ("/srv/local/logs", False),
        ("/srvlogs", False),
        ("/my logs/app", True),
        ("/over/logs", True),
        ("/fuse/logs", True),
        ("/usb/logs", False),
    ],
)
async def test_the_longest_mount_point_decides_whether_a_path_is_remote(path: str, remote: bool) -> None:
    assert is_remote(Path(path), MOUNTS) is remote


async def test_a_local_directory_is_not_remote(tmp_path: Path) -> None:
    assert not is_remote(tmp_path)
