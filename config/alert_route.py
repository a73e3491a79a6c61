"""Where alerts go, and which."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

AlertEvent = Literal["open", "escalate", "resolve"]
SeverityName = Literal["low", "medium", "high", "critical"]

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_FROM_FILE: Final = "@"


def _require_http(url: str) -> str:
    if url.startswith(_FROM_FILE):
        return url
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https URL, or @ and the path of a file that holds it")
    return url


def _require_clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise ValueError('must be a time such as "08:00", in quotes')
    return text


def _require_span(text: str) -> str:
    begin, dash, end = text.partition("-")
    if not dash or not (_CLOCK.fullmatch(begin) and _CLOCK.fullmatch(end)) or begin == end:
        raise ValueError('must be a span such as "22:00-07:00"')
    return text


class AlertRoute(BaseModel):
    """One receiver. Exactly one of webhook, apprise and command says how it is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook: Annotated[str, AfterValidator(_require_http)] | None = None
    apprise: str | None = None
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    min_severity: SeverityName = "low"
    on: tuple[AlertEvent, ...] = ("open", "escalate", "resolve")
    quiet: Annotated[str, AfterValidator(_require_span)] | None = None
    quiet_below: SeverityName = "critical"
    digest: Annotated[str, AfterValidator(_require_clock)] | None = None

    @model_validator(mode="after")
    def _require_one_way(self) -> Self:
        ways = [name for name in ("webhook", "apprise", "command") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError("must have exactly one of webhook, apprise and command")
        return self


def clock_of(text: str) -> time:
    """The time of day of "08:00"."""
    return time.fromisoformat(text)
