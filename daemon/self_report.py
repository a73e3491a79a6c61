"""Publishes the daemon's metrics where the settings say, for as long as it runs."""

from __future__ import annotations

from contextlib import suppress

from config.settings import Metrics
from daemon.exposition import exposition
from daemon.logs import tell
from daemon.metrics_out import MetricsPort, write_metrics_file
from daemon.self_metrics import Figures, families


class SelfReport:
    """Follows the settings; a place that cannot be used is told once and does not stop the daemon."""

    def __init__(self) -> None:
        self._port: MetricsPort | None = None
        self._wanted_port: int | None = None
        self._failed = ""

    def follow(self, metrics: Metrics) -> None:
        """Opens or closes the port."""
        if metrics.port == self._wanted_port:
            return
        self.close()
        self._wanted_port = metrics.port
        if metrics.port is not None:
            try:
                self._port = MetricsPort(metrics.port)
            except OSError as error:
                tell("ERROR", "metrics-unusable", f"metrics.port {metrics.port}: {error.strerror}")

    def publish(self, metrics: Metrics, figures: Figures) -> None:
        text = exposition(families(figures))
        if self._port is not None:
            self._port.text = text
        failed = ""
        if metrics.file is not None:
            try:
                write_metrics_file(metrics.file, text)
            except OSError as error:
                failed = f"metrics.file {metrics.file}: {error.strerror}"
        if failed and failed != self._failed:
            tell("ERROR", "metrics-unusable", failed)
        self._failed = failed

    def close(self) -> None:
        if self._port is not None:
            with suppress(OSError):
                self._port.close()
            self._port = None
