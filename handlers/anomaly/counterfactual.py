"""What would have to differ for an anomaly not to be told: found by making its verdict again and again.

Settings are searched upwards, where all of them want more before they tell something. Between two neighbours
on a grid of round values the verdict turns; it is verified on both sides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from config.settings import DetectOf
from handlers.anomaly.case import Case, CaseWindow, replayed
from handlers.model import (
    AnyAnomaly,
    ErrorAnomaly,
    ErrorKey,
    ErrorStats,
    PerformanceAnomaly,
    type_of,
)
from handlers.sketch import shifted_bins, value_us

T = TypeVar("T", int, float)

_MOST_BINS: Final = 400
"""Durations that are shorter by more bins are a millionth."""
_BEAT: Final = ("over_expected", "min_samples", "confidence", "run_noise", "min_added_ms", "close_share")
SETTINGS: Final[dict[str, tuple[str, ...]]] = {
    "performance": _BEAT,
    "rate": ("rate_drop",),
    "behavioral": ("behavioral_min_runs", "min_samples", "confidence"),
    "error": ("error_min_count", "error_over_baseline", "min_samples", "confidence", "close_share"),
    "coverage": (),
}
"""The figures under `detect` by which each kind of anomaly is judged."""


class Turn(msgspec.Struct, frozen=True):
    """The nearest value of a setting at which the anomaly would not have been told."""

    setting: str
    """Dotted key; of `expected_ms` with the glob behind it."""
    was: float
    value: float


class MilderFigure(msgspec.Struct, frozen=True):
    """How much less would not have been told, all limits as they were."""

    value: float
    unit: str
    """"ms" for the figure that the anomaly is about, "errors" for how many there were."""


def settings_of(anomaly: AnyAnomaly) -> tuple[str, ...]:
    """The figures under `detect` that decide about such an anomaly."""
    return SETTINGS["rate" if anomaly.unit == "executions/min" else type_of(anomaly)]


def turns(case: Case) -> tuple[Turn, ...]:
    """For each setting that can silence the anomaly by itself, from where on it does."""
    found: list[Turn] = []
    for name in settings_of(case.anomaly):
        was = getattr(case.limits, name)
        value = _first_silent(_grid(name, was), partial(_with_setting, case, name))
        if value is not None:
            found.append(Turn(f"detect.{name}", was, value))
    for glob, was_ms in case.expected_ms.items():
        slower = [each for each in _decimals(1e-3, 1e7) if each > was_ms]
        value = _first_silent(
            slower,
            partial(_with_expected, case, glob),
        )
        if value is not None:
            found.append(Turn(f"expected_ms.{glob}", was_ms, value))
    return tuple(found)


def milder_figure(case: Case) -> MilderFigure | None:
    """The figure nearest to the actual one that would not have been told; None for what has none."""
    anomaly = case.anomaly
    if isinstance(anomaly, PerformanceAnomaly) and anomaly.unit == "ms":
        bins = _first_silent(range(1, _MOST_BINS), lambda bins: _faster(case, bins))
        return None if bins is None else MilderFigure(anomaly.actual * value_us(0) / value_us(bins), "ms")
    if isinstance(anomaly, ErrorAnomaly):
        there = sum(stats.count for each in case.windows for _, stats in each.errors)
        fewer = _first_silent(range(1, there), lambda less: _with_errors(case, there - less))
        return None if fewer is None else MilderFigure(there - fewer, "errors")
    return None


def _first_silent(values: Sequence[T], changed: Callable[[T], Case]) -> T | None:
    """The first of the values, in the order in which they silence more, with which nothing is told."""
    place = bisect_left(values, True, key=lambda value: replayed(changed(value)) is None)
    return values[place] if place < len(values) else None


def _with_expected(case: Case, glob: str, value_ms: float) -> Case:
    return replace(case, expected_ms={**case.expected_ms, glob: value_ms})


def _with_setting(case: Case, name: str, value: float) -> Case:
    """For all subjects, those too that have a value of their own."""
    update = {name: value}

    def changed(limits_of: Mapping[str, DetectOf]) -> dict[str, DetectOf]:
        return {
            glob: given.model_copy(update=update) if name in given.model_fields_set else given
            for glob, given in limits_of.items()
        }

    return replace(
        case,
        limits=case.limits.model_copy(update=update),
        detect_of=changed(case.detect_of),
        detect_of_source=changed(case.detect_of_source),
    )


def _grid(name: str, was: float) -> Sequence[float]:
    """The values that may be set, upwards from the one that was."""
    match name:
        case "min_samples" | "behavioral_min_runs" | "error_min_count":
            return range(int(was) + 1, 1_000_001)
        case "confidence":
            nines = (
                round(1 - float(f"{tenths}e-{places}"), places)
                for places in range(3, 13)
                for tenths in range(99, 9, -1)
            )
            return [each for each in nines if was < each < 1]
        case "rate_drop" | "close_share":
            return [
                each / 1000 for each in range(1001 if name == "close_share" else 1000) if each / 1000 > was
            ]
        case "run_noise":
            return [each for each in _decimals(1e-3, 5) if each > was]
        case _:
            return [each for each in _decimals(1e-3, 1e7 if name == "min_added_ms" else 1e3) if each > was]


def _decimals(least: float, most: float) -> list[float]:
    """Numbers of three digits, ascending."""
    numbers = (float(f"{digits}e{power}") for power in range(-5, 6) for digits in range(100, 1000))
    return [each for each in numbers if least <= each <= most]


def _faster(case: Case, bins: int) -> Case:
    """All executions since it began took less, by so many bins."""

    def shorter(window: CaseWindow) -> CaseWindow:
        if window.start_ms < case.anomaly.first_seen_ms:
            return window
        beats = ((key, replace(stats, bins=shifted_bins(stats.bins, -bins))) for key, stats in window.beats)
        return replace(window, beats=tuple(beats))

    return replace(case, windows=tuple(map(shorter, case.windows)))


def _with_errors(case: Case, count: int) -> Case:
    """With only the first so many errors."""
    left = count
    windows: list[CaseWindow] = []
    for window in case.windows:
        kept: list[tuple[ErrorKey, ErrorStats]] = []
        for key, stats in window.errors:
            taken = min(left, stats.count)
            left -= taken
            if taken:
                kept.append((key, replace(stats, count=taken)))
        windows.append(replace(window, errors=tuple(kept)))
    return replace(case, windows=tuple(windows))
