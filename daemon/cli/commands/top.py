"""selfheald top"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, StoreOption


def top(
    interval: Annotated[
        float, typer.Option("--interval", min=0.2, max=3600, metavar="SECONDS", help="How often to look.")
    ] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="Look once and end; so it is without a terminal.")
    ] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
) -> int:
    """Shows live what is read, how fast, and what is open.

    A sparkline is the median of the last windows; half its height is the
    usual one. Ctrl-C ends it.

    \b
    Examples:
      selfheald top
      selfheald top --once --store /var/lib/selfheald/store.db

    \b
    Exit codes:
      0  shown
      2  could not run: bad settings, or no store that can be read
    """
    import sys
    import time
    from contextlib import suppress

    from rich.console import Console
    from rich.live import Live

    from daemon.cli.loading import load_for_store
    from daemon.cli.top.snapshot import snapshot
    from daemon.cli.top.view import view

    settings = load_for_store(config, store).settings
    console = Console(highlight=False, markup=False, emoji=False)
    now = snapshot(settings, time.time_ns() // 1_000_000)
    if once or not sys.stdout.isatty():
        console.print(view(now, None, console.width, 1000))
        return 0
    before = None
    with suppress(KeyboardInterrupt), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(view(now, before, console.width, console.height), refresh=True)
            time.sleep(interval)
            before, now = now, snapshot(settings, time.time_ns() // 1_000_000)
    return 0
