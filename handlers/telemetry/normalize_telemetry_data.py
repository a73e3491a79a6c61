"""Beat 4: one clock, one name a sequence and handler, values masked in the messages of errors."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from typing import Final

import msgspec

from config.limits import subject_names
from handlers.formats.error_site import error_site
from handlers.formats.time_text import Clock
from handlers.model import (
    ErrorText,
    NameBook,
    NormalizedEvents,
    PackedNormalizedEvents,
    PackedTelemetryEvents,
    Subject,
    TelemetryEvents,
)
from handlers.redaction import redacted
from handlers.templates import masked

_MAX_NAMES: Final = 20_000
"""Names kept per stream: a log that registers without end must not fill the memory."""
MAX_DURATION_MS: Final = 30 * 86_400_000
"""A longer one is a mistake of the writer, and sums must fit into 64 bits."""


class NormalizedTelemetry(msgspec.Struct, frozen=True):
    normalized_events: list[NormalizedEvents | PackedNormalizedEvents]
    names: Mapping[str, NameBook]
    """What is registered in each stream."""
    ahead: int
    """Events left out because their clock is ahead of this machine's by more than the allowed skew."""
    untimed: int
    """Events that have no time, or none that can be read, and got the time of arrival."""
    templates: tuple[str, ...] = ()
    """Of the errors in the order in which they were read, each once."""
    told_by: Mapping[str, frozenset[str]] = {}
    """The fullest names of the subjects that are told of, by stream."""


def normalize_telemetry_data(
    events: Sequence[TelemetryEvents | PackedTelemetryEvents],
    *,
    stream_of: Mapping[int, str],
    names: Mapping[str, NameBook],
    arrival_ms: int,
    zone: tzinfo,
    max_skew_ms: int,
    zones: Mapping[str, tzinfo] = MappingProxyType({}),
    watermarks_ms: Mapping[str, int] = MappingProxyType({}),
) -> NormalizedTelemetry:
    """Normalizes timestamps (epoch ms), handler names and errors.

    `stream_of` maps the sources of the events to their streams. Times without a zone are in that of their
    stream in `zones`, else in `zone`. `watermarks_ms`: the latest time of each stream so far.
    """
    books = {stream: NameBook(dict(book.sequence_ids), dict(book.plugins)) for stream, book in names.items()}
    normalized: list[NormalizedEvents | PackedNormalizedEvents] = []
    ahead = untimed = 0
    clocks: dict[str, Clock] = {}
    latest_ms = arrival_ms + max_skew_ms
    errors: dict[ErrorText, ErrorText] = {}
    templates: dict[str, None] = {}
    told_by: dict[str, frozenset[str]] = {}
    packed: dict[int, list[PackedTelemetryEvents]] = {}
    for part in events:
        stream = stream_of[part.source]
        if isinstance(part, PackedTelemetryEvents) and part.latest_ms <= latest_ms:
            book = books.setdefault(stream, NameBook())
            subjects = [_normalized(subject, book) for subject in part.subjects]
            told_by[stream] = told_by.get(stream, frozenset()).union(_told_names(subjects))
            packed.setdefault(part.source, []).append(part)
            beats = msgspec.structs.replace(part, subjects=subjects)
            normalized.append(PackedNormalizedEvents(stream, beats))
            continue
        each = part.columns() if isinstance(part, PackedTelemetryEvents) else part
        distinct = dict(zip(map(id, each.subjects), each.subjects, strict=True))
        kinds = frozenset(subject.kind for subject in distinct.values())
        book = books.setdefault(stream, NameBook())
        if "registered" in kinds:
            subjects = _registering(each.subjects, book)
            normal = dict(zip(map(id, subjects), subjects, strict=True))
        else:
            normal = {key: _normalized(subject, book) for key, subject in distinct.items()}
            subjects = [*map(normal.__getitem__, map(id, each.subjects))]
        told_by[stream] = told_by.get(stream, frozenset()).union(_told_names(normal.values()))
        clock = clocks.get(stream) or Clock(
            zones.get(stream, zone), arrival_ms, max_skew_ms, watermarks_ms.get(stream, 0)
        )
        clocks[stream] = clock
        times_ms = clock.epochs_ms(each.times)
        at_ms = [arrival_ms if time_ms is None else time_ms for time_ms in times_ms]
        columns = NormalizedEvents(
            source=each.source,
            stream=stream,
            kinds=kinds,
            subjects=subjects,
            at_ms=at_ms,
            offsets=each.offsets,
            runs=each.runs,
            durations_us=_microseconds(each.durations_ms),
            errors={index: _normalized_error(error, errors) for index, error in each.errors.items()},
            sources=each.sources,
            whole=each.whole,
            versions=_versions(each, at_ms, packed.get(each.source, []), clock, arrival_ms, latest_ms),
        )
        if None in times_ms or max(at_ms, default=0) > latest_ms or "registered" in kinds:
            told = [index for index, subject in enumerate(subjects) if subject.kind != "registered"]
            kept = [index for index in told if at_ms[index] <= latest_ms]
            ahead += sum(each.steps(index) for index in told if at_ms[index] > latest_ms)
            untimed += sum(each.steps(index) for index in told if times_ms[index] is None)
            columns = _only(columns, kept)
        normalized.append(columns)
        templates.update((columns.errors[index].message, None) for index in sorted(columns.errors))
    return NormalizedTelemetry(normalized, books, ahead, untimed, tuple(templates), told_by)


def _told_names(subjects: Iterable[Subject]) -> Iterator[str]:
    """The fullest names of what is counted under these subjects: beats, errors and sequences."""
    for subject in subjects:
        if subject.kind not in {"registered", "restarted"}:
            yield from subject_names(subject.sequence, subject.event, subject.plugin, subject.handler)[:1]
            yield from filter(None, (subject.sequence,))
            yield from _told_names(subject.beats)


def _versions(
    events: TelemetryEvents,
    at_ms: list[int],
    packed: list[PackedTelemetryEvents],
    clock: Clock,
    arrival_ms: int,
    latest_ms: int,
) -> tuple[tuple[int, str, str], ...]:
    """Each with the time of its line, else of an event that stands near; `packed`: those before these."""
    found = []
    for told in events.versions:
        index = bisect_left(events.offsets, told.offset)
        is_event = index < len(at_ms) and events.offsets[index] == told.offset
        told_ms = None if is_event else clock.epoch_ms(told.time)
        if told_ms is None:
            behind = [*(beats.at_ms_from(told.offset) for beats in packed), *at_ms[index : index + 1]]
            near = [*behind, *at_ms[-1:], *(beats.latest_ms for beats in packed[-1:])]
            told_ms = next((near_ms for near_ms in near if near_ms is not None), arrival_ms)
        if told_ms <= latest_ms:
            found.append((told_ms, told.name, redacted(told.version)))
    return tuple(found)


def _registering(subjects: list[Subject], book: NameBook) -> list[Subject]:
    """The subjects with sequence ids and plug-ins, each by what was registered before it."""
    known: dict[int, Subject] = {}
    same: dict[Subject, Subject] = {}
    each: list[Subject] = []
    for subject in subjects:
        if subject.kind == "registered":
            _register(book, subject)
            known.clear()
            each.append(subject)
        else:
            if id(subject) not in known:
                normalized = _normalized(subject, book)
                known[id(subject)] = same.setdefault(normalized, normalized)
            each.append(known[id(subject)])
    return each


def _normalized(subject: Subject, book: NameBook) -> Subject:
    sequence = book.sequence_ids.get(subject.sequence, subject.sequence)
    if subject.beats:
        beats = tuple(_normalized(beat, book) for beat in subject.beats)
        return msgspec.structs.replace(subject, sequence=sequence, beats=beats)
    plugin = subject.plugin or book.plugins.get(f"{sequence}\t{subject.event}", "")
    if (sequence, plugin) == (subject.sequence, subject.plugin):
        return subject
    return msgspec.structs.replace(subject, sequence=sequence, plugin=plugin)


def _normalized_error(error: ErrorText, known: dict[ErrorText, ErrorText]) -> ErrorText:
    normalized = known.get(error)
    if normalized is None:
        site = error_site(error.frame)
        # Many programs print the type in front of the message; it would be said twice.
        message = error.message.removeprefix(f"{error.type}: ") if error.type else error.message
        normalized = msgspec.structs.replace(error, message=masked(redacted(message)), site=site)
        known[error] = normalized
    return normalized


def _microseconds(durations_ms: list[float | None]) -> list[int | None]:
    """Rounded; None for those that are not known, or longer than any."""
    if None not in durations_ms and max(durations_ms, default=0.0) <= MAX_DURATION_MS:  # type: ignore[type-var,operator]
        return [*map(round, map((1000.0).__mul__, durations_ms))]  # type: ignore[arg-type]
    return [
        None if duration_ms is None or duration_ms > MAX_DURATION_MS else round(duration_ms * 1000)
        for duration_ms in durations_ms
    ]


def _only(events: NormalizedEvents, kept: list[int]) -> NormalizedEvents:
    """The events with these indexes."""
    moved = {index: position for position, index in enumerate(kept)}
    return NormalizedEvents(
        source=events.source,
        stream=events.stream,
        kinds=events.kinds,
        subjects=[events.subjects[index] for index in kept],
        at_ms=[events.at_ms[index] for index in kept],
        offsets=[events.offsets[index] for index in kept],
        runs=[events.runs[index] for index in kept],
        durations_us=[events.durations_us[index] for index in kept],
        errors={moved[index]: error for index, error in events.errors.items() if index in moved},
        sources={moved[index]: source for index, source in events.sources.items() if index in moved},
        whole={moved[index]: run for index, run in events.whole.items() if index in moved},
        versions=events.versions,
    )


def _register(book: NameBook, subject: Subject) -> None:
    if subject.event and len(book.plugins) < _MAX_NAMES:
        book.plugins[f"{subject.sequence_id}\t{subject.event}"] = subject.plugin
    elif subject.sequence and len(book.sequence_ids) < _MAX_NAMES:
        book.sequence_ids[subject.sequence] = subject.sequence_id
