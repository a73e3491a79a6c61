"""What is done over and over: read to the end, judge, diagnose, and open the store before it all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config.settings import Settings
from daemon.engine import Engine
from daemon.logs import tell
from daemon.narrate import tell_changes
from daemon.progress import ReadProgress
from daemon.store import Store
from handlers.model import FixRecommendation

AHEAD: Final = (
    "events are dated later than this machine's clock allows (ingest.max_clock_skew_s) and are left out; "
    "set the clock of the machine that writes them, or of this one; selfheald status counts them"
)
LATE: Final = (
    "events came more than ingest.allowed_lateness_s after their window had ended, when it was judged; they "
    "are judged on their own; raise it if a writer is always so late; selfheald status counts them"
)


def open_store(settings: Settings) -> Store:
    """The store as its one writer; says so if it had to begin a new one. Raises StoreError."""
    store = Store.open(settings.store.path, max_bytes=settings.store.max_bytes)
    if store.set_aside is not None:
        tell(
            "ERROR",
            "store-damaged",
            f"{settings.store.path} was damaged. It is kept as {store.set_aside}; a new store is built from "
            "the logs that still exist",
        )
    return store


async def read_to_end(
    engine: Engine,
    after_batch: Callable[[bool], None] = lambda _more: None,
    *,
    at_end: bool = False,
    hot: bool = False,
) -> list[str]:
    """Feeds batches until all that is there is read; returns what could not be read.

    `after_batch` hears of each batch whether more is waiting. `hot`: it is enough to look at what was read
    lately.
    """
    progress = ReadProgress()
    problems: list[str] = []
    ahead = late = 0
    try:
        while True:
            parsed = await engine.feed(at_end=at_end, hot=hot)
            hot = False
            progress.batch(parsed)
            after_batch(parsed.more)
            ahead += parsed.ahead
            # Without lines, what came is a stack trace that waited for more: nobody was late.
            late += engine.telemetry.late_at_last if parsed.lines else 0
            problems += engine.tail.problems
            problems += parsed.refused
            if not parsed.more:
                return [*problems, *([AHEAD] if ahead else []), *([LATE] if late else [])]
    finally:
        progress.done()


async def judge(
    engine: Engine, until_ms: int, *, tells: bool = True, after_piece: Callable[[], None] = lambda: None
) -> None:
    """Judges all windows that end before `until_ms`, and diagnoses what is open after it.

    `tells`: the log says what opened and what is resolved. `after_piece` is called while there is more to do.
    """
    while True:
        detected = await engine.detect(until_ms)
        more_windows = engine.more_windows
        changes = engine.changes
        recommendations: tuple[FixRecommendation, ...] = ()
        try:
            if detected.anomalies or changes.resolved:
                recommendations = await engine.diagnose(detected.completed.record_id)
        finally:
            # Also without a diagnosis: what opened is stored, and no later cycle would tell it.
            if tells:
                tell_changes(changes, recommendations)
        if not more_windows:
            return
        after_piece()
