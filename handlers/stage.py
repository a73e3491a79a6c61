"""The stage: plays the handlers of a sequence in order, times each beat and reports it with its topic.

Pure handlers are plain functions. They run in a worker thread: having no I/O, clock or globals makes that
safe, and the event loop stays free for signals and the watchdog. Stage-crew handlers are coroutines that
do their I/O through the ports they are given.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, ParamSpec, TypeVar, overload

import anyio
import anyio.to_thread
import msgspec

P = ParamSpec("P")
T = TypeVar("T")

BeatKind = Literal["pure", "stage-crew"]


class Beat(msgspec.Struct, frozen=True):
    """One numbered step of a sequence: the topic that it reports under and the handler that answers it."""

    number: int
    topic: str
    handler: Callable[..., Any]

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def kind(self) -> BeatKind:
        return "stage-crew" if inspect.iscoroutinefunction(self.handler) else "pure"


class SequenceDefinition(msgspec.Struct, frozen=True):
    """A declared sequence of selfheald itself."""

    id: str
    beats: tuple[Beat, ...]


def define_sequence(sequence_id: str, *beats: tuple[str, Callable[..., Any]]) -> SequenceDefinition:
    """Numbers the (topic, handler) pairs in the order in which they are to be played."""
    return SequenceDefinition(
        sequence_id, tuple(Beat(number, topic, handler) for number, (topic, handler) in enumerate(beats, 1))
    )


class BeatReport(msgspec.Struct, frozen=True):
    """What the stage tells of one beat: once when it starts, once when it ends."""

    sequence: str
    request_id: str
    beat: int
    topic: str
    handler: str
    status: Literal["started", "completed", "failed"]
    duration_us: int | None = None
    error: str = ""


Reporter = Callable[[BeatReport], None]


class Outcome(msgspec.Struct, frozen=True):
    """How a performance ended. Exactly one of the two is set."""

    result: Any = None
    error: Exception | None = None


class Performance:
    """One play of a sequence. `beat` must be called with the declared handlers, in the declared order."""

    def __init__(self, definition: SequenceDefinition, request_id: str, report: Reporter) -> None:
        self._definition = definition
        self._request_id = request_id
        self._report = report
        self._played = 0
        self._playing: Beat | None = None
        self._started_ns = 0

    @overload
    async def beat(
        self, handler: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @overload
    async def beat(self, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...

    async def beat(self, handler: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
        """Plays the next beat and returns what its handler returns.

        Raises RuntimeError when `handler` is not the next one of the definition, and what the handler raises.
        """
        if self._played == len(self._definition.beats):
            raise RuntimeError(f"{self._definition.id} has no beat after {self._played}")
        beat = self._definition.beats[self._played]
        if beat.handler is not handler:
            raise RuntimeError(f"{self._definition.id}: beat {beat.number} is {beat.name}, not {handler}")
        self._played += 1
        self._playing = beat
        self._started_ns = time.perf_counter_ns()
        self._tell(beat, "started")
        if beat.kind == "stage-crew":
            result = await handler(*args, **kwargs)
        else:
            result = await anyio.to_thread.run_sync(functools.partial(handler, *args, **kwargs))
        self._playing = None
        self._tell(beat, "completed")
        return result

    def fail(self, error: Exception) -> None:
        """Reports the beat that was being played, if one was, as failed."""
        if self._playing is not None:
            self._tell(self._playing, "failed", f"{type(error).__name__}: {error}")

    def _tell(self, beat: Beat, status: Literal["started", "completed", "failed"], error: str = "") -> None:
        elapsed_us = (time.perf_counter_ns() - self._started_ns) // 1000
        self._report(
            BeatReport(
                sequence=self._definition.id,
                request_id=self._request_id,
                beat=beat.number,
                topic=beat.topic,
                handler=beat.name,
                status=status,
                duration_us=None if status == "started" else elapsed_us,
                error=error,
            )
        )


async def perform(
    definition: SequenceDefinition,
    request_id: str,
    report: Reporter,
    play: Callable[[Performance], Awaitable[object]],
) -> Outcome:
    """Plays a sequence to its end or to its first failing beat; a failure is an outcome, not an exception.

    This is the one broad `except` of the program: a defect in one handler must not end the service, and the
    report of the failed beat has already named it.
    """
    performance = Performance(definition, request_id, report)
    try:
        return Outcome(result=await play(performance))
    except Exception as error:  # noqa: BLE001
        performance.fail(error)
        return Outcome(error=error)
