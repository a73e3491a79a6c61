"""Which event time is spoiled by lines that are lost.

A loss lies between the last event before it in its stream and the first one after it; all windows from the
one to the other are spoiled, since what is missing belongs into one of them. A run that was under way in
them may lack beats, so the windows up to its end are spoiled too: it counts where it ends. Spoiled windows
are marked in the store and are no evidence for or against anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from handlers.model import (
    ROW,
    EventKind,
    NormalizedEvents,
    OpenLoss,
    OpenRun,
    PackedNormalizedEvents,
    StreamState,
)

Span = tuple[int, int]
"""Event time [from, until) in ms."""
Place = tuple[int, int]
"""(rank of the file in the order of reading, offset)."""

_ENDS = frozenset({"run-completed", "run-failed"})
_BEGINNING: Place = (-2, 0)
"""Before all that was read in this batch, also before what waited for more from the batch before it."""


class LossLimits(msgspec.Struct, frozen=True):
    window_ms: int
    run_timeout_ms: int


def spoiled_time(
    events: Iterable[NormalizedEvents | PackedNormalizedEvents],
    *,
    losses: Iterable[tuple[int, int]],
    lossy_streams: Collection[str],
    read: Sequence[int],
    stream_of: Mapping[int, str],
    streams: Mapping[str, StreamState],
    runs: Mapping[str, Mapping[str, OpenRun]],
    limits: LossLimits,
) -> tuple[tuple[Span, ...], dict[str, OpenLoss | None]]:
    """The spans that this batch shows to be spoiled, and by stream the losses whose end it does not show.

    `losses`: (source, offset) of each, within the batch. `lossy_streams`: those that lost bytes before it.
    `read`: the sources in the order in which they were read. `streams`: the states before the batch, `runs`:
    what was open in each stream after it.
    """
    rank = {source: number for number, source in enumerate(read)}
    places: dict[str, list[Place]] = {name: [_BEGINNING] for name in lossy_streams}
    for source, offset in losses:
        places.setdefault(stream_of[source], []).append((rank[source], offset))
    waiting = {name for name in runs if name in streams and streams[name].loss is not None}
    if not (places or waiting):
        return (), {}
    of_stream: dict[str, list[tuple[Place, _Event]]] = {name: [] for name in {*places, *waiting}}
    for part in events:
        if part.stream in of_stream:
            of_stream[part.stream] += _placed(part, rank)
    spans: list[Span] = []
    open_losses: dict[str, OpenLoss | None] = {}
    for name, placed in of_stream.items():
        placed.sort(key=lambda pair: pair[0])
        before = streams.get(name)
        stream = _Stream(placed, before, runs.get(name, before.runs if before is not None else {}), limits)
        open_losses[name] = stream.spoil(sorted(places.get(name, [])))
        spans += stream.spans
    return tuple(spans), open_losses


class _Event(msgspec.Struct, frozen=True):
    kind: EventKind
    at_ms: int
    run: str


def _placed(
    events: NormalizedEvents | PackedNormalizedEvents, rank: Mapping[int, int]
) -> Iterator[tuple[Place, _Event]]:
    """Each event with its place; a whole run as its first and its last one."""
    if isinstance(events, PackedNormalizedEvents):
        beats = events.beats
        for offset, at_ms, _, subject in ROW.iter_unpack(beats.rows):
            yield (rank.get(beats.source, -1), offset), _Event(beats.subjects[subject].kind, at_ms, "")
        return
    for index, subject in enumerate(events.subjects):
        at_ms, run = events.at_ms[index], events.runs[index]
        file = rank.get(events.sources.get(index, events.source), -1)
        whole = events.whole.get(index)
        kind = subject.kind if whole is None else "run-started"
        yield (file, events.offsets[index]), _Event(kind, at_ms, run)
        if whole is not None:
            yield (file, whole.offsets[-1]), _Event("run-completed", at_ms + whole.after_ms[-1], run)


class _Stream:
    """One stream in one batch."""

    def __init__(
        self,
        placed: list[tuple[Place, _Event]],
        before: StreamState | None,
        open_runs: Mapping[str, OpenRun],
        limits: LossLimits,
    ) -> None:
        self.spans: list[Span] = []
        self._placed = placed
        self._known = before.loss if before is not None else None
        self._watermark_ms = before.watermark_ms if before is not None else 0
        self._runs_before = _by_request(before.runs if before is not None else {})
        self._runs_after = _by_request(open_runs)
        self._limits = limits
        self._last = {event.run: (place, event) for place, event in placed if event.run}
        """The last event of each run."""

    def spoil(self, places: Iterable[Place]) -> OpenLoss | None:
        """Fills `spans`; what is open after the batch."""
        still = self._spoil_on(self._known) if self._known is not None else None
        for place in places:
            before = [event.at_ms for at, event in self._placed if at < place]
            still = self._spoil_from(place, before[-1] if before else self._watermark_ms) or still
        return still

    def _spoil_on(self, loss: OpenLoss) -> OpenLoss | None:
        """Goes on with a loss of an earlier batch."""
        if not loss.until_ms:
            return self._spoil_from(_BEGINNING, loss.since_ms)
        runs = {run for run, opened in self._runs_before.items() if _is_under_way(opened, loss)}
        return self._spoil_runs(runs, loss, _BEGINNING)

    def _spoil_from(self, place: Place, since_ms: int) -> OpenLoss | None:
        after_ms = next((event.at_ms for at, event in self._placed if at >= place), 0)
        times = [time for time in (since_ms, after_ms) if time]
        if not times:
            return OpenLoss(0)
        first_ms, until_ms = self._window(min(times)), self._window(max(times)) + self._limits.window_ms
        self.spans.append((first_ms, until_ms))
        loss = OpenLoss(first_ms, until_ms)
        runs = {run for run, opened in self._runs_before.items() if _is_under_way(opened, loss)}
        for at, event in self._placed:
            if event.run and event.at_ms < until_ms and (at >= place or event.at_ms >= first_ms):
                runs.add(event.run)
        crossing = {event.run for at, event in self._placed if at < place} - self._ended_before(place)
        runs |= {run for run in crossing if run in self._last and self._last[run][0] >= place}
        open_loss = self._spoil_runs(runs - self._ended_before(place), loss, place)
        return open_loss if after_ms else OpenLoss(since_ms)

    def _ended_before(self, place: Place) -> set[str]:
        return {run for run, (at, event) in self._last.items() if at < place and event.kind in _ENDS}

    def _spoil_runs(self, runs: set[str], loss: OpenLoss, place: Place) -> OpenLoss | None:
        """Spoils the time up to the end of these runs; the loss, if one of them has not ended yet."""
        until_ms = loss.until_ms
        for run in runs:
            at, event = self._last.get(run, (_BEGINNING, None))
            if event is not None and at >= place:
                until_ms = max(until_ms, self._window(event.at_ms) + self._limits.window_ms)
            if run in self._runs_after or (event is not None and event.kind in _ENDS):
                continue
            # No line ended it: it ended by silence, and counts at the end of it.
            last_ms = event.at_ms if event is not None else self._runs_before[run].last_ms
            silent_ms = self._window(last_ms + self._limits.run_timeout_ms)
            self.spans.append((silent_ms, silent_ms + self._limits.window_ms))
        if until_ms > loss.until_ms:
            self.spans.append((loss.until_ms, until_ms))
        return loss if any(_is_under_way(run, loss) for run in self._runs_after.values()) else None

    def _window(self, at_ms: int) -> int:
        return at_ms - at_ms % self._limits.window_ms


def _is_under_way(run: OpenRun, loss: OpenLoss) -> bool:
    """Whether the run may lack a beat that the loss took. One that no line announced is over, as a rule,
    long before its silence says so."""
    return run.started.at_ms < loss.until_ms and (run.announced or run.last_ms >= loss.since_ms)


def _by_request(runs: Mapping[str, OpenRun]) -> dict[str, OpenRun]:
    """Open runs are kept under "sequence<TAB>request id"; a line that ends one may not name its sequence."""
    return {key.rpartition("\t")[2]: run for key, run in runs.items()}
