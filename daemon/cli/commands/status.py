"""selfheald status"""

from __future__ import annotations

import time

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def status(config: ConfigOption = None, store: StoreOption = None, output: FormatOption = "text") -> int:
    """Says what runs, what was read, and how much is wrong.

    \b
    Examples:
      selfheald status
      selfheald status --format json | jq .open.critical

    \b
    Exit codes:
      0  told
      2  could not run: bad settings, or no store that can be read
    """
    from daemon.cli import as_json
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import reading
    from daemon.cli.state import state_of

    settings = load_for_store(config, store).settings
    now_ms = time.time_ns() // 1_000_000
    with reading(settings) as records:
        state = state_of(settings, records, now_ms)
    if output == "json":
        write(as_json.document(state))
        return 0
    from daemon.cli.text.page import Page
    from daemon.cli.text.status import say_status

    page = Page()
    say_status(page, state, now_ms)
    write(page.text())
    return 0
