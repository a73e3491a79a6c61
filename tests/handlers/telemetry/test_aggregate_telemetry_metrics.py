"""Beat 5: counts in windows of event time. What holds for all logs is in test_aggregation_properties.py."""

from typing import Any

import pytest

from handlers.metrics import Stop
from handlers.model import BeatStats, ErrorStats, Origin, RunStats, VariantStats, WaitStats, Window
from handlers.sketch import bin_of
from handlers.telemetry import aggregate_telemetry_metrics as aggregation
from handlers.telemetry.aggregate_telemetry_metrics import AggregatedTelemetry
from tests.handlers.rows import NormalizedEvent
from tests.handlers.telemetry.builders import TIMEOUT_MS, WINDOW_MS, aggregate, event


def windows_of(result: AggregatedTelemetry) -> dict[int, Window]:
    return result.metrics.windows


def only(result: AggregatedTelemetry) -> Window:
    (window,) = windows_of(result).values()
    return window


def runs_of(result: AggregatedTelemetry) -> RunStats:
    return only(result).runs["s"]


def run(*middle: NormalizedEvent, start_ms: int = 1000, end_ms: int = 1900) -> list[NormalizedEvent]:
    return [event("run-started", start_ms, run="r"), *middle, event("run-completed", end_ms, run="r")]


def started(name: str, at_ms: int = 1100) -> NormalizedEvent:
    return event("beat-started", at_ms, name, "r")


def completed(name: str, at_ms: int = 1200, **fields: Any) -> NormalizedEvent:
    return event("beat-completed", at_ms, name, "r", **fields)


class TestBeat:
    def test_has_its_counts_durations_and_slowest_executions(self) -> None:
        durations_us = [300, 100, 500, 400]
        events = [
            event("beat-completed", 1000 + us, "a", duration_us=us, plugin="P", handler="h")
            for us in durations_us
        ]
        failed = event("beat-completed", 1001, "a", duration_us=9_000, failed=True)
        assert only(aggregate([event("beat-started", 1000, "a"), *events, failed])).beats[
            "s", "a"
        ] == BeatStats(
            plugin="P",
            handler="h",
            started=1,
            completed=5,
            failed=1,
            total_us=1300,
            max_us=500,
            bins={bin_of(us): 1 for us in durations_us},
            slowest=tuple((us, Origin(1000 + us, 1, 1000 + us)) for us in (500, 400, 300)),
        )

    def test_keeps_the_first_places_of_equally_slow_executions(self) -> None:
        """Whichever the log has first: else a cut between commits would change them."""
        events = [event("beat-completed", at_ms, "a", duration_us=5) for at_ms in (40, 10, 30, 20, 50)]
        slowest = only(aggregate(events)).beats["s", "a"].slowest
        assert [origin.at_ms for _, origin in slowest] == [10, 20, 30]

    def test_of_another_sequence_is_another_one(self) -> None:
        events = [event("beat-completed", 1, "a", sequence=sequence) for sequence in ("s", "t", "s")]
        counts = {key: beat.completed for key, beat in only(aggregate(events)).beats.items()}
        assert counts == {("s", "a"): 2, ("t", "a"): 1}

    def test_windows_that_overflow_count_the_rest_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(aggregation, "_MAX_KEYS", 2)
        events = [event("beat-completed", 1, name) for name in "abcda"]
        counts = {key: beat.completed for key, beat in only(aggregate(events)).beats.items()}
        assert counts == {("s", "a"): 2, ("s", "b"): 1, ("…", "…"): 2}


class TestError:
    def test_is_counted_in_its_group_with_the_first_places(self) -> None:
        fields = {"error_type": "E", "error_template": "t", "plugin": "P", "handler": "h"}
        events = [event("error", at_ms, "a", **fields) for at_ms in (40, 10, 30, 20)]
        framed = event("error", 50, "a", error_frame="f", **fields)
        assert only(aggregate([*events, framed])).errors == {
            ("s", "a", "E", "t", ""): ErrorStats(
                plugin="P",
                handler="h",
                frame="f",
                count=5,
                examples=tuple(Origin(at_ms, 1, at_ms) for at_ms in (10, 20, 30)),
            )
        }

    def test_keeps_the_first_places_of_errors_of_one_moment(self) -> None:
        events = [event("error", 10, "a", offset=offset) for offset in (4, 1, 3, 2, 5)]
        (error,) = only(aggregate(events)).errors.values()
        assert [origin.offset for origin in error.examples] == [1, 2, 3]

    def test_groups_that_overflow_are_counted_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(aggregation, "_MAX_KEYS", 1)
        errors = only(aggregate(event("error", 1, "a", error_type=kind) for kind in "EFGE")).errors
        assert [error.count for error in errors.values()] == [2, 2]


class TestRun:
    def test_that_is_announced_and_completed_has_duration_and_path(self) -> None:
        stats = runs_of(aggregate(run(started("a"), completed("a"), started("b"), completed("b"))))
        assert (stats.completed, stats.failed, stats.unfinished, stats.total_us) == (1, 0, 0, 900_000)
        assert stats.bins == {bin_of(900_000): 1}
        assert {path: variant.runs for path, variant in stats.variants.items()} == {"a\tb": 1}
        assert stats.variants["a\tb"].examples == (Origin(1000, 1, 1000),)

    def test_path_is_in_order_of_start_and_a_beat_without_a_start_is_on_it(self) -> None:
        beats = [started("a"), started("b"), completed("b"), completed("a"), completed("c")]
        assert list(runs_of(aggregate(run(*beats))).variants) == ["a\tb\tc"]

    def test_path_has_a_repeated_beat_twice(self) -> None:
        beats = [started("a"), completed("a"), started("a"), completed("a"), completed("a")]
        assert list(runs_of(aggregate(run(*beats))).variants) == ["a\ta\ta"]

    def test_that_loops_without_end_has_a_path_that_is_cut(self) -> None:
        (path,) = runs_of(aggregate(run(*[started("a")] * 600))).variants
        assert path.count("a") == 500

    def test_that_fails_is_failed_and_no_evidence_for_a_path(self) -> None:
        events = [*run(started("a"))[:-1], event("run-failed", 1900, run="r")]
        assert runs_of(aggregate(events)) == RunStats(failed=1)

    def test_counts_in_the_window_in_which_it_ends(self) -> None:
        windows = windows_of(aggregate(run(started("a"), end_ms=25_000)))
        assert [start_ms for start_ms, window in windows.items() if window.runs] == [20_000]

    def test_that_a_restart_cuts_off_is_unfinished_and_nothing_is_missing_from_it(self) -> None:
        events = [*run(started("a"))[:-1], event("restarted", 1500, sequence="")]
        result = aggregate(events)
        assert runs_of(result) == RunStats(unfinished=1)
        assert result.runs == {"one.log": {}}

    def test_of_another_stream_is_not_cut_off_by_a_restart(self) -> None:
        result = aggregate([*run(started("a"))[:-1], event("restarted", 1500, source=2)])
        assert list(result.runs["one.log"]) == ["s\tr"]

    def test_that_falls_silent_is_unfinished_after_the_timeout(self) -> None:
        late = event("beat-started", 1100 + TIMEOUT_MS + WINDOW_MS, "x")
        windows = windows_of(aggregate([*run(started("a"))[:-1], late]))
        (found,) = (window.runs["s"] for window in windows.values() if window.runs)
        stops = {str(Stop(1, "a", is_inside=True)): VariantStats(1, (Origin(1000, 1, 1000),))}
        assert found == RunStats(unfinished=1, stops=stops)

    @pytest.mark.parametrize(
        ("beats", "stop"),
        [
            pytest.param((), Stop(0, "", is_inside=False), id="before the first beat"),
            pytest.param((started("a"), completed("a")), Stop(1, "a", is_inside=False), id="after a beat"),
            pytest.param(
                (started("a"), completed("a"), started("b")), Stop(2, "b", is_inside=True), id="in the second"
            ),
            pytest.param(
                (started("a"), started("b"), completed("a")), Stop(2, "b", is_inside=True), id="in one of two"
            ),
        ],
    )
    def test_that_falls_silent_is_counted_where_it_did(
        self, beats: tuple[NormalizedEvent, ...], stop: Stop
    ) -> None:
        late = event("beat-started", 1200 + TIMEOUT_MS + WINDOW_MS, "x")
        windows = windows_of(aggregate([*run(*beats)[:-1], late]))
        (stopped,) = (
            window.runs["s"].stops for window in windows.values() if window.runs and window.runs["s"].stops
        )
        assert [Stop.of(place) for place in stopped] == [stop]

    def test_that_falls_silent_after_an_error_is_not_counted_as_hanging(self) -> None:
        late = event("beat-started", 1200 + TIMEOUT_MS + WINDOW_MS, "x")
        windows = windows_of(aggregate([*run(completed("a", failed=True))[:-1], late]))
        assert [window.runs["s"] for window in windows.values() if window.runs] == [RunStats(unfinished=1)]

    @pytest.mark.parametrize(
        ("silent_ms", "stops"),
        [
            pytest.param(TIMEOUT_MS // 10, 0, id="no tenth of the timeout: it may go on"),
            pytest.param(TIMEOUT_MS // 10 + 1, 1, id="a tenth of the timeout: it hangs"),
        ],
    )
    def test_that_is_open_at_the_end_of_the_log(self, silent_ms: int, stops: int) -> None:
        open_run = [event("run-started", 2000, run="open"), event("beat-started", 2000, "a", "open")]
        last = event("beat-started", 2000 + silent_ms, "x")
        windows = windows_of(aggregate([*run(), *open_run, last], at_end=True))
        found = [window.runs["s"] for window in windows.values() if window.runs]
        assert sum(each.completed for each in found) == 1
        assert [sum(each.unfinished for each in found), sum(len(each.stops) for each in found)] == [stops] * 2

    def test_with_a_failed_beat_is_disturbed(self) -> None:
        events = [*run(completed("a", failed=True)), *run(completed("a"), start_ms=3000, end_ms=3900)]
        (variant,) = runs_of(aggregate(events)).variants.values()
        assert (variant.runs, variant.disturbed) == (2, 1)

    def test_waits_for_a_beat_from_the_end_of_the_one_before_it_or_its_own_beginning(self) -> None:
        beats = [completed("a", 1300, duration_us=100_000), completed("b", 1700, duration_us=150_900)]
        waits = runs_of(aggregate(run(*beats))).waits
        assert waits == {
            "a": WaitStats({bin_of(200_000): 1}, ((200_000, Origin(1300, 1, 1300)),)),
            "b": WaitStats({bin_of(250_000): 1}, ((250_000, Origin(1700, 1, 1700)),)),
        }

    def test_does_not_wait_for_beats_that_overlap_and_of_beats_that_tell_no_duration_nobody_knows(
        self,
    ) -> None:
        beats = [completed("a", 1300, duration_us=None), completed("b", 1400, duration_us=350_000)]
        assert runs_of(aggregate(run(*beats))).waits == {"b": WaitStats({bin_of(0): 1})}

    def test_that_is_only_slow_is_not_given_up(self) -> None:
        late = event("beat-started", 1100 + TIMEOUT_MS, "x")
        assert list(aggregate([*run(started("a"))[:-1], late]).runs["one.log"]) == ["s\tr"]

    def test_that_is_open_at_the_end_of_the_log_is_neither_completed_nor_unfinished(self) -> None:
        result = aggregate(run(started("a"))[:-1], at_end=True)
        assert only(result).runs == {}
        assert list(result.runs["one.log"]) == ["s\tr"]

    def test_with_no_line_about_its_end_only_is_nothing(self) -> None:
        assert windows_of(aggregate([event("run-completed", 1000, run="r")])) == {}

    def test_without_a_request_id_has_no_path_and_is_not_counted(self) -> None:
        events = [event("run-started", 1000), event("beat-started", 1001, "a"), event("run-completed", 1002)]
        assert only(aggregate(events, at_end=True)).runs == {}

    def test_interleaved_with_others_has_its_own_path(self) -> None:
        events = [
            event(kind, at_ms, name, key)
            for at_ms, (kind, name, key) in enumerate(
                [
                    ("run-started", "", "r1"),
                    ("run-started", "", "r2"),
                    ("beat-started", "a", "r1"),
                    ("beat-started", "b", "r2"),
                    ("beat-started", "b", "r1"),
                    ("beat-started", "a", "r2"),
                    ("run-completed", "", "r2"),
                    ("run-completed", "", "r1"),
                ],
                1,
            )
        ]
        paths = {path: stats.runs for path, stats in runs_of(aggregate(events)).variants.items()}
        assert paths == {"a\tb": 1, "b\ta": 1}

    def test_that_never_end_do_not_fill_the_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(aggregation, "_MAX_OPEN_RUNS", 3)
        result = aggregate(event("run-started", at_ms, run=f"r{at_ms}") for at_ms in range(1, 6))
        assert list(result.runs["one.log"]) == ["s\tr3", "s\tr4", "s\tr5"]
        assert runs_of(result) == RunStats(unfinished=2)


class TestUnannouncedRun:
    """Of a log that names runs by their request id and has no lines about their begin and end."""

    BEATS = (completed("a", 1000), completed("b", 1500))

    def test_is_completed_with_its_last_beat_when_the_log_ends(self) -> None:
        stats = runs_of(aggregate(self.BEATS, at_end=True))
        assert (stats.completed, stats.total_us, list(stats.variants)) == (1, 500_000, ["a\tb"])

    @pytest.mark.parametrize(
        ("before_ms", "after_ms", "disturbed"),
        [
            pytest.param(None, 501, 1, id="it is the first of the log, which may begin in it"),
            pytest.param(900, 501, 0, id="silent for longer than it took"),
            pytest.param(900, 500, 1, id="silent for no longer than it took: the log may end in it"),
        ],
    )
    def test_may_be_cut_by_the_log(self, before_ms: int | None, after_ms: int, disturbed: int) -> None:
        before = [] if before_ms is None else [event("beat-started", before_ms, "x")]
        after = event("beat-started", 1500 + after_ms, "x")
        (variant,) = runs_of(aggregate([*before, *self.BEATS, after], at_end=True)).variants.values()
        assert (variant.runs, variant.disturbed) == (1, disturbed)

    def test_is_open_while_the_log_goes_on(self) -> None:
        result = aggregate(self.BEATS)
        assert only(result).runs == {}
        assert list(result.runs["one.log"]) == ["s\tr"]

    def test_is_completed_when_it_has_been_silent_and_the_silence_is_not_its_duration(self) -> None:
        late = event("beat-started", 1500 + TIMEOUT_MS + WINDOW_MS, "x")
        windows = windows_of(aggregate([*self.BEATS, late]))
        (stats,) = (window.runs["s"] for window in windows.values() if window.runs)
        assert (stats.completed, stats.unfinished, stats.total_us) == (1, 0, 500_000)


class TestWatermark:
    def test_is_the_latest_time_of_each_stream(self) -> None:
        events = [event("error", 500), event("error", 300), event("error", 900, source=2)]
        assert aggregate(events).watermarks_ms == {"one.log": 500, "two.log": 900}

    def test_never_goes_back(self) -> None:
        result = aggregate([event("error", 300)], runs={"one.log": {}}, watermarks_ms={"one.log": 500})
        assert result.watermarks_ms == {"one.log": 500}

    def test_files_of_one_stream_go_on_with_each_other(self) -> None:
        result = aggregate(
            [*run(started("a"))[:-1], event("run-completed", 1900, run="r", source=2)],
            stream_of={1: "app.log", 2: "app.log"},
        )
        assert runs_of(result).completed == 1
        assert list(result.watermarks_ms) == ["app.log"]


def test_an_event_of_the_past_counts_in_the_past_and_moves_no_clock() -> None:
    result = aggregate([event("beat-completed", 50_000, "a"), event("beat-completed", 1_000, "a")])
    assert sorted(windows_of(result)) == [0, 50_000]
    assert result.watermarks_ms == {"one.log": 50_000}


def test_nothing_gives_nothing() -> None:
    assert aggregate([]) == aggregate([], at_end=True)
    assert windows_of(aggregate([])) == {}
