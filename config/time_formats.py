"""The formats of strptime with which operators declare how times are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_YEARS: Final = frozenset("YyGcx")
"""The directives that hold a year."""


def holds_year(time_format: str) -> bool:
    """Whether the format has a year; syslog and others leave it out."""
    return not _YEARS.isdisjoint(re.findall(r"%(.)", time_format, re.DOTALL))


def require_time_format(time_format: str | None) -> str | None:
    """Raises ValueError for what strptime does not know, or what gives no day."""
    if time_format is None:
        return None
    moment = datetime(2000, 1, 2, 3, 4, 5, tzinfo=UTC)
    dated = time_format if holds_year(time_format) else f"%Y {time_format}"
    try:
        read = datetime.strptime(moment.strftime(dated), dated)
    except (ValueError, re.error):  # the latter where a directive stands twice
        raise ValueError("must be a format of strptime, such as %d/%b/%Y:%H:%M:%S %z") from None
    if read.date() != moment.date():
        raise ValueError("must hold the month and the day, such as %Y-%m-%d or %b %d")
    return time_format
