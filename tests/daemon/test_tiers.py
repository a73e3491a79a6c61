"""What ages is rolled up: nothing is lost on the way, and all of it can be read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.store import Store
from daemon.subjects import Subject
from daemon.telemetry_records import TelemetryRecords
from daemon.tiers import DAY_MS, HOUR_MS, Horizons, Tiers
from handlers.metrics import merged
from handlers.model import BeatStats, Origin, RunStats, TelemetryMetrics, VariantStats, Window
from handlers.telemetry.ports import TelemetryCommit
from tests.handlers.anomaly.builders import BEAT, ERROR, beat, errors

WINDOW_MS = 10_000
BEAT_SUBJECT: Subject = ("beat", BEAT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as opened:
        yield opened


def window(start_ms: int, executions: int) -> Window:
    runs = RunStats(executions, variants={"a\tb": VariantStats(executions, (Origin(start_ms, 1, 1),))})
    return Window(
        start_ms,
        beats={BEAT: beat([float(number + 1) for number in range(executions)])},
        runs={"cart-symphony": runs},
        errors={ERROR: errors(executions)},
    )


def commit(telemetry: TelemetryRecords, *windows: Window) -> None:
    metrics = TelemetryMetrics(WINDOW_MS, {each.start_ms: each for each in windows})
    telemetry.commit(TelemetryCommit(metrics, (), {}), (), (), 0)


def roll_up(tiers: Tiers, horizons: Horizons) -> int:
    total = 0
    while count := tiers.roll_up(horizons):
        total += count
    return total


def executions(tiers: Tiers, step_ms: int = WINDOW_MS) -> dict[int, int]:
    history = tiers.history(BEAT_SUBJECT, 0, 1000 * DAY_MS, step_ms)
    return {at_ms: each.completed for at_ms, each in history.items() if isinstance(each, BeatStats)}


def test_windows_become_hours_and_hours_become_days(store: Store) -> None:
    telemetry = TelemetryRecords(store, WINDOW_MS)
    tiers = Tiers(store, telemetry, WINDOW_MS)
    starts = [0, 10_000, HOUR_MS, DAY_MS, DAY_MS + HOUR_MS, DAY_MS + HOUR_MS + 10_000]
    commit(telemetry, *(window(start, 2) for start in starts))
    assert executions(tiers) == dict.fromkeys(starts, 2)
    young = {DAY_MS + HOUR_MS + 10_000: 2}
    horizon_ms = DAY_MS + HOUR_MS + 10_000
    roll_up(tiers, Horizons(horizon_ms, 0, 0))
    assert executions(tiers) == {0: 4, HOUR_MS: 2, DAY_MS: 2, DAY_MS + HOUR_MS: 2, **young}
    assert len(store.table("windows").all()) == 3  # a beat, a sequence and an error group
    roll_up(tiers, Horizons(horizon_ms, DAY_MS, 0))
    assert executions(tiers) == {0: 6, DAY_MS: 2, DAY_MS + HOUR_MS: 2, **young}
    roll_up(tiers, Horizons(horizon_ms, DAY_MS, DAY_MS))
    assert executions(tiers) == {DAY_MS: 2, DAY_MS + HOUR_MS: 2, **young}


def test_an_hour_is_the_sum_of_its_windows_without_the_places_of_their_lines(store: Store) -> None:
    telemetry = TelemetryRecords(store, WINDOW_MS)
    tiers = Tiers(store, telemetry, WINDOW_MS)
    parts = [window(number * WINDOW_MS, number + 1) for number in range(5)]
    total = merged(parts, 0)
    commit(telemetry, *parts)
    roll_up(tiers, Horizons(HOUR_MS, 0, 0))
    [hour] = tiers.history(BEAT_SUBJECT, 0, HOUR_MS, HOUR_MS).values()
    assert isinstance(hour, BeatStats)
    assert (hour.bins, hour.total_us, hour.slowest) == (
        total.beats[BEAT].bins,
        total.beats[BEAT].total_us,
        (),
    )
    [runs] = tiers.history(("run", ("cart-symphony",)), 0, HOUR_MS, HOUR_MS).values()
    assert isinstance(runs, RunStats)
    assert runs.variants == {"a\tb": VariantStats(15, ())}


def test_a_chart_in_longer_steps_adds_what_is_kept_in_shorter_ones(store: Store) -> None:
    telemetry = TelemetryRecords(store, WINDOW_MS)
    tiers = Tiers(store, telemetry, WINDOW_MS)
    commit(telemetry, *(window(start, 1) for start in range(0, 2 * HOUR_MS, HOUR_MS // 4)))
    roll_up(tiers, Horizons(HOUR_MS, 0, 0))
    assert executions(tiers, HOUR_MS // 2) == {0: 4, HOUR_MS: 2, HOUR_MS + HOUR_MS // 2: 2}
    assert executions(tiers, DAY_MS) == {0: 8}
    assert tiers.history(BEAT_SUBJECT, HOUR_MS, HOUR_MS + 1, WINDOW_MS).keys() == {HOUR_MS}
    assert tiers.history(("beat", ("no", "such")), 0, DAY_MS, WINDOW_MS) == {}


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 4 * 24 * 12), st.integers(1, 5)),  # a window, on time or late
            st.tuples(st.integers(0, 4 * 24), st.integers(0, 4)),  # horizons in hours and days
        ),
        max_size=25,
    ),
    st.data(),
)
def test_nothing_is_lost_and_nothing_counts_twice_however_it_ages(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    with Store.open(tmp_path_factory.mktemp("tiers") / "s.db", max_bytes=1 << 28) as store:
        telemetry = TelemetryRecords(store, WINDOW_MS)
        tiers = Tiers(store, telemetry, WINDOW_MS)
        expected = 0
        for first, second in steps:
            if data.draw(st.booleans()):
                commit(telemetry, window(first * HOUR_MS // 12, second))
                expected += second
            else:
                tiers.roll_up(Horizons(first * HOUR_MS, second * DAY_MS, 0))
        assert sum(executions(tiers).values()) == expected
        assert sum(executions(tiers, DAY_MS).values()) == expected
        # Each count stands in one place only, and each tier holds nothing from before its horizon.
        roll_up(tiers, Horizons(5 * DAY_MS, 5 * DAY_MS, 0))
        assert store.table("windows").all() == store.table("hours").all() == []
        assert sum(executions(tiers).values()) == expected
