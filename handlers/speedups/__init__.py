"""The innermost loops over the bytes of logs, in C where a compiler was there when this was installed.

`handlers._speedups` is built from the C files here. Each of its functions has a twin in Python that does the
same to the byte, stands where it is used, and serves without it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def are_built() -> bool:
    """Whether the functions in C are there."""
    return find_spec("handlers._speedups") is not None


def either(twin: Callable[P, T], name: str) -> Callable[P, T]:
    """The function of this name in C, or its twin in Python where it was not built (anew)."""
    try:
        fast: Callable[P, T] = getattr(import_module("handlers._speedups"), name)
    except (ImportError, AttributeError):
        return twin
    return fast
