"""The settings as JSON Schema, by which editors complete and check the YAML file."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel

from config.descriptions import field_descriptions
from config.settings import DetectOf, Section, Settings

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """A JSON Schema (2020-12) of selfheald.yaml and its drop-ins."""
    schema: dict[str, Any] = Settings.model_json_schema()
    _describe(schema, Settings)
    sections: list[type[Section]] = [*Section.__subclasses__(), DetectOf]
    for model in sections:
        _describe(schema["$defs"][model.__name__], model)
    schema["properties"] = {name: _or_nothing(each) for name, each in schema["properties"].items()}
    schema |= {"$schema": _DIALECT, "title": "Settings of selfheald", "description": "selfheald.yaml"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    properties = schema["properties"]
    for name, meaning in field_descriptions(model).items():
        if name in properties:
            properties[name] = dict(sorted({**properties[name], "description": meaning}.items()))


def _or_nothing(section: dict[str, Any]) -> dict[str, Any]:
    """A section may be empty: its settings are commented out."""
    kind = {key: section.pop(key) for key in ("$ref", "type", "additionalProperties") if key in section}
    return section | {"anyOf": [kind, {"type": "null"}]}
