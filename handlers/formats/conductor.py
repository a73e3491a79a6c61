"""The console output of the musical-conductor package, 1.4 (without timestamps) and 1.5 (with).

What a reader must know of it:
- The indentation stands before the timestamp. 1.5 prints the label of each beat twice, once with a timestamp
  and once bare; that is one beat.
- `Beat 1 completed in 14.87ms` (precise) and `Beat 1 (event) completed in 15ms` (rounded) are one beat.
- The event of a Started line is in its last parenthesis.
- `DataBaton` ties an event to its handler, with every beat anew: it is looked for until the handler is known.
- A beat whose handler failed still reports "completed"; the failure stands before it.
- The conductor plays one sequence at a time; lines of a queued second play may stand inside the first one.
- A request id ends in the epoch milliseconds of the play: the only clock of a log without timestamps.
- A handler that 1.4 does not wait for reports itself, or fails, after its beat or its run has completed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from handlers.formats.conductor_lines import RESTART, bare_restart, stamped_lines
from handlers.formats.conductor_reader import ConductorReader
from handlers.formats.conductor_runs import Found, span_of
from handlers.model import ParserState

NAME: Final = "musical-conductor"

# The last named group of a message chooses the method of ConductorReader that answers the line.
MESSAGES: Final = (
    r"🎵 Beat (?P<number>\d+) Started: [^\n]*\((?P<started>[^\n()]+)\)",
    r"🎼 ExecutionQueue: Now executing \"(?P<executing>[^\n]*)\"",
    r"🆔 Request ID: (?P<request>\S+)",
    r"⏱️ PerformanceTracker: Beat \d+ completed in (?P<duration>\d+\.?\d*)ms",
    r"✅ BeatExecutor: Beat (?P<done_number>\d+) \((?P<done>[^\n]*)\) completed in (?P<rounded>\d+)ms",
    r"✅ SequenceExecutor: Sequence \"[^\n]*\" (?P<ended>completed)",
    r"🛑 SequenceExecutor: (?P<stopped>Stopping)",
    r"🧠 PluginManager: Handler execution failed for (?P<failing>\S+): (?P<failure>[^\n]*)",
    r"❌ BeatExecutor: Beat (?P<bad_number>\d+) \((?P<bad>[^\n]*?)\) failed: (?P<bad_error>[^\n]*)",
    r"❌ SequenceExecutor: Sequence \"[^\n]*?\" failed: (?P<run_error>[^\n]*)",
    r"🎼 SequenceRegistry: Registered sequence \"(?P<name>[^\n]*)\" \(id: (?P<id>[^\n]*)\)",
    r"📡 EventBus: Subscribed to \"(?P<subscribed>[^\"\n]+)\" [^:\n]*: (?P<plugin>[^:\n]+):(?P<of>[^:\n]+)\)",
    rf"🎼 (?P<restarted>{RESTART})",
)
OPENING: Final = '🎼 ExecutionQueue: Now executing "'.encode()
"""A run begins so; one that is cut is read line by line."""
_MAX_DIGITS: Final = 9
_MAX_TEXT_BYTES: Final = 500


def _bounded(message: str) -> str:
    """Bounds every repetition: a line of many unfinished messages must not take quadratic time."""

    def bound(repetition: re.Match[str]) -> str:
        most = _MAX_DIGITS if repetition[1] == r"\d" else _MAX_TEXT_BYTES
        return f"{repetition[1]}{{{0 if repetition[2] == '*' else 1},{most}}}"

    return re.sub(r"(\\[dS]|\])([*+])", bound, message)


def _alternatives(messages: Iterable[bytes]) -> bytes:
    """One alternative for each first byte, and so on: `re` tries the branches one by one at every line."""
    branches: dict[bytes, list[bytes]] = {}
    for message in messages:
        branches.setdefault(message[:1], []).append(message[1:])
    alternatives = [
        first + (rest[0] if len(rest) == 1 else _alternatives(rest)) for first, rest in branches.items()
    ]
    return alternatives[0] if len(alternatives) == 1 else b"(?:" + b"|".join(alternatives) + b")"


MESSAGE: Final = _alternatives(_bounded(message).encode() for message in MESSAGES)
"""Any message, for formats that put something else before it."""
# A match takes the rest of its line: a line is one message, and is counted once.
_STAMPED: Final = re.compile(rb"Z ++(?:" + MESSAGE + rb")[^\n]*")
_BARE: Final = re.compile(rb"\n *(?:" + MESSAGE + rb")[^\n]*")


class Conductor:
    """The format; it holds no state."""

    name: Final = NAME
    opening: Final = OPENING

    def __init__(self, *, whole_runs: bool = True, window_s: int = 1) -> None:
        """`whole_runs`: a run that went as most runs go, within a window of `window_s`, is one event; else
        every step of it is one."""
        self._span_s = span_of(window_s) if whole_runs else 0

    def recognizes(self, head: bytes) -> bool:
        return _STAMPED.search(head) is not None or _BARE.search(b"\n" + head) is not None

    def reader(self, source: int, state: ParserState) -> ConductorReader:
        return _Reader(source, state, self._span_s)


class _Reader(ConductorReader):
    """Splits blocks into regions with timestamps and without.

    A log with timestamps holds bare labels too, all of them repetitions, which the faster pattern passes
    over. It has timestamps from its first message with one on, until the program starts again without.
    """

    def __init__(self, source: int, state: ParserState, span_s: int) -> None:
        super().__init__(source, state, _STAMPED)
        self._span_s = span_s

    def read_lines(self) -> None:
        data, stamped = self.data, self.state.stamped
        start = first = 0
        while start < len(data):
            if stamped:
                found, end = self._stamped_lines(start)
                first = data.find(b"\n", end) + 1 or len(data)  # the restart itself is bare whatever is in it
                self.answer(found, data, 0, stamped=True)
            else:
                end = _first_stamp(data, first)
                text = b"\n" + data[start:end]
                self.answer(_BARE.finditer(text), text, start, stamped=False)
            stamped = not stamped
            start = end

    def _stamped_lines(self, start: int) -> tuple[Iterable[Found], int]:
        if self._span_s:
            return stamped_lines(_STAMPED, self.data, start, self.offset, self._span_s)
        end = bare_restart(self.data, start)
        return _STAMPED.finditer(self.data, start, end), end


def _first_stamp(data: bytes, start: int) -> int:
    first = _STAMPED.search(data, start)
    return len(data) if first is None else data.rfind(b"\n", 0, first.start()) + 1
