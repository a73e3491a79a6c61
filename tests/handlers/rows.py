"""Events one by one, as tests write and compare them; the program keeps them in columns."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from handlers.model import (
    ErrorText,
    EventKind,
    NormalizedEvents,
    PackedNormalizedEvents,
    PackedTelemetryEvents,
    Subject,
    TelemetryEvents,
)


class TelemetryEvent(msgspec.Struct, frozen=True):
    """One event in the words of the log."""

    kind: EventKind
    source: int
    offset: int
    time: str | float | None = None
    sequence: str = ""
    sequence_id: str = ""
    request_id: str = ""
    event: str = ""
    plugin: str = ""
    handler: str = ""
    beat: int = 0
    duration_ms: float | None = None
    failed: bool = False
    error_type: str = ""
    error_message: str = ""
    error_frame: str = ""


class NormalizedEvent(msgspec.Struct, frozen=True):
    """One event with epoch time."""

    kind: EventKind
    at_ms: int
    source: int
    offset: int
    sequence: str = ""
    run: str = ""
    event: str = ""
    plugin: str = ""
    handler: str = ""
    beat: int = 0
    duration_us: int | None = None
    failed: bool = False
    error_type: str = ""
    error_template: str = ""
    error_frame: str = ""


def kinds(events: Iterable[TelemetryEvents | PackedTelemetryEvents]) -> Counter[str]:
    """How many there are of each kind; of a whole run, of each of its steps."""
    counted: Counter[str] = Counter()
    for part in events:
        each = part.columns() if isinstance(part, PackedTelemetryEvents) else part
        counted.update(subject.kind for subject in each.subjects)
        beats = sum(len(run.offsets) for run in each.whole.values())
        counted.update({"beat-started": beats, "beat-completed": beats})
        counted.update({"run-started": counted["run"], "run-completed": counted["run"]})
        del counted["run"]
    return +counted


def rows(events: TelemetryEvents) -> list[TelemetryEvent]:
    """The events of a file that holds no whole runs."""
    assert not events.whole
    found: list[TelemetryEvent] = []
    for index, subject in enumerate(events.subjects):
        error = events.errors.get(index, ErrorText("", "", ""))
        found.append(
            TelemetryEvent(
                kind=subject.kind,
                source=events.sources.get(index, events.source),
                offset=events.offsets[index],
                time=events.times[index],
                sequence=subject.sequence,
                sequence_id=subject.sequence_id,
                request_id=events.runs[index],
                event=subject.event,
                plugin=subject.plugin,
                handler=subject.handler,
                beat=subject.beat,
                duration_ms=events.durations_ms[index],
                failed=subject.failed,
                error_type=error.type,
                error_message=error.message,
                error_frame=error.frame,
            )
        )
    return found


def columns(found: Iterable[TelemetryEvent]) -> list[TelemetryEvents]:
    """The events in columns, a new one where the source changes."""
    each: list[TelemetryEvents] = []
    for row in found:
        if not each or each[-1].source != row.source:
            each.append(TelemetryEvents(row.source))
        names = {name: getattr(row, name) for name in Subject.__struct_fields__ if name != "beats"}
        is_error = row.kind == "error"
        error = ErrorText(row.error_type, row.error_message, row.error_frame) if is_error else None
        each[-1].add(Subject(**names), row.offset, row.time, row.request_id, row.duration_ms, error)
    return each


def normalized_rows(events: Iterable[NormalizedEvents | PackedNormalizedEvents]) -> list[NormalizedEvent]:
    """The normalized events one by one; none is packed."""
    found: list[NormalizedEvent] = []
    for each in events:
        assert isinstance(each, NormalizedEvents)
        assert not each.whole
        for index, subject in enumerate(each.subjects):
            error = each.errors.get(index, ErrorText("", "", ""))
            found.append(
                NormalizedEvent(
                    kind=subject.kind,
                    at_ms=each.at_ms[index],
                    source=each.sources.get(index, each.source),
                    offset=each.offsets[index],
                    sequence=subject.sequence,
                    run=each.runs[index],
                    event=subject.event,
                    plugin=subject.plugin,
                    handler=subject.handler,
                    beat=subject.beat,
                    duration_us=each.durations_us[index],
                    failed=subject.failed,
                    error_type=error.type,
                    error_template=error.message,
                    error_frame=error.frame,
                )
            )
    return found


def normalized_columns(
    found: Iterable[NormalizedEvent], stream_of: dict[int, str] | None = None
) -> list[NormalizedEvents]:
    """Normalized events in columns, a new one where the source changes."""
    each: list[NormalizedEvents] = []
    for row in found:
        if not each or each[-1].source != row.source:
            stream = (stream_of or {1: "one.log", 2: "two.log"})[row.source]
            each.append(NormalizedEvents(row.source, stream, frozenset(), [], [], [], [], [], {}, {}, {}))
        last = each[-1]
        if row.kind == "error":
            error = ErrorText(row.error_type, row.error_template, row.error_frame)
            last.errors[len(last.subjects)] = error
        names = {
            name: getattr(row, name)
            for name in Subject.__struct_fields__
            if name not in {"beats", "sequence_id"}
        }
        last.subjects.append(Subject(**names))
        last.at_ms.append(row.at_ms)
        last.offsets.append(row.offset)
        last.runs.append(row.run)
        last.durations_us.append(row.duration_us)
    return [
        msgspec.structs.replace(events, kinds=frozenset(subject.kind for subject in events.subjects))
        for events in each
    ]
