"""What the settings mean: the docstrings below the fields of `config.settings`.

They are read from the source when they are wanted: if pydantic read them, each start would take longer.
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise

from pydantic import BaseModel

from config.settings import KEYS, Section, Settings


def descriptions() -> dict[str, str]:
    """Those of all settings, by dotted key."""
    of_settings = field_descriptions(Settings)
    found: dict[str, str] = {}
    for key in KEYS:
        section, _, name = key.partition(".")
        model = Settings.model_fields[section].annotation
        if name and isinstance(model, type) and issubclass(model, Section):
            found[key] = field_descriptions(model)[name]
        else:
            found[key] = of_settings[section]
    return found


def field_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Those of the fields of a group of settings."""
    found: dict[str, str] = {}
    for parent in model.__mro__[::-1]:
        if parent.__module__ == Settings.__module__:
            found |= _below_fields(parent)
    return found


def _below_fields(model: type) -> dict[str, str]:
    [definition] = ast.parse(inspect.getsource(model)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
