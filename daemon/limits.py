"""The operator's settings in the units of the handlers."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from config.settings import Settings
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
