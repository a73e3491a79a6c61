"""The ledger as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daemon.cli.ledger import LedgerLine
from daemon.cli.text.figures import said_of_lossy, understood, unread
from daemon.cli.text.page import Page
from handlers.diagnosis.wording import count, size


def say_sources(page: Page, ledger: Sequence[LedgerLine], lossy_windows: int) -> None:
    """Each file with what was read of it, and what was not if anything was not."""
    for line in ledger:
        say_source(page, line)
    if not ledger:
        page.say("No file was read yet.")
    if lossy_windows:
        page.say((said_of_lossy(lossy_windows), "yellow"))


def say_source(page: Page, line: LedgerLine) -> None:
    words = [*([line.state] if line.state != "active" else []), *(["ingested"] if line.ingested else [])]
    state = f"  ({', '.join(words)})" if words else ""
    page.say((line.path, "bold"), (state, "yellow" if line.state == "gone" else "dim"))
    page.say(
        f"{line.format or 'unknown format'}, {size(line.bytes_read)}, {count(line.lines, 'line')}, "
        f"{count(line.events, 'event')}",
        indent=2,
    )
    if line.lines:
        page.say(understood(line.matched, line.unmatched), indent=2)
    if line.advice:
        page.say((line.advice, "yellow"), indent=2)
    if line.unread_bytes:
        page.say(f"not read yet: {unread(line.unread_bytes, line.lag_s)}", indent=2)
    if flaws := [text for number, text in _flaws(line) if number]:
        page.say((", ".join(flaws), "yellow"), indent=2)
    for loss in line.losses:
        span = f"bytes {loss.from_offset} to {loss.to_offset}"
        page.say((f"lost {span}: {loss.reason}", "red"), indent=2)


def _flaws(line: LedgerLine) -> Iterable[tuple[int, str]]:
    yield line.unreadable, f"{count(line.unreadable, 'line')} unreadable"
    yield line.undecodable, f"{count(line.undecodable, 'line')} not UTF-8 text"
    yield line.cut, f"{count(line.cut, 'line')} too long and cut"
    yield line.quarantined, f"{count(line.quarantined, 'line')} quarantined"
    yield line.bytes_skipped, f"{size(line.bytes_skipped)} skipped"
    yield line.bytes_lost, f"{size(line.bytes_lost)} lost"
