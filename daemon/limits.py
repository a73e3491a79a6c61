"""The operator's settings in the units of the handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from config.limits import limits_of_all
from config.settings import Settings
from daemon.incident_life import Moment
from handlers.telemetry.sequence import TelemetryLimits


def telemetry_limits(settings: Settings) -> TelemetryLimits:
    """What the telemetry sequence needs to know of the settings."""
    return TelemetryLimits(
        window_ms=settings.ingest.window_s * 1000,
        run_timeout_ms=round(settings.ingest.run_timeout_s * 1000),
        max_skew_ms=round(settings.ingest.max_clock_skew_s * 1000),
        batch_bytes=settings.ingest.batch_bytes,
        wanted_format=settings.logs.format,
        zone=ZoneInfo(settings.ingest.timezone),
        zone_of={glob: ZoneInfo(name) for glob, name in settings.ingest.timezone_of.items()},
    )


def moment_of(
    settings: Settings, told_by: Mapping[str, frozenset[str]], judged_until_ms: int, now_ms: int
) -> Moment:
    """The moment of a detection that judged the windows before `judged_until_ms`.

    `told_by`: as in `limits_of_all`.
    """
    limits_of = limits_of_all(settings.detect_of, settings.detect_of_source, told_by)
    return Moment(
        judged_until_ms=judged_until_ms,
        now_ms=now_ms,
        hold_ms=round(settings.detect.hold_s * 1000),
        hold_ms_of={
            subjects: round(given.hold_s * 1000)
            for subjects, given in limits_of.items()
            if "hold_s" in given.model_fields_set
        },
        forget_ms=round(settings.retention.windows_h * _HOUR_MS),
    )


_HOUR_MS: Final = 3_600_000
