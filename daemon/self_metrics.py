"""The daemon's figures for Prometheus: what it read, how far behind it is, what is wrong, how it is."""

from __future__ import annotations

import os
import resource
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from daemon.beat_times import BeatTimes
from daemon.exposition import Family, Sample
from daemon.incident import Incident
from daemon.lag import Lag
from daemon.telemetry_records import Source, Totals

_TYPES: Final = ("performance", "behavioral", "coverage", "error", "self")


class StoredFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the store and the files say."""

    totals: Totals
    sources: tuple[Source, ...]
    lag: Lag
    incidents: tuple[Incident, ...]
    store_bytes: int
    lossy_windows: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at one moment."""

    version: str
    started_s: float
    """Since the epoch."""
    stored: StoredFigures
    store_max_bytes: int
    beats: Mapping[tuple[str, str], BeatTimes]
    alive: Mapping[str, bool]
    """By component: watcher, reader, scheduler, store."""
    settings_valid: bool


def families(figures: Figures) -> Iterable[Family]:
    """All metrics, in a stable order."""
    yield _gauge("selfheald_build_info", "The version that runs; always 1.", 1, version=figures.version)
    yield _gauge("selfheald_start_time_seconds", "When the daemon was started.", figures.started_s)
    yield from _reading(figures)
    yield from _verdicts(figures)
    yield from _own(figures)


def _reading(figures: Figures) -> Iterable[Family]:
    stored = figures.stored
    totals, checkpoints = stored.totals, [source.checkpoint for source in stored.sources]
    outcomes = {
        "matched": totals.matched,
        "unmatched": totals.lines - totals.matched,
        "unreadable": totals.unreadable,
        "undecodable": totals.undecodable,
        "cut": sum(at.lines_cut for at in checkpoints),
        "quarantined": sum(at.lines_quarantined for at in checkpoints),
    }
    help_ = (
        "Lines read, by outcome. Every line is matched or unmatched; the other outcomes say what else it is."
    )
    yield _counters("selfheald_lines_total", help_, "outcome", outcomes)
    left = {"late": totals.late, "ahead": totals.ahead, "untimed": totals.untimed}
    yield _counter("selfheald_events_total", "Events found in the lines.", totals.events)
    yield _counters("selfheald_events_mistimed_total", "Events late, ahead or without a time.", "why", left)
    yield _counter("selfheald_read_bytes_total", "Bytes read.", sum(at.bytes_read for at in checkpoints))
    lost = sum(at.bytes_lost for at in checkpoints)
    yield _counter("selfheald_lost_bytes_total", "Bytes that were gone before they were read.", lost)
    states = Counter(at.state for at in checkpoints)
    yield _gauges("selfheald_sources", "Known log files, by state.", "state", dict(sorted(states.items())))
    yield _gauge("selfheald_lag_bytes", "Bytes that stand unread.", stored.lag.bytes)
    if stored.lag.seconds is not None:
        yield _gauge("selfheald_lag_seconds", "Age of the oldest unread byte.", stored.lag.seconds)
    yield _gauge(
        "selfheald_watermark_timestamp_seconds", "Latest event time read.", totals.watermark_ms / 1000
    )
    yield _gauge(
        "selfheald_lossy_windows", "Windows in which lines were lost: no evidence.", stored.lossy_windows
    )
    yield _counter("selfheald_commits_total", "Commits of telemetry.", totals.commits)


def _verdicts(figures: Figures) -> Iterable[Family]:
    judged_s = figures.stored.totals.judged_until_ms / 1000
    yield _gauge("selfheald_judged_until_timestamp_seconds", "End of the last judged window.", judged_s)
    counted = Counter(
        (each.anomaly.__struct_config__.tag, each.anomaly.severity, each.state)
        for each in figures.stored.incidents
    )
    samples = (
        Sample(number, {"type": str(kind), "severity": severity, "state": state})
        for (kind, severity, state), number in sorted(counted.items())
    )
    # Zero is said too: an alert on a metric that is missing never fires, and never ends.
    present = {(str(kind), state) for kind, _, state in counted}
    none = (
        Sample(0, {"type": kind, "severity": "low", "state": "open"})
        for kind in _TYPES
        if (kind, "open") not in present
    )
    yield Family("selfheald_incidents", "gauge", "Incidents, by type, severity and state.", (*samples, *none))


def _own(figures: Figures) -> Iterable[Family]:
    yield _gauge("selfheald_store_bytes", "Pages of the store in use.", figures.stored.store_bytes)
    yield _gauge("selfheald_store_max_bytes", "store.max_bytes.", figures.store_max_bytes)
    alive = {name: int(is_alive) for name, is_alive in figures.alive.items()}
    yield _gauges("selfheald_alive", "1 while the component does its work.", "component", alive)
    valid = int(figures.settings_valid)
    yield _gauge("selfheald_settings_valid", "0 while the settings file is rejected.", valid)
    beats = sorted(figures.beats.items())
    named = {key: {"sequence": key[0], "handler": key[1]} for key, _ in beats}
    yield Family(
        "selfheald_beat_duration_seconds_total",
        "counter",
        "Time spent in each own handler.",
        tuple(Sample(times.total_us / 1e6, named[key]) for key, times in beats),
    )
    yield Family(
        "selfheald_beats_total",
        "counter",
        "Own beats, by outcome.",
        tuple(
            Sample(number, {**named[key], "outcome": outcome})
            for key, times in beats
            for outcome, number in (("completed", times.completed), ("failed", times.failed))
        ),
    )
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield _counter("process_cpu_seconds_total", "CPU time used.", usage.ru_utime + usage.ru_stime)
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    yield _gauge("process_resident_memory_bytes", "Resident memory.", resident)
    yield _gauge("process_open_fds", "Open file descriptors.", len(os.listdir("/proc/self/fd")))  # noqa: PTH208


def _counter(name: str, help_: str, value: float) -> Family:
    return Family(name, "counter", help_, (Sample(value),))


def _counters(name: str, help_: str, label: str, values: Mapping[str, float]) -> Family:
    samples = tuple(Sample(value, {label: key}) for key, value in values.items())
    return Family(name, "counter", help_, samples)


def _gauge(name: str, help_: str, value: float, **labels: str) -> Family:
    return Family(name, "gauge", help_, (Sample(value, labels),))


def _gauges(name: str, help_: str, label: str, values: Mapping[str, float]) -> Family:
    return Family(name, "gauge", help_, tuple(Sample(value, {label: key}) for key, value in values.items()))
