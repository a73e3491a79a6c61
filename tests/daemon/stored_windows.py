"""All that the store holds of windows, which readers get piece by piece."""

from __future__ import annotations

from daemon.telemetry_records import TelemetryRecords
from handlers.model import TelemetryMetrics

_END_MS = 1 << 45


def stored_windows(telemetry: TelemetryRecords) -> TelemetryMetrics:
    """The windows, as the daemon reads them, of all time."""
    piece = telemetry.windows(0, _END_MS, 1 << 30)
    windows = dict(piece.windows)
    while piece.windows:
        piece = telemetry.windows(max(piece.windows) + piece.window_ms, _END_MS, 1 << 30)
        windows |= piece.windows
    return TelemetryMetrics(piece.window_ms, windows)
