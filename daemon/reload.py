"""Live settings: notices a saved file, validates it, and hands it over or says what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from config.load import Change, LoadedSettings, SettingsError, differences, settings_files
from config.settings import Settings
from daemon.checked import load_checked
from daemon.logs import tell

POLL_S = 0.4
"""A stat a file: cheaper than a watch, and right for in-place writes, atomic replaces and links alike."""
SETTLE_S = 0.1


Gate = Callable[[Settings, Settings, Sequence[Change]], Awaitable[tuple[str, ...]]]
"""Asked with the settings in force, the new ones and what differs: why they must not be adopted."""


async def no_gate(_old: Settings, _new: Settings, _changes: Sequence[Change]) -> tuple[str, ...]:
    """Lets all pass."""
    return ()


class LiveSettings:
    """The settings in force and the files they come from."""

    def __init__(self, loaded: LoadedSettings, environ: Mapping[str, str], gate: Gate = no_gate) -> None:
        self.settings = loaded.settings
        self._path = loaded.path
        self._environ = environ
        self._gate = gate
        self._asked = False
        self._seen = self._look()
        self.rejected: tuple[str, ...] = ()
        """What is wrong with the files as they are now; empty while they are in force."""

    def ask(self) -> None:
        """Has the files read although they look as before."""
        self._asked = True

    async def changes(self) -> AsyncIterator[Settings | None]:
        """Yields what `reload` gives, each time a file is saved. Ends at once where there is no file."""
        while self._path is not None:
            await anyio.sleep(POLL_S)
            look = self._look()
            if look == self._seen and not self._asked:
                continue
            self._asked = False
            self._seen = look
            await anyio.sleep(SETTLE_S)  # an editor that truncates and then writes is not done yet
            self._seen = self._look()
            yield await self.reload()

    async def reload(self) -> Settings | None:
        """Reads the files now. None if they are invalid, do not pass the gate or change nothing: the old
        settings stay in force."""
        try:
            # In a thread: a large file takes seconds, and the watchdog has to be fed meanwhile.
            new = (await anyio.to_thread.run_sync(load_checked, self._path, self._environ)).settings
        except SettingsError as error:
            self._reject(error.problems)
            return None
        kept = _keep(self.settings, new)
        changes = differences(self.settings, new)
        if refusal := await self._gate(self.settings, kept, changes):
            self._reject(refusal)
            return None
        if self.rejected:
            tell("INFO", "settings-valid", f"{self._path} is valid again")
        self.rejected = ()
        for change in changes:
            note = "; takes effect at the next start" if change.needs_restart else ""
            tell("INFO", "setting-changed", f"{change.key}: {change.old} -> {change.new}{note}")
        if not changes:
            return None
        self.settings = kept
        return kept

    def _reject(self, problems: tuple[str, ...]) -> None:
        if problems != self.rejected:
            for problem in problems:
                tell("ERROR", "settings-rejected", f"{problem}; the settings from before stay in force")
        self.rejected = problems

    def _look(self) -> list[tuple[Path, tuple[int, ...]]]:
        return [(path, _stamp(path)) for path in settings_files(self._path)]


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _keep(old: Settings, new: Settings) -> Settings:
    """The new settings, but for what a running daemon cannot change."""
    ingest = new.ingest.model_copy(update={"window_s": old.ingest.window_s})
    return new.model_copy(update={"store": old.store, "ingest": ingest})
