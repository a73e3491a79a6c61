"""Spans of time as people write them."""

from __future__ import annotations

import re
from typing import Final

_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(text: str) -> int | None:
    """Of "90s", "30m", "1.5h" or "2d"; None if it is none of these."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", text.strip(), re.ASCII)
    return round(float(match[1]) * _UNIT_MS[match[2]]) if match else None
