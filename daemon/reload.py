"""Live settings: notices a saved file, validates it, and hands it over or says what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import anyio
import anyio.to_thread

from config.load import LoadedSettings, SettingsError, differences, settings_files
from config.settings import Settings
from daemon.checked import load_checked
from daemon.logs import tell

POLL_S = 0.4
"""A stat a file: cheaper than a watch, and right for in-place writes, atomic replaces and links alike."""
SETTLE_S = 0.1


class LiveSettings:
    """The settings in force and the files they come from."""

    def __init__(self, loaded: LoadedSettings, environ: Mapping[str, str]) -> None:
        self.settings = loaded.settings
        self._path = loaded.path
        self._environ = environ
        self._seen = self._look()
        self.rejected: tuple[str, ...] = ()
        """What is wrong with the files as they are now; empty while they are in force."""

    async def changes(self) -> AsyncIterator[Settings]:
        """Yields new settings each time a valid edit is saved. Ends at once where there is no file."""
        while self._path is not None:
            await anyio.sleep(POLL_S)
            look = self._look()
            if look == self._seen:
                continue
            self._seen = look
            await anyio.sleep(SETTLE_S)  # an editor that truncates and then writes is not done yet
            self._seen = self._look()
            if (settings := await self.reload()) is not None:
                yield settings

    async def reload(self) -> Settings | None:
        """Reads the file now. None if it is invalid or changes nothing; the old settings stay in force."""
        try:
            # In a thread: a large file takes seconds, and the watchdog has to be fed meanwhile.
            new = (await anyio.to_thread.run_sync(load_checked, self._path, self._environ)).settings
        except SettingsError as error:
            if error.problems != self.rejected:
                for problem in error.problems:
                    tell("ERROR", "settings-rejected", f"{problem}; the settings from before stay in force")
            self.rejected = error.problems
            return None
        if self.rejected:
            tell("INFO", "settings-valid", f"{self._path} is valid again")
        self.rejected = ()
        changes = differences(self.settings, new)
        for change in changes:
            note = "; takes effect at the next start" if change.needs_restart else ""
            tell("INFO", "setting-changed", f"{change.key}: {change.old} -> {change.new}{note}")
        if not changes:
            return None
        self.settings = _keep(self.settings, new)
        return self.settings

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
