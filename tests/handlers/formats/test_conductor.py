"""The conductor's console output, line by line. Whole logs are in tests/samples."""

from typing import Final

import pytest

from handlers.formats.conductor import Conductor
from handlers.formats.scan import extract_block
from handlers.model import Block, ParserState
from tests.handlers.formats.lines import MESSAGES, REQUEST, STAMP, line_borders, read
from tests.handlers.rows import TelemetryEvent, rows

CONDUCTOR: Final = Conductor(whole_runs=False)
RESTART: Final = MESSAGES[0]
EXECUTING: Final = '🎼 ExecutionQueue: Now executing "Order Save"'
REQUESTED: Final = f"🆔 Request ID: {REQUEST}"
STARTED: Final = "🎵 Beat 2 Started: Write (order:write)"
DURATION: Final = "⏱️ PerformanceTracker: Beat 2 completed in 3.10ms"
EXECUTED: Final = "✅ BeatExecutor: Beat 2 (order:write) completed in 3ms"
HANDLER: Final = (
    "🎽 DataBaton: +a | seq=Order Save beat=? event={} handler={} plugin=OrderPlugin req=r preview={{}}"
)
ENDED: Final = '✅ SequenceExecutor: Sequence "Order Save" completed in 31ms'
FAILED: Final = "🧠 PluginManager: Handler execution failed for OrderPlugin.writeOrder: TypeError: x is 5"


def events(*lines: str, stamp: str = STAMP) -> list[TelemetryEvent]:
    return read(CONDUCTOR, "".join(f"{stamp}{line}\n" for line in lines).encode()).events


def kinds(found: list[TelemetryEvent]) -> list[str]:
    return [event.kind for event in found]


def last(found: list[TelemetryEvent]) -> TelemetryEvent:
    return found[-1]


@pytest.mark.parametrize(
    ("label", "event"),
    [
        pytest.param("Write (order:write)", "order:write", id="one parenthesis"),
        pytest.param("Enhance Line (Advanced) (line:enhance)", "line:enhance", id="the last of two"),
        pytest.param("Zeile (fett) größer (zeile:fett)", "zeile:fett", id="a title that is not ASCII"),
        pytest.param("(order:write)", "order:write", id="an empty title"),
    ],
)
def test_the_event_of_a_started_beat_is_in_its_last_parenthesis(label: str, event: str) -> None:
    (started,) = events(f"🎵 Beat 7 Started: {label}")
    assert (started.event, started.beat) == (event, 7)


def test_a_started_line_without_an_event_is_none() -> None:
    assert events("🎵 Beat 7 Started: Write") == []


@pytest.mark.parametrize("stamp", [STAMP, ""], ids=["with timestamps", "without"])
class TestDuration:
    def test_the_precise_duration_is_taken_and_the_rounded_one_is_the_same_beat(self, stamp: str) -> None:
        found = events(STARTED, DURATION, EXECUTED, stamp=stamp)
        assert kinds(found) == ["beat-started", "beat-completed"]
        assert last(found).duration_ms == 3.1

    def test_the_rounded_duration_is_taken_where_there_is_no_other(self, stamp: str) -> None:
        found = events(STARTED, EXECUTED, stamp=stamp)
        assert kinds(found) == ["beat-started", "beat-completed"]
        assert last(found).duration_ms == 3

    def test_a_beat_whose_start_is_not_in_the_log_has_its_precise_duration(self, stamp: str) -> None:
        (completed,) = events(DURATION, EXECUTED, stamp=stamp)
        assert (completed.event, completed.duration_ms) == ("order:write", 3.1)

    def test_the_same_beat_in_the_next_run_is_another_one(self, stamp: str) -> None:
        found = events(*(STARTED, DURATION, EXECUTED) * 2, stamp=stamp)
        assert kinds(found) == ["beat-started", "beat-completed"] * 2


class TestHandler:
    def test_is_named_by_the_baton_of_its_event(self) -> None:
        found = events(STARTED, HANDLER.format("order:write", "writeOrder"), DURATION)
        assert last(found).handler == "writeOrder"

    def test_is_the_first_of_several(self) -> None:
        batons = [HANDLER.format("order:write", name) for name in ("writeOrder", "indexOrder")]
        assert last(events(STARTED, *batons, DURATION)).handler == "writeOrder"

    def test_is_not_taken_from_an_earlier_beat_that_nobody_waited_for(self) -> None:
        late = HANDLER.format("order:validate", "validateOrder")
        assert last(events(STARTED, late, DURATION)).handler == ""
        in_time = HANDLER.format("order:write", "writeOrder")
        assert last(events(STARTED, late, in_time, DURATION)).handler == "writeOrder"

    def test_is_unknown_where_the_baton_does_not_know_it(self) -> None:
        assert last(events(STARTED, HANDLER.format("order:write", "?"), DURATION)).handler == ""

    def test_is_the_one_that_failed(self) -> None:
        completed = last(events(STARTED, FAILED, DURATION))
        assert (completed.handler, completed.failed) == ("writeOrder", True)


class TestRun:
    def test_begins_with_its_request_id_and_ends_with_its_sequence(self) -> None:
        found = events(EXECUTING, REQUESTED, ENDED)
        assert kinds(found) == ["run-started", "run-completed"]
        assert {(event.request_id, event.sequence) for event in found} == {(REQUEST, "order-save-symphony")}

    def test_goes_on_when_its_request_id_is_printed_for_the_next_movement(self) -> None:
        assert kinds(events(EXECUTING, REQUESTED, REQUESTED, ENDED)) == ["run-started", "run-completed"]

    def test_is_none_if_its_beginning_is_not_in_the_log(self) -> None:
        found = events(STARTED, DURATION, REQUESTED, STARTED, DURATION, ENDED)
        assert kinds(found) == ["beat-started", "beat-completed"] * 2
        assert {event.request_id for event in found} == {""}

    def test_that_is_stopped_has_failed(self) -> None:
        stopped = '🛑 SequenceExecutor: Stopping execution of "Order Save"'
        assert kinds(events(EXECUTING, REQUESTED, stopped)) == ["run-started", "run-failed"]

    def test_with_an_unusual_request_id_has_the_name_of_its_sequence(self) -> None:
        (started,) = events(EXECUTING, "🆔 Request ID: mine")
        assert (started.request_id, started.sequence) == ("mine", "Order Save")

    def test_that_fails_outside_of_any_beat_is_an_error_too(self) -> None:
        failed = '❌ SequenceExecutor: Sequence "Order Save" failed: Error: no movement'
        assert sorted(kinds(events(EXECUTING, REQUESTED, failed))) == ["error", "run-failed", "run-started"]


def test_a_bare_restart_is_one_whatever_else_is_in_its_line() -> None:
    """The reader went round in such a line for ever."""
    data = f"{STAMP}{STARTED}\n{RESTART} {STAMP}{STARTED}\n{STAMP}{STARTED}\n".encode()
    for log_format in (CONDUCTOR, Conductor()):
        found = read(log_format, data)
        assert kinds(found.events) == ["beat-started", "beat-started"]  # the first one is open no more
        for border in line_borders(data):
            assert read(log_format, data, [border]).events == found.events


class TestError:
    def test_waits_for_its_stack_and_is_given_out_at_the_end(self) -> None:
        lines = (STAMP + FAILED + "\n    at writeOrder (file:///app/shop.mjs:46:72)\n").encode()
        open_ = extract_block(CONDUCTOR, Block(1, 0, len(lines), lines), ParserState(), at_end=False)
        assert open_.events.count == 0
        assert open_.state.error is not None
        closed = extract_block(
            CONDUCTOR, Block(1, len(lines), len(lines) + 5, b"next\n"), open_.state, at_end=False
        )
        assert [event.error_frame for event in rows(closed.events)] == [
            "writeOrder (file:///app/shop.mjs:46:72)"
        ]
        assert read(CONDUCTOR, lines).events == rows(closed.events)

    def test_stands_where_its_first_line_does(self) -> None:
        found = events(STARTED, FAILED, DURATION)
        data = "".join(f"{STAMP}{line}\n" for line in (STARTED, FAILED, DURATION)).encode()
        (error,) = (event for event in found if event.kind == "error")
        line_start = data.rfind(b"\n", 0, error.offset) + 1
        assert data[line_start:].startswith((STAMP + "🧠").encode())

    def test_has_plugin_handler_type_and_message(self) -> None:
        error = next(event for event in events(STARTED, FAILED) if event.kind == "error")
        assert (error.plugin, error.handler) == ("OrderPlugin", "writeOrder")
        assert (error.error_type, error.error_message) == ("TypeError", "x is 5")
        assert (error.event, error.beat) == ("order:write", 2)

    def test_of_a_beat_that_is_aborted_is_one_error_with_the_failures_around_it(self) -> None:
        text = "RangeError: order 7 is full"
        found = events(
            EXECUTING,
            REQUESTED,
            STARTED,
            f"❌ BeatExecutor: Beat 2 (order:write) failed: {text}",
            f'❌ MovementExecutor: Movement "Order" failed: {text}',
            f'❌ SequenceExecutor: Sequence "Order Save" failed: {text}',
            f"❌ SequenceOrchestrator: Failed to execute sequence Order Save: {text}",
        )
        assert sorted(kinds(found)) == [
            "beat-completed",
            "beat-started",
            "error",
            "run-failed",
            "run-started",
        ]
        assert [event.failed for event in found if event.kind == "beat-completed"] == [True]

    def test_message_of_a_megabyte_is_cut(self) -> None:
        error = next(event for event in events(FAILED + "x" * 1_000_000) if event.kind == "error")
        assert len(error.error_message) < 1001


class TestTime:
    def test_is_that_of_the_line(self) -> None:
        assert [event.time for event in events(STARTED)] == [STAMP.strip()]

    def test_comes_from_the_request_id_and_the_durations_where_there_are_no_timestamps(self) -> None:
        found = events(EXECUTING, REQUESTED, STARTED, DURATION, ENDED, stamp="  ")
        assert [event.time for event in found] == [
            1795363858.813,
            1795363858.813,
            pytest.approx(1795363858.8161),
            pytest.approx(1795363858.8161),
        ]

    def test_never_runs_backwards_when_a_play_was_requested_long_before_it_began(self) -> None:
        earlier = REQUESTED.replace("1795363858813", "1795363858000")
        found = events(EXECUTING, REQUESTED, ENDED, EXECUTING, earlier, stamp="")
        assert [event.time for event in found] == [1795363858.813] * 3

    def test_of_a_start_that_nothing_dates_is_not_invented(self) -> None:
        assert events(RESTART, stamp="") == []
        assert kinds(events(EXECUTING, REQUESTED, RESTART, stamp="")) == ["run-started", "restarted"]


class TestTimestamps:
    """A log changes from 1.4 to 1.5 and back where the program was started again."""

    OLD: Final = "\n".join((RESTART, EXECUTING, REQUESTED, STARTED, DURATION, EXECUTED, ENDED, ""))
    NEW: Final = "".join(f"{STAMP}{line}\n" for line in OLD.splitlines()).replace("ab12cd", "ef34gh")
    RUN: Final = ("run-started", "beat-started", "beat-completed", "run-completed")

    def test_that_come_later_are_taken_from_there_on(self) -> None:
        found = read(CONDUCTOR, (self.OLD + self.NEW).encode()).events
        assert kinds(found) == [*self.RUN, "restarted", *self.RUN]

    def test_that_are_given_up_again_and_taken_up_once_more_are_no_gap(self) -> None:
        found = read(CONDUCTOR, (self.OLD + self.NEW + self.OLD + self.NEW).encode()).events
        assert kinds(found).count("beat-completed") == 4
        assert kinds(found).count("run-completed") == 4

    def test_make_a_bare_label_a_repetition(self) -> None:
        found = read(
            CONDUCTOR, f"{STAMP}{STARTED}\n{STARTED}\n{STAMP}{DURATION}\n{STARTED}\n".encode()
        ).events
        assert kinds(found) == ["beat-started", "beat-completed"]

    def test_of_the_program_itself_are_not_those_of_the_conductor(self) -> None:
        found = read(CONDUCTOR, f"{STAMP}✅ saved\n{STARTED}\n{STAMP}✅ saved\n{DURATION}\n".encode()).events
        assert kinds(found) == ["beat-started", "beat-completed"]


class TestRegistration:
    def test_maps_the_name_of_a_sequence_to_its_id(self) -> None:
        (found,) = events('🎼 SequenceRegistry: Registered sequence "Order (new)" (id: order-symphony)')
        assert (found.kind, found.sequence, found.sequence_id) == (
            "registered",
            "Order (new)",
            "order-symphony",
        )

    def test_maps_an_event_of_a_sequence_to_its_plugin(self) -> None:
        (found,) = events(
            '📡 EventBus: Subscribed to "ui:notify" (2 total subscribers) (plugin: MailPlugin:mail-symphony)'
        )
        assert (found.event, found.plugin, found.sequence_id) == ("ui:notify", "MailPlugin", "mail-symphony")

    @pytest.mark.parametrize(
        "line",
        [
            '📡 EventBus: Subscribed to "P:sequence:completed" (1 total subscribers) (plugin: P:s:cleanup)',
            '📡 EventBus: Subscribed to "sequence-failed" (1 total subscribers)',
            "🎼 Sequence registration complete: 0 registered, 0 failed",
            '✅ SequenceRegistry: Sequence "Order Save" validation passed',
            "🎼 Musical Sequences System initialized: FAILED",
            '🎼 ExecutionQueue: Marked "Order Save" as completed (Total completed: 1)',
        ],
    )
    def test_and_failure_are_not_seen_in(self, line: str) -> None:
        assert events(line) == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([STAMP + MESSAGES[7]], 1, id="a message"),
        pytest.param([STAMP + MESSAGES[3]], 1, id="a message that makes no event"),
        pytest.param([STAMP + MESSAGES[9]], 0, id="a baton, which is not always looked for"),
        pytest.param([STAMP + "words", ""], 0, id="words"),
        pytest.param([STAMP + MESSAGES[7], MESSAGES[7]], 1, id="the same again without its timestamp"),
        pytest.param([STAMP + MESSAGES[5] + " " + STAMP + MESSAGES[7]], 1, id="two messages in one line"),
        pytest.param([MESSAGES[15], "    at f (a.js:1:1)", "    at g (a.js:2:2)", "words"], 3, id="a stack"),
        pytest.param(
            [STAMP + MESSAGES[15], "    at f " + STAMP + MESSAGES[16], "    at g"], 3, id="one in a stack"
        ),
    ],
)
def test_lines_that_are_understood_are_counted(lines: list[str], expected: int) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    assert read(CONDUCTOR, data).matched == expected
    assert read(CONDUCTOR, data, line_borders(data)).matched == expected
