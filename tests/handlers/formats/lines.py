"""Lines of logs for the tests of the formats, and what reading them in blocks gives."""

import itertools
from typing import Final

import msgspec
from hypothesis import strategies as st

from handlers.formats.base import Format
from handlers.formats.scan import extract_block
from handlers.model import Block, OpenError, ParserState
from tests.handlers.rows import TelemetryEvent, rows

STAMP: Final = "2026-11-22T16:10:58.813Z "
REQUEST: Final = "order-save-symphony-1795363858813-ab12cd"
MESSAGES: Final = (
    "🎼 Initializing RenderX Evolution Communication System...",
    '🎼 SequenceRegistry: Registered sequence "Order Save" (id: order-save-symphony)',
    '📡 EventBus: Subscribed to "order:write" (1 total subscribers) (plugin: P:order-save-symphony)',
    '🎼 ExecutionQueue: Now executing "Order Save"',
    '🎼 ExecutionQueue: Now executing "Mail Send"',
    f"🆔 Request ID: {REQUEST}",
    "🆔 Request ID: mail-send-symphony-1795363859000-zz99",
    "🎵 Beat 1 Started: Validate (fast) (order:validate)",
    "🎵 Beat 2 Started: Write (order:write)",
    "🎽 DataBaton: No changes | seq=Order Save beat=? event=order:write handler=writeOrder",
    "🎽 DataBaton: No changes | seq=Order Save beat=2 event=order:write handler=?",
    "⏱️ PerformanceTracker: Beat 1 completed in 14.87ms",
    "⏱️ PerformanceTracker: Beat 2 completed in 3.10ms",
    "✅ BeatExecutor: Beat 1 (order:validate) completed in 15ms",
    "✅ BeatExecutor: Beat 2 (order:write) completed in 3ms",
    "🧠 PluginManager: Handler execution failed for OrderPlugin.writeOrder: TypeError: x is 5",
    "❌ BeatExecutor: Beat 2 (order:write) failed: RangeError: order 7 is full",
    '❌ MovementExecutor: Movement "Order" failed: RangeError: order 7 is full',
    '❌ SequenceExecutor: Sequence "Order Save" failed: RangeError: order 7 is full',
    '✅ SequenceExecutor: Sequence "Order Save" completed in 31ms',
    '🛑 SequenceExecutor: Stopping execution of "Order Save"',
)
OTHER: Final = (
    "    at writeOrder (file:///app/shop.mjs:46:72)",
    "    at run (file:///app/node_modules/musical-conductor/dist/PluginManager.js:247:58) {",
    "      code: 'ENOENT',",
    "    }",
    "    {",
    "",
    "the program's own words",
    "{",
)
JSON_LINES: Final = (
    '{"timestamp":"2026-11-22T10:00:00Z","event":"run-started","sequence":"s","requestId":"r"}',
    '{"timestamp":"2026-11-22T10:00:01Z","event":"a","handler":"P.a","sequence":"s","requestId":"r"}',
    '{"timestamp":"2026-11-22T10:00:02Z","event":"a","handler":"P.a","requestId":"r","duration":5}',
    '{"timestamp":"2026-11-22T10:00:03Z","event":"a","requestId":"r","error":{"message":"E: 5"}}',
    '{"timestamp":"2026-11-22T10:00:04Z","event":"run-completed","sequence":"s","requestId":"r"}',
    '{"timestamp":1795363858.5,"event":"b","duration":1}',
    '{"broken":',
    "words",
    "",
)


class Read(msgspec.Struct, frozen=True):
    """What a log gave."""

    events: list[TelemetryEvent]
    state: ParserState
    lines: int
    matched: int
    unreadable: int
    undecodable: int


def conductor_lines() -> st.SearchStrategy[list[str]]:
    """Any mixture of what both versions of the conductor print, and of what is no line of theirs."""
    indent = st.sampled_from(["", "  ", "    "])
    stamp = st.sampled_from(["", STAMP, "2026-11-22T16:10:59.001Z "])
    message = st.builds("{}{}{}".format, indent, stamp, st.sampled_from(MESSAGES))
    return st.lists(st.one_of(message, message, st.sampled_from(OTHER)), max_size=25)


def json_lines() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(JSON_LINES), max_size=20)


def read(
    log_format: Format, data: bytes, borders: list[int] | None = None, state: ParserState | None = None
) -> Read:
    """What a log gives that is read to its end in blocks; `borders` are offsets after line ends."""
    events: list[TelemetryEvent] = []
    lines = matched = unreadable = undecodable = 0
    state = state or ParserState()
    edges = [0, *sorted(borders or []), len(data)]
    for start, end in itertools.pairwise(edges):
        block = Block(1, start, end, data[start:end])
        extraction = extract_block(log_format, block, state, end == len(data))
        events += rows(extraction.events)
        lines += extraction.lines
        matched += extraction.matched
        unreadable += extraction.unreadable
        undecodable += extraction.undecodable
        state = extraction.state
    return Read(
        events=events,
        state=state,
        lines=lines,
        matched=matched,
        unreadable=unreadable,
        undecodable=undecodable,
    )


def line_borders(data: bytes) -> list[int]:
    return [at + 1 for at, byte in enumerate(data) if byte == 0x0A]


def comparable(extraction: Read) -> Read:
    """An error is told when its stack has ended, which a block border may delay: its order says nothing."""
    ordered = sorted(extraction.events, key=lambda event: (event.offset, event.kind))
    return msgspec.structs.replace(extraction, events=ordered)


def full_state() -> ParserState:
    """A state in which everything is open."""
    error = OpenError(1, 3, None, "s", "r", "order:write", 2, "P", "h", "TypeError", "x", ["at f (a.js:1:1)"])
    return ParserState(
        run=REQUEST,
        sequence="order-save-symphony",
        beat=2,
        event="order:write",
        handler="writeOrder",
        beat_failed=True,
        run_failed=True,
        time=1795363858.813,
        error=error,
    )
