"""Which event time a loss spoils: the windows around it, and where the runs end that it may have cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from handlers.model import (
    EventKind,
    NameBook,
    OpenLoss,
    OpenRun,
    Origin,
    ParserState,
    StreamState,
)
from handlers.telemetry.loss import LossLimits, spoiled_time
from tests.handlers.rows import NormalizedEvent, normalized_columns

LIMITS = LossLimits(window_ms=10_000, run_timeout_ms=60_000)
DAY_S = 1_795_363_200
LOG = "/logs/app.log"


def at(second: float) -> int:
    return round((DAY_S + second) * 1000)


def event(
    second: float, offset: int, run: str = "", kind: EventKind = "beat-completed", source: int = 1
) -> NormalizedEvent:
    return NormalizedEvent(
        kind=kind,
        at_ms=at(second),
        source=source,
        offset=offset,
        sequence="s",
        run=run,
        event="e",
        plugin="",
        handler="",
        beat=0,
        duration_us=None,
        failed=False,
        error_type="",
        error_template="",
        error_frame="",
    )


def open_run(started: float, last: float | None = None, *, announced: bool = True) -> OpenRun:
    return OpenRun("s", Origin(at(started), 1, 0), at(last if last is not None else started), announced)


def state(
    watermark: float = 0, runs: Mapping[str, OpenRun] | None = None, loss: OpenLoss | None = None
) -> StreamState:
    known = {f"s\t{run}": opened for run, opened in (runs or {}).items()}
    return StreamState(ParserState(), NameBook(), known, at(watermark) if watermark else 0, loss=loss)


def spoiled(
    events: Sequence[NormalizedEvent],
    losses: Sequence[int] = (),
    *,
    before: StreamState | None = None,
    runs: Mapping[str, OpenRun] | None = None,
    lossy_stream: bool = False,
) -> tuple[set[int], OpenLoss | None]:
    """Seconds at which spoiled windows begin, and what stays open."""
    spans, still = spoiled_time(
        normalized_columns(events, {1: LOG, 2: LOG}),
        losses=[(1, offset) for offset in losses],
        lossy_streams=[LOG] if lossy_stream else [],
        read=[1],
        stream_of={1: LOG},
        streams={LOG: before} if before is not None else {},
        runs={LOG: {f"s\t{run}": opened for run, opened in (runs or {}).items()}},
        limits=LIMITS,
    )
    seconds = {
        start // 1000 - DAY_S for first, until in spans for start in range(first, until, LIMITS.window_ms)
    }
    return seconds, still.get(LOG)


def test_without_a_loss_nothing_is_spoiled() -> None:
    assert spoiled([event(1, 0), event(2, 50)]) == (set(), None)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param((1, 3), {0}, id="both events in one window spoil that one"),
        pytest.param((9, 11), {0, 10}, id="events in two windows spoil both"),
        pytest.param((1, 45), {0, 10, 20, 30, 40}, id="a silence between them is spoiled throughout"),
        pytest.param((45, 31), {30, 40}, id="events out of order spoil the same span"),
    ],
)
def test_the_windows_from_the_event_before_to_the_event_after_are_spoiled(
    times: tuple[int, int], expected: set[int]
) -> None:
    events = [event(0 if times[0] < 40 else 45, 0), event(times[0], 10), event(times[1], 90), event(200, 99)]
    assert spoiled(events, [50]) == (expected, None)


def test_a_loss_before_the_first_event_ever_spoils_the_window_of_that_event() -> None:
    assert spoiled([event(25, 90)], [50], before=None) == ({20}, None)


def test_a_loss_at_the_beginning_of_a_batch_goes_back_to_the_last_event_of_the_batch_before() -> None:
    assert spoiled([event(25, 90)], [50], before=state(watermark=15)) == ({10, 20}, None)


def test_a_loss_at_the_end_waits_for_the_next_event() -> None:
    seconds, still = spoiled([event(15, 0)], [50])
    assert (seconds, still) == ({10}, OpenLoss(at(15)))
    assert spoiled([event(42, 100)], before=state(15, loss=still)) == ({10, 20, 30, 40}, None)


def test_bytes_that_were_lost_with_their_file_lie_before_all_that_is_read_now() -> None:
    assert spoiled([event(31, 0)], before=state(watermark=15), lossy_stream=True) == ({10, 20, 30}, None)


def test_a_run_that_was_under_way_is_spoiled_up_to_its_end() -> None:
    events = [
        event(1, 0, "r", "run-started"),
        event(2, 10, "r"),
        event(3, 60, "other", "run-started"),
        event(35, 90, "r", "run-completed"),
        event(36, 95, "later", "run-started"),
        event(75, 99, "later", "run-completed"),
    ]
    assert spoiled(events, [50])[0] == {0, 10, 20, 30} | {60}  # "other" ends in silence, 60 s after 3


def test_a_run_that_ended_before_the_loss_spoils_nothing_behind_it() -> None:
    events = [
        event(1, 0, "r", "run-started"),
        event(2, 10, "r", "run-completed"),
        event(3, 60),
        event(70, 90),
    ]
    assert spoiled(events, [50]) == ({0}, None)


def test_a_run_that_is_still_open_spoils_on_in_the_next_batches_until_it_ends() -> None:
    running = {"r": open_run(1, 35)}
    seconds, still = spoiled(
        [event(1, 0, "r", "run-started"), event(3, 60), event(35, 90, "r")], [50], runs=running
    )
    assert seconds == {0, 10, 20, 30}
    assert still == OpenLoss(at(0), at(10))
    seconds, still = spoiled([event(52, 100, "r")], before=state(35, running, still), runs=running)
    assert seconds == {10, 20, 30, 40, 50}
    seconds, still = spoiled([event(61, 120, "r", "run-completed")], before=state(52, running, still))
    assert 60 in seconds
    assert still is None


def test_a_run_without_an_end_line_spoils_the_window_in_which_its_silence_ends_it() -> None:
    before = state(5, {"r": open_run(4, 5, announced=False)})
    seconds, still = spoiled([event(7, 60), event(70, 90)], [50], before=before)
    assert seconds == {0, 60}
    assert still is None
