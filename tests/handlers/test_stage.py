"""The stage plays the handlers of a sequence in order, times each beat and reports it."""

import threading
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from handlers.stage import (
    Beat,
    BeatReport,
    Outcome,
    Performance,
    SequenceDefinition,
    define_sequence,
    perform,
)

pytestmark = pytest.mark.anyio


def double(number: int, *, plus: int = 0) -> int:
    return 2 * number + plus


async def fetch(number: int) -> int:
    await anyio.lowlevel.checkpoint()
    return number + 1


def divide(number: int) -> float:
    return 1 / number


SEQUENCE = define_sequence(
    "demo-sequence", ("demo:double", double), ("demo:fetch", fetch), ("demo:divide", divide)
)


async def play(
    script: Callable[[Performance], Awaitable[object]], definition: SequenceDefinition = SEQUENCE
) -> tuple[Outcome, list[BeatReport]]:
    reports: list[BeatReport] = []
    outcome = await perform(definition, "request-7", reports.append, script)
    return outcome, reports


def told(reports: list[BeatReport]) -> list[tuple[int, str, str, str]]:
    return [(report.beat, report.topic, report.handler, report.status) for report in reports]


async def whole(run: Performance) -> float:
    doubled = await run.beat(double, 1, plus=1)
    fetched = await run.beat(fetch, doubled)
    return await run.beat(divide, fetched)


async def test_beats_are_numbered_and_reported_as_started_and_completed_with_their_topics() -> None:
    outcome, reports = await play(whole)
    assert outcome == Outcome(result=0.25)
    assert told(reports) == [
        (1, "demo:double", "double", "started"),
        (1, "demo:double", "double", "completed"),
        (2, "demo:fetch", "fetch", "started"),
        (2, "demo:fetch", "fetch", "completed"),
        (3, "demo:divide", "divide", "started"),
        (3, "demo:divide", "divide", "completed"),
    ]
    assert {(report.sequence, report.request_id) for report in reports} == {("demo-sequence", "request-7")}


async def test_a_beat_is_timed_from_its_own_start_to_its_own_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = 5_000_000
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now_ns)

    def slow() -> None:
        nonlocal now_ns
        now_ns += 7_654_321

    def quick() -> None:
        nonlocal now_ns
        now_ns += 1_000

    async def script(run: Performance) -> None:
        nonlocal now_ns
        await run.beat(slow)
        now_ns += 1_000_000
        await run.beat(quick)

    _, reports = await play(script, define_sequence("timed", ("timed:slow", slow), ("timed:quick", quick)))
    assert [report.duration_us for report in reports] == [None, 7654, None, 1]


async def test_a_failing_beat_ends_the_sequence_and_the_failure_is_its_outcome() -> None:
    async def script(run: Performance) -> None:
        await run.beat(double, 1)
        await run.beat(fetch, -1)
        await run.beat(divide, 0)

    outcome, reports = await play(script)
    assert isinstance(outcome.error, ZeroDivisionError)
    assert outcome.result is None
    assert told(reports)[-2:] == [
        (3, "demo:divide", "divide", "started"),
        (3, "demo:divide", "divide", "failed"),
    ]
    assert reports[-1].error == "ZeroDivisionError: division by zero"
    assert reports[-1].duration_us is not None


async def test_a_failing_coroutine_is_an_outcome_too() -> None:
    async def broken() -> None:
        raise OSError("no space left")

    outcome, reports = await play(
        lambda run: run.beat(broken), define_sequence("broken", ("demo:broken", broken))
    )
    assert isinstance(outcome.error, OSError)
    assert [(report.status, report.error) for report in reports] == [
        ("started", ""),
        ("failed", "OSError: no space left"),
    ]


async def test_a_handler_that_is_not_the_next_one_is_refused_and_not_called() -> None:
    async def script(run: Performance) -> None:
        await run.beat(double, 1)
        await run.beat(divide, 0)

    outcome, reports = await play(script)
    assert isinstance(outcome.error, RuntimeError)
    assert "beat 2 is fetch" in str(outcome.error)
    assert told(reports) == [
        (1, "demo:double", "double", "started"),
        (1, "demo:double", "double", "completed"),
    ], "a beat that was completed is not reported as failed"


async def test_a_beat_after_the_last_one_is_refused() -> None:
    async def script(run: Performance) -> None:
        await whole(run)
        await run.beat(double, 1)

    outcome, reports = await play(script)
    assert isinstance(outcome.error, RuntimeError)
    assert "no beat after 3" in str(outcome.error)
    assert [report.status for report in reports] == ["started", "completed"] * 3


async def test_a_failure_between_two_beats_is_an_outcome_and_no_failed_beat() -> None:
    async def script(run: Performance) -> None:
        await run.beat(double, 1)
        raise KeyError("between")

    outcome, reports = await play(script)
    assert isinstance(outcome.error, KeyError)
    assert [report.status for report in reports] == ["started", "completed"]


async def test_pure_handlers_run_in_a_worker_thread_and_coroutines_in_the_event_loop() -> None:
    threads: dict[str, int] = {}

    def pure() -> None:
        threads["pure"] = threading.get_ident()

    async def crew() -> None:
        threads["crew"] = threading.get_ident()

    async def script(run: Performance) -> None:
        await run.beat(pure)
        await run.beat(crew)

    await play(script, define_sequence("threads", ("demo:pure", pure), ("demo:crew", crew)))
    assert threads["crew"] == threading.get_ident()
    assert threads["pure"] != threading.get_ident()


async def test_the_event_loop_goes_on_while_a_pure_handler_works() -> None:
    loop_went_on = threading.Event()

    def wait() -> bool:
        return loop_went_on.wait(120)

    async def script(run: Performance) -> bool:
        return await run.beat(wait)

    async def signal() -> None:
        loop_went_on.set()

    outcomes: list[Outcome] = []

    async def perform_it() -> None:
        outcomes.append((await play(script, define_sequence("waiting", ("demo:wait", wait))))[0])

    async with anyio.create_task_group() as group:
        group.start_soon(perform_it)
        group.start_soon(signal)
    assert outcomes == [Outcome(result=True)]


async def test_cancellation_is_no_failure_of_a_handler() -> None:
    async def never() -> None:
        await anyio.sleep_forever()

    reports: list[BeatReport] = []
    definition = define_sequence("cancelled", ("demo:never", never))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await perform(definition, "request-7", reports.append, lambda run: run.beat(never))
    assert scope.cancelled_caught
    assert [report.status for report in reports] == ["started"]


async def test_a_beat_knows_its_kind_by_its_handler() -> None:
    assert [(beat.number, beat.kind) for beat in SEQUENCE.beats] == [
        (1, "pure"),
        (2, "stage-crew"),
        (3, "pure"),
    ]
    assert SEQUENCE.beats[0] == Beat(1, "demo:double", double)
