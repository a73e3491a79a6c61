"""Beat 5 gives the same however the log is cut into commits, and loses and doubles nothing."""

import copy
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.model import OpenRun, Window
from handlers.telemetry.aggregate_telemetry_metrics import AggregatedTelemetry
from tests.examples import examples
from tests.handlers.rows import NormalizedEvent
from tests.handlers.telemetry.builders import WINDOW_MS, add_all, aggregate, event

kinds = st.sampled_from(
    [
        "beat-started",
        "beat-completed",
        "beat-completed",
        "error",
        "run-started",
        "run-completed",
        "run-failed",
    ]
)


@st.composite
def event_lists(draw: st.DrawFn) -> list[NormalizedEvent]:
    """A few runs in two streams, with clocks that jump ahead, stand still and go back."""
    at_ms = 1_000_000
    events: list[NormalizedEvent] = []
    for offset in range(draw(st.integers(0, 40))):
        at_ms = max(1, at_ms + draw(st.sampled_from([0, 0, 1, 10, 4_000, 9_999, 70_000, -1, -15_000])))
        kind = draw(st.one_of(kinds, kinds, kinds, st.just("restarted")))
        fields: dict[str, Any] = {"source": draw(st.integers(1, 2)), "offset": offset}
        if kind == "beat-completed":
            fields["failed"] = draw(st.booleans())
            fields["duration_us"] = draw(st.sampled_from([None, 0, 5, 100, 100, 200]))
            fields["handler"] = draw(st.sampled_from(["", "h"]))
        if kind == "error":
            fields |= {
                "error_type": "E",
                "error_template": "t",
                "error_frame": draw(st.sampled_from(["", "f"])),
            }
        run = "" if kind == "restarted" else draw(st.sampled_from(["", "r1", "r2"]))
        events.append(event(kind, at_ms, draw(st.sampled_from("ab")), run, **fields))
    return events


def windows_of(result: AggregatedTelemetry) -> dict[int, Window]:
    return result.metrics.windows


@settings(max_examples=examples(300))
@given(event_lists(), st.data())
def test_commits_at_any_place_give_what_one_commit_gives(
    events: list[NormalizedEvent], draw: st.DataObject
) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(events)), max_size=5))
    whole = aggregate(events, at_end=True)
    windows: dict[int, Window] = {}
    edges = [0, *sorted(cuts), len(events)]
    runs: dict[str, dict[str, OpenRun]] = {}
    watermarks_ms: dict[str, int] = {}
    for start, end in itertools.pairwise(edges):
        part = aggregate(
            events[start:end],
            runs=runs,
            watermarks_ms=watermarks_ms,
            at_end=end == len(events),
        )
        add_all(windows, windows_of(part))
        runs |= part.runs
        watermarks_ms |= part.watermarks_ms
    assert windows == windows_of(whole)
    assert runs == whole.runs
    assert watermarks_ms == whole.watermarks_ms


@given(event_lists())
def test_no_beat_and_no_error_is_lost_or_counted_twice(events: list[NormalizedEvent]) -> None:
    windows = windows_of(aggregate(events)).values()
    beats = [beat for window in windows for beat in window.beats.values()]
    errors = [error for window in windows for error in window.errors.values()]
    of_kind = [each.kind for each in events]
    assert sum(beat.started for beat in beats) == of_kind.count("beat-started")
    assert sum(beat.completed for beat in beats) == of_kind.count("beat-completed")
    assert sum(error.count for error in errors) == of_kind.count("error")
    assert sum(sum(beat.bins.values()) for beat in beats) == sum(
        each.kind == "beat-completed" and not each.failed and each.duration_us is not None for each in events
    )


@given(event_lists())
def test_an_event_counts_in_the_window_of_its_own_time(events: list[NormalizedEvent]) -> None:
    for start_ms, window in windows_of(aggregate(events)).items():
        assert start_ms % WINDOW_MS == 0
        assert window.start_ms == start_ms
        for beat in window.beats.values():
            assert all(0 <= origin.at_ms - start_ms < WINDOW_MS for _, origin in beat.slowest)


@given(event_lists(), event_lists())
def test_the_state_that_is_given_is_not_changed(
    before: list[NormalizedEvent], after: list[NormalizedEvent]
) -> None:
    state = aggregate(before)
    runs, watermarks_ms = copy.deepcopy(state.runs), dict(state.watermarks_ms)
    aggregate(after, runs=state.runs, watermarks_ms=state.watermarks_ms, at_end=True)
    assert (state.runs, state.watermarks_ms) == (runs, watermarks_ms)
