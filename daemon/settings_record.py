"""The settings in force, for those who read the store. Table `settings`: one document.

A command reads the same file as the daemon, but the daemon may have refused what stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from config.limits import takes_part
from config.settings import Settings
from config.show import values_by_key
from daemon.marks import Marks
from daemon.store import Store
from daemon.telemetry_records import from_document, to_document
from handlers.model import Mark

_RECORD_ID: Final = 1
_MAX_CHARS: Final = 200
"""Of a value in a mark."""


class SettingsInForce(msgspec.Struct, frozen=True):
    """What the writer of the store judges by."""

    values: dict[str, Any] = {}
    """Of the settings that take part in verdicts, as JSON, by dotted key."""
    rejected: tuple[str, ...] = ()
    """Why the files as they are now are not in force; empty while they are."""


def load_in_force(store: Store) -> SettingsInForce | None:
    """None where no daemon has used the store. Call inside of a snapshot."""
    document = store.table("settings").get(doc_id=_RECORD_ID)
    return from_document(document, SettingsInForce) if document is not None else None


def put_in_force(
    store: Store, settings: Settings, rejected: tuple[str, ...] = (), *, marks: Marks, at_ms: int
) -> None:
    """Stores them, if they are others than before, and a mark of each that is. Raises StoreError."""
    record = SettingsInForce(verdict_values(settings), rejected)
    before = load_in_force(store)
    if before == record:
        return
    with store.transaction():
        store.table("settings").put([to_document(record, _RECORD_ID)])
        if before is not None:
            marks.add(_marks(before.values, record.values, at_ms))


def _marks(before: dict[str, Any], after: dict[str, Any], at_ms: int) -> Iterator[Mark]:
    for key in sorted(before.keys() | after.keys()):
        old, new = (_text(values[key]) if key in values else "" for values in (before, after))
        if old != new:
            yield Mark(at_ms, "", "settings", key, old, new)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 1]}…"


def verdict_values(settings: Settings) -> dict[str, Any]:
    """The settings that take part in verdicts, as JSON, by dotted key."""
    return {key: value for key, value in values_by_key(settings).items() if takes_part(key)}


def with_values(settings: Settings, values: dict[str, Any]) -> Settings:
    """The settings with those values in place of their own. Raises pydantic.ValidationError."""
    nested = settings.model_dump(mode="json")
    for key, value in values.items():
        section, _, name = key.partition(".")
        if name:
            nested[section][name] = value
        else:
            nested[section] = value
    return Settings(**nested)
