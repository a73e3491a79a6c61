"""What one look found."""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["ok", "warning", "failed", "unknown"]


class Check(msgspec.Struct, frozen=True):
    name: str
    outcome: Outcome
    finding: str
    advice: str = ""
    """What to do; "" where nothing is to be done."""
