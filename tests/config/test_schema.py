"""The JSON Schema by which editors complete and check the settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import config
from config.descriptions import descriptions
from config.schema import schema_text
from config.settings import KEYS

FOLDER = Path(config.__file__).parent
SCHEMA = json.loads(schema_text())


def test_the_shipped_schema_is_that_of_the_settings() -> None:
    """`selfheald config schema > config/selfheald.schema.json` brings it up to date."""
    assert (FOLDER / "selfheald.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_shipped_yaml_leads_editors_to_the_schema_beside_it() -> None:
    text = (FOLDER / "selfheald.yaml").read_text(encoding="utf-8")
    assert "\n# yaml-language-server: $schema=selfheald.schema.json\n" in text


@pytest.mark.parametrize("key", KEYS)
def test_a_setting_is_described(key: str) -> None:
    section, _, name = key.partition(".")
    found = SCHEMA["properties"][section]
    if name:
        reference = found["anyOf"][0]["$ref"]
        found = SCHEMA["$defs"][reference.rpartition("/")[2]]["properties"][name]
    assert found["description"] == descriptions()[key]
    assert "default" in found


def test_unknown_settings_are_marked_and_empty_sections_are_not() -> None:
    assert SCHEMA["additionalProperties"] is False
    assert SCHEMA["$defs"]["Detect"]["additionalProperties"] is False
    assert all({"type": "null"} in each["anyOf"] for each in SCHEMA["properties"].values())
