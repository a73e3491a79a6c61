"""Which selfheald this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """Its version, or "" where it is not installed and runs from its source."""
    try:
        return version("selfheald")
    except PackageNotFoundError:
        return ""
