"""selfheald report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, StoreOption


def report(
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PATH", help="Write one self-contained HTML file.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--md", help="Print Markdown, for a ticket; so it is without --html.")
    ] = False,
    since: Annotated[str, typer.Option("--since", metavar="SPAN", help="How far back: 90m, 24h, 7d.")] = "7d",
    config: ConfigOption = None,
    store: StoreOption = None,
) -> int:
    """Writes what is open, why, and what to do.

    \b
    Examples:
      selfheald report --html report.html
      selfheald report --md --since 24h > ticket.md

    \b
    Exit codes:
      0  written
      2  could not run: bad settings, no store that can be read, or no place
         to write to
    """
    import time

    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import reading
    from daemon.report.collect import collect
    from daemon.report.markdown import markdown as as_markdown
    from daemon.report.page import html_page

    settings = load_for_store(config, store).settings
    now_ms = time.time_ns() // 1_000_000
    since_ms = now_ms - span_ms(since)
    with reading(settings) as records:
        collected = collect(settings, records, since_ms, now_ms)
    if html is not None:
        try:
            html.write_text(html_page(collected), encoding="utf-8")
        except OSError as error:
            raise CannotRunError(f"{html}: cannot be written ({error.strerror}).") from error
    if markdown or html is None:
        write(as_markdown(collected))
    return 0


_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def span_ms(text: str) -> int:
    """90m, 24h or 7d in milliseconds. Raises CannotRunError."""
    from daemon.cli.failure import CannotRunError

    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_MS or not number.isdecimal() or not 0 < int(number) <= 100_000:
        raise CannotRunError(f"{text}: must be a number with m, h or d behind it, such as 24h")
    return int(number) * _UNITS_MS[unit]
