"""The settings in force, for those who read the store. Table `settings`: one document.

A command reads the same file as the daemon, but the daemon may have refused what stands there.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from config.limits import takes_part
from config.settings import Settings
from config.show import values_by_key
from daemon.store import Store
from daemon.telemetry_records import from_document, to_document

_RECORD_ID: Final = 1


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


def put_in_force(store: Store, settings: Settings, rejected: tuple[str, ...] = ()) -> None:
    """Stores them, if they are others than before. Raises StoreError."""
    record = SettingsInForce(verdict_values(settings), rejected)
    if load_in_force(store) != record:
        store.table("settings").put([to_document(record, _RECORD_ID)])


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
