"""Wakes the reader when something changed under the log directories.

Events are hints and say nothing but "look": which file has what to read, only a look can tell, and the caller
looks on a timer anyway. So nothing is lost here: an event that is missed costs time, not lines.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from anyio import to_thread
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.inotify_c import InotifyFD
from watchdog.observers.polling import PollingObserver

from .identity import FileKey
from .mounts import is_remote

# Without a filter, opening and closing a log to read it makes events, which wake the reader for nothing.
NAMES_CHANGE: Final[tuple[type[FileSystemEvent], ...]] = (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
)
INOTIFY: Final = "inotify"
REMOTE: Final = "remote"
"""Kinds of observers: the kernel tells of changes, or the directory is polled."""
INOTIFY_LOG: Final = logging.getLogger("watchdog.observers.inotify_c")


class _Watched(msgspec.Struct, frozen=True):
    """A directory while it is watched."""

    observer: BaseObserver
    watch: ObservedWatch
    key: FileKey
    writes: bool

    def is_emitting(self) -> bool:
        """False once the directory was deleted, of which the observer says nothing."""
        return any(
            emitter.watch == self.watch and emitter.is_alive() for emitter in tuple(self.observer.emitters)
        )

    def end(self) -> None:
        self.observer.unschedule(self.watch)


class Watcher:
    """Watches directories, those included that do not exist yet.

    `start`, `refresh`, `follow_writes` and `stop` work in a thread: one task calls them, one by one."""

    def __init__(
        self, directories: Iterable[Path], *, recursive: bool = True, follow_symlinks: bool = False
    ) -> None:
        self._deaths: Counter[Path] = Counter()
        self.problems: tuple[str, ...] = ()
        """For people: what cannot be watched, which is read by the timer of the caller all the same, and what
        had to be watched anew."""
        self._directories = tuple(directory.absolute() for directory in directories)
        self._recursive = recursive
        self._follow_symlinks = follow_symlinks
        self._writes = True
        self._changed = asyncio.Event()
        self._hints: _Hints | None = None
        self._observers: dict[str, BaseObserver] = {}
        self._watched: dict[Path, _Watched] = {}

    async def start(self) -> None:
        """Watches the directories that exist. Raises nothing on their account: see `problems`."""
        self._hints = _Hints(asyncio.get_running_loop(), self._changed)
        INOTIFY_LOG.addHandler(self._hints.overflow)
        await self.refresh()

    async def stop(self) -> None:
        if self._hints is not None:
            INOTIFY_LOG.removeHandler(self._hints.overflow)
        # In a thread: stopping waits for threads that may wait for the loop.
        await to_thread.run_sync(self._stop)

    async def wait(self) -> None:
        """Returns when something changed since it returned last."""
        await self._changed.wait()
        self._changed.clear()

    async def refresh(self) -> None:
        """Watches what appeared or was replaced. To be called whenever the directories are looked at."""
        await to_thread.run_sync(self._refresh)

    async def follow_writes(self, wanted: bool) -> None:
        """Whether writes to files wake the reader. While it looks often by itself they only cost time."""
        if wanted != self._writes:
            self._writes = wanted
            await self.refresh()

    def alive(self) -> tuple[str, ...]:
        """What is broken so that a restart helps: threads that died. Empty if all is well."""
        observers, watched = dict(self._observers), dict(self._watched)
        dead = [
            f"the file watcher's thread {each.name} died"
            for each in observers.values()
            if not each.is_alive()
        ]
        if INOTIFY in observers and not any(
            isinstance(thread, InotifyFD) for thread in threading.enumerate()
        ):
            dead.append("the file watcher's thread that reads inotify died")
        for directory, each in watched.items():
            if not each.is_emitting() and each.key == _key(directory):
                dead.append(f"the file watcher's thread for {directory} died")
        return tuple(dead)

    @property
    def deaths(self) -> int:
        """How many threads died and were started again."""
        return sum(self._deaths.values())

    def _refresh(self) -> None:
        problems = []
        for directory in [*self._directories, *self._linked()]:
            try:
                self._watch(directory)
            except OSError as error:
                problems.append(
                    f"{directory}: cannot be watched ({_reason(error)}); looked at by the timer alone"
                )
        problems += [
            f"the file watcher's thread for {directory} died and was started again, {count} times so far"
            for directory, count in self._deaths.items()
        ]
        self.problems = tuple(problems)

    def _linked(self) -> list[Path]:
        """The directories outside that links lead to. watchdog itself would go round and round in links that
        form a loop."""
        watched = [directory.resolve() for directory in self._directories]
        pending = [*watched] if self._recursive and self._follow_symlinks else []
        while pending:
            for folder, names, _ in os.walk(pending.pop()):
                links = [path for name in names if (path := Path(folder, name)).is_symlink()]
                for target in [link.resolve() for link in links]:
                    if not any(target.is_relative_to(known) for known in watched):
                        watched.append(target)
                        pending.append(target)
        return watched[len(self._directories) :]

    def _watch(self, directory: Path) -> None:
        old, key = self._watched.get(directory), _key(directory)
        if old and (old.key, old.writes) == (key, self._writes) and old.is_emitting():
            return
        if old and (old.key != key or not old.is_emitting()):
            if old.key == key:
                self._deaths[directory] += 1
            # First, since a watch of the same path would be taken for the dead one.
            self._watched.pop(directory).end()
            old = None
        if key is None or self._hints is None:
            return
        os.scandir(directory).close()  # inotify says nothing about a directory that may not be listed
        observer = self._observer(REMOTE if is_remote(directory) else INOTIFY)
        watch = observer.schedule(
            self._hints,
            str(directory),
            recursive=self._recursive,
            event_filter=[*NAMES_CHANGE, FileModifiedEvent] if self._writes else [*NAMES_CHANGE],
        )
        self._watched[directory] = _Watched(observer, watch, key, self._writes)
        if old:
            old.end()
        self._hints.give()  # for what happened before

    def _observer(self, kind: str) -> BaseObserver:
        if kind not in self._observers:
            observer = PollingObserver() if kind == REMOTE else Observer()
            observer.start()
            self._observers[kind] = observer
        return self._observers[kind]

    def _stop(self) -> None:
        self._watched.clear()
        while self._observers:
            _, observer = self._observers.popitem()
            observer.stop()
            observer.join()


class _Hints(FileSystemEventHandler):
    """Wakes the loop from the threads of watchdog; never blocks or raises, which would end them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
        self.overflow = _OverflowHandler(self)
        self._loop = loop
        self._changed = changed
        self._armed = False

    def dispatch(self, event: FileSystemEvent) -> None:
        self.give()

    def give(self) -> None:
        if not self._armed:  # one call at a time: thousands of events cost the loop one
            self._armed = True
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._armed = False
        self._changed.set()


class _OverflowHandler(logging.Handler):
    """Events that the kernel dropped are reported in a warning of watchdog and nowhere else."""

    def __init__(self, hints: _Hints) -> None:
        super().__init__(logging.WARNING)
        self._hints = hints

    def emit(self, record: logging.LogRecord) -> None:
        self._hints.give()


def _key(directory: Path) -> FileKey | None:
    try:
        status = directory.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _reason(error: OSError) -> str:
    limits = {errno.ENOSPC: "fs.inotify.max_user_watches", errno.EMFILE: "fs.inotify.max_user_instances"}
    limit = limits.get(error.errno or 0)
    return f"{error.strerror}: raise the sysctl {limit}" if limit else str(error.strerror)
