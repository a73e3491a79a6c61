"""What the settings mean: the docstrings below the fields of `config.settings`.

They are read from the source when they are wanted. Each start would take a tenth longer if pydantic read them.
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise

from pydantic import BaseModel

from config.settings import KEYS, Settings


def descriptions() -> dict[str, str]:
    """Those of all settings, by dotted key."""
    of_settings = field_descriptions(Settings)
    found: dict[str, str] = {}
    for key in KEYS:
        section, _, name = key.partition(".")
        model = Settings.model_fields[section].annotation if name else None
        of_field = field_descriptions(model) if isinstance(model, type) else of_settings
        found[key] = of_field.get(name or section, "")
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
