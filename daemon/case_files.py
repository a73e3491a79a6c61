"""Cases as JSON: one for the store, and three files for the test suite.

`settings.yaml` holds the limits, `expected.json` the anomaly and `inputs.json` all else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from pydantic import BaseModel, ValidationError

from handlers.anomaly.case import Case

INPUTS: Final = "inputs.json"
SETTINGS: Final = "settings.yaml"
EXPECTED: Final = "expected.json"
_SETTINGS: Final = {
    "limits": "detect",
    "detect_of": "detect_of",
    "detect_of_source": "detect_of_source",
    "expected_ms": "expected_ms",
}
"""Fields of a case that are settings."""


class CaseError(Exception):
    """A case that cannot be read or written; the message says where and why."""


def to_builtins(case: Case) -> dict[str, Any]:
    """The case as JSON can hold it."""
    fields: dict[str, Any] = msgspec.to_builtins(case, str_keys=True, enc_hook=_encode)
    return fields


def from_builtins(fields: object) -> Case:
    """The case in it. Raises msgspec.ValidationError if it is none."""
    return msgspec.convert(fields, Case, str_keys=True, dec_hook=_decode)


def write_case(case: Case, folder: Path) -> tuple[Path, ...]:
    """Writes the files of a case into a folder, which is made if need be. Returns them. Raises CaseError."""
    fields = to_builtins(case)
    limits = {name: fields.pop(field) for field, name in _SETTINGS.items()}
    texts = {
        EXPECTED: json.dumps(fields.pop("anomaly"), indent=2) + "\n",
        SETTINGS: yaml.safe_dump(limits, sort_keys=False, allow_unicode=True),
        INPUTS: json.dumps(fields) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CaseError(f"{folder}: cannot be written ({error.strerror})") from error
    return tuple(folder / name for name in texts)


def read_case(folder: Path) -> Case:
    """The case in the files of a folder. Raises CaseError."""
    fields = _read(folder / INPUTS, json.loads)
    limits = _read(folder / SETTINGS, yaml.safe_load)
    fields |= {field: limits[name] for field, name in _SETTINGS.items() if name in limits}
    fields["anomaly"] = _read(folder / EXPECTED, json.loads)
    try:
        return from_builtins(fields)
    except msgspec.ValidationError as error:
        raise CaseError(f"{folder}: is no case of this version ({error})") from error


def _read(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        fields = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CaseError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, yaml.YAMLError) as error:
        raise CaseError(f"{path}: cannot be understood ({error})") from error
    if not isinstance(fields, dict):
        raise CaseError(f"{path}: must be a mapping")
    return fields


def _encode(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise NotImplementedError(f"{type(value).__name__} has no place in a case")


def _decode(kind: type, value: object) -> object:
    if not issubclass(kind, BaseModel):
        raise NotImplementedError(f"{kind.__name__} has no place in a case")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ValueError(str(error)) from error
