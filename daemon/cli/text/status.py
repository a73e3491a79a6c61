"""The state as text."""

from __future__ import annotations

from daemon.cli.state import Learning, ReadSoFar, State
from daemon.cli.text.figures import ago, moment, said_of_lossy, understood, unread
from daemon.cli.text.page import SEVERITY_STYLES, Page, Part
from handlers.diagnosis.wording import count, size

DAEMON = {
    "running": ("running", "green"),
    "stopped": ("not running", "yellow"),
    "unknown": ("not known whether it runs: /proc/locks cannot be read", "yellow"),
}


def say_status(page: Page, state: State, now_ms: int) -> None:
    """A few lines: what runs, what was read, what is wrong."""
    process = f" as process {state.daemon.pid}" if state.daemon.pid else ""
    page.field("daemon", DAEMON[state.daemon.state], process, indent=0)
    for problem in state.rejected:
        page.field("settings", ("those from before are in force: ", "yellow"), problem, indent=0)
    used = f"{size(state.store.size_bytes)} of at most {size(state.store.max_bytes)}"
    page.field("store", f"{state.store.path} ({used})", indent=0)
    _say_read(page, state.read)
    newest = f", {ago(state.watermark_ms, now_ms)}" if state.watermark_ms else ""
    page.field("last event", f"{moment(state.watermark_ms)}{newest}", indent=0)
    page.field(
        "judged", f"until {moment(state.judged_until_ms)}" if state.judged_until_ms else "not yet", indent=0
    )
    page.field("learned", _learning(state.learning), indent=0)
    page.field("open", *_open(state), indent=0)


def _say_read(page: Page, read: ReadSoFar) -> None:
    gone = f" and {read.gone:,} that are gone" if read.gone else ""
    page.field(
        "read",
        f"{count(read.files, 'file')}{gone}: {count(read.lines, 'line')}, {count(read.events, 'event')}",
        indent=0,
    )
    if read.lines:
        page.field("", understood(read.matched, read.unmatched), indent=0)
    if read.unread_bytes is None:
        page.field(
            "unread", ("not known: a file cannot be looked at (selfheald sources)", "yellow"), indent=0
        )
    else:
        behind = unread(read.unread_bytes, read.lag_s) if read.unread_bytes else "nothing"
        page.field("unread", behind, indent=0)
    flaws = (
        (read.unreadable, f"{count(read.unreadable, 'line')} unreadable"),
        (read.undecodable, f"{count(read.undecodable, 'line')} not UTF-8 text"),
        (
            read.late,
            f"{count(read.late, 'event')} came after their window was judged, and were judged on their own",
        ),
        (read.ahead, f"{count(read.ahead, 'event')} left out: dated later than the clock allows"),
        (read.untimed, f"{count(read.untimed, 'event')} without a time, counted when they arrived"),
        (read.bytes_lost, f"{size(read.bytes_lost)} lost (selfheald sources)"),
        (read.lossy_windows, said_of_lossy(read.lossy_windows)),
    )
    for number, text in flaws:
        if number:
            page.field("", (text, "yellow"), indent=0)


def _learning(learning: Learning) -> str:
    handlers, sequences = learning.handlers, learning.sequences
    if not handlers.seen:
        return "nothing yet: no handler was seen"
    parts = [f"{handlers.learned:,} of {count(handlers.seen, 'handler')}"]
    if sequences.seen:
        parts.append(f"{sequences.learned:,} of {count(sequences.seen, 'sequence')}")
    if learning.set:
        parts.append(f"{count(learning.set, 'handler')} set in expected_ms")
    if learning.pinned:
        parts.append(f"{learning.pinned:,} pinned")
    enough = f"by at least {learning.min_samples:,} healthy executions"
    waits = handlers.learned < handlers.seen or sequences.learned < sequences.seen
    return f"{', '.join(parts)} ({enough}{'; the others are still learning' if waits else ''})"


def _open(state: State) -> list[Part]:
    parts: list[Part] = []
    for severity, number in state.open.items():
        if number:
            parts += [", "] if parts else []
            parts.append((f"{number} {severity}", SEVERITY_STYLES[severity]))
    known = ", ".join(f"{number} {name}" for name, number in state.known.items() if number)
    return (
        [*parts, known and f"; of them {known}", ("  (selfheald anomalies)", "dim")]
        if parts
        else [("no anomaly", "green")]
    )
