"""The settings in force as YAML, and where each comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from config.settings import KEYS, Settings


def values_by_key(settings: Settings) -> dict[str, Any]:
    """Dotted key -> value as JSON can hold it, in the order of the settings."""
    dumped = settings.model_dump(mode="json")
    values: dict[str, Any] = {}
    for key in KEYS:
        section, _, name = key.partition(".")
        values[key] = dumped[section][name] if name else dumped[section]
    return values


def settings_text(settings: Settings, origins: Mapping[str, str]) -> str:
    """YAML that gives these settings again, each with its origin as a comment if it has one in `origins`."""
    lines: list[str] = []
    for section, group in groupby(values_by_key(settings).items(), lambda item: item[0].partition(".")[0]):
        keys = list(group)
        if keys[0][0] != section:
            lines.append(f"{section}:")
        for key, value in keys:
            _, dot, name = key.rpartition(".")
            comment = f"  # {origins[key]}" if key in origins else ""
            # JSON is YAML.
            lines.append(f"{'  ' if dot else ''}{name}: {json.dumps(value, ensure_ascii=False)}{comment}")
    return "\n".join(lines) + "\n"
