"""Settings that are checked against what only the daemon knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config.load import LoadedSettings, SettingsError, load_settings
from config.patterns import LINEAR
from config.settings import Settings
from handlers.formats.registry import log_formats


def load_checked(path: Path | None, environ: Mapping[str, str]) -> LoadedSettings:
    """Like `config.load.load_settings`; the log format must be one that there is, and no name mean two.

    Raises SettingsError.
    """
    loaded = load_settings(path, environ)
    taken = [name for name in loaded.settings.formats if name in ("auto", *log_formats(Settings()))]
    if taken:
        where = loaded.origins["formats"]
        reason = "is the name of a format that is built in; take another"
        raise SettingsError(tuple(f"{where}: formats.{name}: {reason}" for name in taken))
    names = ("auto", *log_formats(loaded.settings))
    logs = loaded.settings.logs
    given = [("logs.format", "logs.format", logs.format)]
    given += [("logs.format_of", f"logs.format_of.{glob}", name) for glob, name in logs.format_of.items()]
    unknown = tuple(
        f"{loaded.origins[key]}: {shown}: must be one of {', '.join(names)} (got {name})"
        for key, shown, name in given
        if name not in names
    )
    if unknown:
        raise SettingsError(unknown)
    return loaded


def slow_patterns(settings: Settings) -> list[str]:
    """The warning that the operator's patterns can be slow; none where google-re2 is installed."""
    if LINEAR or not settings.formats:
        return []
    names = ", ".join(settings.formats)
    return [f"formats: some line may keep {names} busy for more than linear time; google-re2 prevents it"]
