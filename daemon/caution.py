"""Careful mode: what is read next is rehearsed by a child, and a line at which children die is passed over.

It begins after a start behind a death (the store's lock was never given back), and after a batch that raised;
it ends when as much is read as one batch can hold, so that what the dead reader had before it is behind. A
line is quarantined when two children in a row died at it: the first after the lines before it, which are
stored then, the second with it as the first of its file. If they died in recognising the format of a file,
the file is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from config.settings import Settings
from daemon.checkpoint import Checkpoint
from daemon.log_port import READ_BYTES, Allowance, Quarantine
from daemon.logs import tell
from daemon.rehearsal import HANG_S, Death, Rehearsal, Script, rehearse
from handlers.model import StreamState

REHEARSED_BYTES: Final = 4 << 20
"""A child begins in half a second and reads this in another one; then the daemon stores it."""
NARROWED: Final = 64
"""Into so many parts is divided what cannot be counted; three times, then it is a line."""


class Caution:
    """Says before each batch what may be read."""

    def __init__(self, settings: Settings) -> None:
        self._left_bytes = settings.ingest.batch_bytes + settings.logs.max_line_bytes + READ_BYTES
        self._suspect: Death | None = None
        self._max_bytes = REHEARSED_BYTES
        """How much the next child is to look at."""
        self._batch_bytes = REHEARSED_BYTES
        """How much of it the child is to count at once."""

    async def allow(
        self,
        settings: Settings,
        checkpoints: list[Checkpoint],
        formats: Mapping[int, str],
        streams: Mapping[str, StreamState],
        *,
        arrival_ms: int,
        at_end: bool,
    ) -> Allowance | None:
        """What the next batch may read, after a child did; None when no more care is needed.

        `checkpoints`, `formats` by source and `streams`: what the last commit left. `at_end`: nothing will
        follow what is there now."""
        if self._left_bytes <= 0:
            return None
        script = Script(
            settings=settings.model_dump_json(),
            checkpoints=checkpoints,
            formats=formats,
            streams=streams,
            max_bytes=self._max_bytes,
            batch_bytes=self._batch_bytes,
            arrival_ms=arrival_ms,
            at_end=at_end,
            hang_s=HANG_S,
        )
        try:
            rehearsal = await rehearse(script)
        except OSError as error:
            tell("WARNING", "no-rehearsal", f"what killed the reader is not looked for: {error}")
            return None
        if not rehearsal.more:
            if not rehearsal.ends:
                return None
            self._left_bytes = 0  # the last batch with care: all that was there when the child began
        self._left_bytes -= rehearsal.passed_bytes
        quarantine = self._judge(rehearsal)
        if quarantine is not None and quarantine.end:
            rehearsal.ends.setdefault(quarantine.key, quarantine.offset)
        return Allowance(rehearsal.ends, quarantine, at_end)

    def _judge(self, rehearsal: Rehearsal) -> Quarantine | None:
        """Sets what the next child does; the line that is to be passed over, if there is one."""
        death = rehearsal.death
        self._max_bytes = REHEARSED_BYTES
        if death is None:
            narrowed = max(1, rehearsal.open_bytes // NARROWED)
            self._batch_bytes = narrowed if rehearsal.how else REHEARSED_BYTES
            return None
        if rehearsal.open_bytes:  # the lines before it are not counted yet
            self._max_bytes = rehearsal.open_bytes
        if death != self._suspect:
            self._suspect = death
            return None
        if rehearsal.open_bytes:
            return None
        self._suspect, self._batch_bytes = None, REHEARSED_BYTES
        return Quarantine(death.key, death.offset, death.end, rehearsal.how)
