"""Traces in OTLP JSON: one ExportTraceServiceRequest a line, as the OpenTelemetry file exporters write them.

A span is a beat; the root span of a trace is the run as well, and its name is the sequence. Spans arrive
when they end, children before their root, so a trace waits until its root is there. What waits for too long,
or too much of it, is told without a sequence.

Source: opentelemetry-proto, `trace.proto`, and the OTLP specification, "JSON Protobuf Encoding".
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from handlers.formats.fields import described_error
from handlers.model import (
    Block,
    ErrorText,
    EventKind,
    OpenTrace,
    ParserState,
    Subject,
    TelemetryEvents,
    ToldVersion,
    WaitingEvent,
)

NAME: Final = "otlp"

_REQUEST: Final = re.compile(rb'\n\s*\{\s*"resourceSpans"\s*:')
_FAILED: Final = (2, "STATUS_CODE_ERROR")
_MAX_WAIT_NS: Final = 60_000_000_000
_MAX_TRACES: Final = 2_000
_MAX_WAITING: Final = 5_000
"""Events that wait at most: they are part of what every commit stores."""
_MAX_NAME_CHARS: Final = 300
_MAX_VERSION_CHARS: Final = 100


class _Value(msgspec.Struct, frozen=True, gc=False):
    stringValue: str = ""


class _Attribute(msgspec.Struct, frozen=True, gc=False):
    key: str
    value: _Value = _Value()


class _SpanEvent(msgspec.Struct, rename="camel", frozen=True, gc=False):
    name: str = ""
    attributes: list[_Attribute] = []


class _Status(msgspec.Struct, frozen=True, gc=False):
    code: int | str = 0
    message: str = ""


class _Span(msgspec.Struct, rename="camel", frozen=True, gc=False):
    name: str
    trace_id: str
    start_time_unix_nano: Any
    end_time_unix_nano: Any = 0
    parent_span_id: str | None = None
    status: _Status | None = None
    events: list[_SpanEvent] = []


class _Scope(msgspec.Struct, frozen=True, gc=False):
    spans: list[_Span] = []


class _Resource(msgspec.Struct, frozen=True, gc=False):
    attributes: list[_Attribute] = []


class _ResourceSpans(msgspec.Struct, rename="camel", frozen=True, gc=False):
    scope_spans: list[_Scope] = []
    resource: _Resource = _Resource()


class _Request(msgspec.Struct, rename="camel", frozen=True, gc=False):
    resource_spans: list[_ResourceSpans]


class Otlp:
    """The format; it holds no state."""

    name: Final = NAME
    opening: Final = b""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Request)

    def recognizes(self, head: bytes) -> bool:
        return _REQUEST.search(b"\n" + head) is not None

    def reader(self, source: int, state: ParserState) -> _Reader:
        return _Reader(self._decoder, source, state)


def why_not(raw: bytes) -> str:
    """Why a line is no request of spans, with the path of what is wrong in it; "" if it is one."""
    try:
        msgspec.json.decode(raw, type=_Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return str(error)
    return ""


class _Reader:
    """Gathers spans into traces."""

    def __init__(self, decoder: msgspec.json.Decoder[_Request], source: int, state: ParserState) -> None:
        self._decoder = decoder
        traces = {
            trace_id: msgspec.structs.replace(trace, waiting=[*trace.waiting])
            for trace_id, trace in state.traces.items()
        }
        self.state = msgspec.structs.replace(state, traces=traces)
        self.events = TelemetryEvents(source)
        self.matched = self.unreadable = 0
        self._open = traces
        self._versions: dict[str, str] = {}
        self._waiting = sum(len(trace.waiting) for trace in traces.values())

    def read(self, block: Block) -> None:
        offset = block.offset
        for raw in io.BytesIO(block.data):
            try:
                request = self._decoder.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self.unreadable += not raw.isspace()
            else:
                self._take(request, block.source, offset)
                self.matched += 1
            offset += len(raw)

    def close(self) -> None:
        self._give_up(0)

    def _take(self, request: _Request, source: int, offset: int) -> None:
        self._tell_versions(request, offset)
        roots: dict[str, list[WaitingEvent]] = {}
        newest_ns = 0
        for service, span in _spans(request):
            told = _beat(span, service, source, offset)
            if not span.trace_id:
                self._tell(told, "")
                continue
            ended_ns = _ns(span.end_time_unix_nano)
            newest_ns = max(newest_ns, ended_ns)
            trace = self._open.setdefault(span.trace_id, OpenTrace(ended_ns))
            trace.last_ns = max(trace.last_ns, ended_ns)
            if trace.sequence and span.trace_id not in roots:
                self._tell(told, trace.sequence)  # too late for the path of its run, which is told
            elif trace.sequence or (span.parent_span_id or "").strip("0"):
                trace.waiting += told
                self._waiting += len(told)
            else:
                trace.sequence = span.name[:_MAX_NAME_CHARS]
                roots[span.trace_id] = told
        for trace_id, told in roots.items():
            self._run(trace_id, told)
        self._limit(newest_ns)

    def _tell_versions(self, request: _Request, offset: int) -> None:
        """Each where it is another one than before of that service."""
        for resource_spans in request.resource_spans:
            attributes = _attributes(resource_spans.resource.attributes)
            service, version = attributes.get("service.name", ""), attributes.get("service.version", "")
            if version and self._versions.get(service) != version:
                self._versions[service] = version
                spans = [span for scope in resource_spans.scope_spans for span in scope.spans]
                at_ns = min((_ns(span.start_time_unix_nano) for span in spans), default=0)
                self.events.versions.append(
                    ToldVersion(
                        offset,
                        service[:_MAX_NAME_CHARS],
                        version[:_MAX_VERSION_CHARS],
                        at_ns / 1e9 if at_ns else None,
                    )
                )

    def _run(self, trace_id: str, told: list[WaitingEvent]) -> None:
        trace = self._open[trace_id]
        run_started = _of_kind(told[0], "run-started")
        run_ended = _of_kind(told[-1], "run-failed" if told[-1].subject.failed else "run-completed")
        events = sorted([*told, *trace.waiting], key=_at)
        self._tell([run_started, *events, run_ended], trace.sequence, trace_id)
        self._waiting -= len(trace.waiting)
        trace.waiting = []

    def _tell(self, events: list[WaitingEvent], sequence: str, run: str = "") -> None:
        for event in events:
            subject = msgspec.structs.replace(event.subject, sequence=sequence)
            self.events.add(
                subject, event.offset, event.time, run, event.duration_ms, event.error, event.source
            )

    def _limit(self, newest_ns: int) -> None:
        """Gives up the traces that were seen first while they are too old, or there are too many."""
        keep = len(self._open)
        for trace in self._open.values():
            old = trace.last_ns < newest_ns - _MAX_WAIT_NS
            if not old and keep <= _MAX_TRACES and self._waiting <= _MAX_WAITING:
                break
            keep -= 1
            self._waiting -= len(trace.waiting)
        self._give_up(keep)

    def _give_up(self, keep: int) -> None:
        """Forgets all traces but the last `keep`; what they wait with is told without a sequence."""
        for trace_id in list(self._open)[: len(self._open) - keep]:
            self._tell(self._open.pop(trace_id).waiting, "")


def _spans(request: _Request) -> Iterator[tuple[str, _Span]]:
    for resource_spans in request.resource_spans:
        service = _attributes(resource_spans.resource.attributes).get("service.name", "")
        for scope in resource_spans.scope_spans:
            for span in scope.spans:
                yield service, span


def _beat(span: _Span, service: str, source: int, offset: int) -> list[WaitingEvent]:
    name = span.name[:_MAX_NAME_CHARS]
    start_ns, end_ns = _ns(span.start_time_unix_nano), _ns(span.end_time_unix_nano)
    failed = span.status is not None and span.status.code in _FAILED
    beat = Subject("beat-started", event=name, plugin=service[:_MAX_NAME_CHARS], handler=name)
    started = WaitingEvent(beat, source, offset, start_ns / 1e9)
    completed = WaitingEvent(
        msgspec.structs.replace(beat, kind="beat-completed", failed=failed),
        source,
        offset,
        end_ns / 1e9,
        (end_ns - start_ns) / 1e6 if 0 < start_ns <= end_ns else None,
    )
    if not failed:
        return [started, completed]
    error = ErrorText(*described_error(_exception(span)))
    return [started, msgspec.structs.replace(_of_kind(completed, "error"), error=error), completed]


def _of_kind(event: WaitingEvent, kind: EventKind) -> WaitingEvent:
    return msgspec.structs.replace(event, subject=msgspec.structs.replace(event.subject, kind=kind))


def _exception(span: _Span) -> dict[str, str]:
    """The last exception that the span recorded, else the message of its status."""
    for event in reversed(span.events):
        if event.name == "exception":
            found = _attributes(event.attributes)
            return {name: found.get(f"exception.{name}", "") for name in ("type", "message", "stacktrace")}
    return {"message": span.status.message if span.status is not None else ""}


def _attributes(attributes: list[_Attribute]) -> dict[str, str]:
    return {attribute.key: attribute.value.stringValue for attribute in attributes}


def _at(event: WaitingEvent) -> float:
    return event.time


def _ns(value: object) -> int:
    """Nanoseconds since the epoch, which JSON holds as text; 0 where there is no time."""
    try:
        ns = int(str(value))
    except ValueError:
        return 0
    return ns if 0 < ns < 1 << 63 else 0
