"""The console output of the musical-conductor package, 1.4 (without timestamps) and 1.5 (with).

What a reader must know of it:
- The indentation stands before the timestamp. 1.5 prints the label of each beat twice, once with a timestamp
  and once bare; that is one beat.
- `Beat 1 completed in 14.87ms` (precise) and `Beat 1 (event) completed in 15ms` (rounded) are one beat.
- The event of a Started line is in its last parenthesis.
- A beat whose handler failed still reports "completed"; the failure stands before it.
- The conductor plays one sequence at a time; lines of a queued second play may stand inside the first one.
- A request id ends in the epoch milliseconds of the play: the only clock of a log without timestamps.
- A handler that 1.4 does not wait for reports itself, or fails, after its beat or its run has completed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from handlers.formats.base import Extraction
from handlers.formats.conductor_reader import ConductorReader
from handlers.model import Block, ParserState

NAME: Final = "musical-conductor"

_RESTART: Final = "Initializing RenderX Evolution Communication System"
# The last named group of a message chooses the method of ConductorReader that answers the line. Every repetition
# is bounded: a line that looks like many unfinished messages must not take quadratic time.
_TEXT: Final = r"[^\n]{0,400}"
_MESSAGES: Final = (
    rf"🎵 Beat (?P<number>\d{{1,9}}) Started: {_TEXT}\((?P<started>[^\n()]{{1,300}})\)",
    rf"🎽 DataBaton: [^\n|]{{0,400}}\| seq=[^=\n]{{0,300}}=\? event=(?P<of_event>\S{{1,300}}) "
    r"handler=(?P<handler>[^\s?]{1,300})",
    rf"🎼 ExecutionQueue: Now executing \"(?P<executing>{_TEXT})\"",
    r"🆔 Request ID: (?P<request>\S{1,300})",
    r"⏱️ PerformanceTracker: Beat \d{1,9} completed in (?P<duration>\d{1,12}(?:\.\d{1,9})?)ms",
    rf"✅ BeatExecutor: Beat (?P<done_number>\d{{1,9}}) \((?P<done>{_TEXT})\) completed in "
    r"(?P<rounded>\d{1,12})ms",
    rf"✅ SequenceExecutor: Sequence \"{_TEXT}\" (?P<ended>completed)",
    r"🛑 SequenceExecutor: (?P<stopped>Stopping)",
    r"🧠 PluginManager: Handler execution failed for (?P<failing>\S{1,300}): (?P<failure>[^\n]{0,1000})",
    rf"❌ BeatExecutor: Beat (?P<bad_number>\d{{1,9}}) \((?P<bad>{_TEXT}?)\) failed: "
    r"(?P<bad_error>[^\n]{0,1000})",
    rf"❌ SequenceExecutor: Sequence \"{_TEXT}?\" failed: (?P<run_error>[^\n]{{0,1000}})",
    rf"🎼 SequenceRegistry: Registered sequence \"(?P<name>{_TEXT})\" \(id: (?P<id>{_TEXT})\)",
    r"📡 EventBus: Subscribed to \"(?P<subscribed>[^\"\n]{1,300})\" \(\d{1,9} total subscribers\) "
    r"\(plugin: (?P<plugin>[^:\n]{1,300}):(?P<of>[^:\n)]{1,300})\)",
    rf"🎼 (?P<restarted>{_RESTART})",
)


def _alternatives(messages: Iterable[str]) -> bytes:
    """One alternative for each first two bytes: `re` tries the branches one by one at every line (+40 %)."""
    branches: dict[bytes, list[bytes]] = {}
    for message in messages:
        encoded = message.encode()
        branches.setdefault(encoded[:2], []).append(encoded[2:])
    return b"|".join(first + b"(?:" + b"|".join(rest) + b")" for first, rest in branches.items())


MESSAGE: Final = _alternatives(_MESSAGES)
"""Any message, for formats that put something else before it."""
_STAMPED: Final = re.compile(rb"Z +(?:" + MESSAGE + rb")")
_BARE: Final = re.compile(rb"\n *(?:" + MESSAGE + rb")")


class Conductor:
    """The format; it holds no state."""

    name: Final = NAME

    def recognizes(self, head: bytes) -> bool:
        return _STAMPED.search(head) is not None or _BARE.search(b"\n" + head) is not None

    def extract(self, block: Block, state: ParserState, *, at_end: bool = False) -> Extraction:
        data = block.data
        reader = ConductorReader(block, state)
        reader.resume_stack()
        for stamped, start, end in _regions(data, state.stamped):
            if stamped:
                reader.lines(_STAMPED.finditer(data, start, end), 0, stamped=True)
            else:
                reader.lines(_BARE.finditer(b"\n" + data[start:end]), start, stamped=False)
        if at_end:
            reader.close_error()
        return Extraction(events=reader.events, state=reader.state, lines=data.count(b"\n"), unreadable=0)


def _regions(data: bytes, stamped: bool) -> Iterator[tuple[bool, int, int]]:
    """Splits a block into (with timestamps?, start, end).

    A log with timestamps holds bare labels too, all of them repetitions, which the faster pattern passes over.
    It has timestamps from its first message with one on, until the program starts again without them.
    """
    start = 0
    while start < len(data):
        end = _bare_restart(data, start) if stamped else _first_stamp(data, start)
        if end > start:
            yield stamped, start, end
        stamped = not stamped
        start = end


def _first_stamp(data: bytes, start: int) -> int:
    first = _STAMPED.search(data, start)
    return len(data) if first is None else data.rfind(b"\n", 0, first.start()) + 1


def _bare_restart(data: bytes, start: int) -> int:
    message = f"🎼 {_RESTART}".encode()
    at = data.find(message, start)
    while at >= 0:
        line = data.rfind(b"\n", 0, at) + 1
        if not data[line:at].strip(b" "):
            return line
        at = data.find(message, at + 1)
    return len(data)
