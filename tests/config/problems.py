"""What the tests of wrong settings share."""

import textwrap
from pathlib import Path

import pytest

from config.load import SettingsError, load_settings

UNKNOWN = "unknown setting; "
NO_DECIMAL = "is no plain decimal number; put text in quotes"


def problems_of(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ or {})
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def written(content: str | bytes) -> Path:
    """`content` as c.yaml in the working directory."""
    path = Path("c.yaml")
    path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
    return path
