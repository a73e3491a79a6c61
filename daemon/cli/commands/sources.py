"""selfheald sources"""

from __future__ import annotations

import time

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def sources(config: ConfigOption = None, store: StoreOption = None, output: FormatOption = "text") -> int:
    """Lists the log files and what was read of each.

    What was skipped, lost or could not be read is told too.

    \b
    Examples:
      selfheald sources
      selfheald sources --format json | jq '.sources[] | select(.bytes_lost > 0)'

    \b
    Exit codes:
      0  listed
      2  could not run: bad settings, or no store that can be read
    """
    from daemon.cli import as_json
    from daemon.cli.ledger import ledger_of
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import reading

    with reading(load_for_store(config, store).settings) as records:
        telemetry = records.telemetry
        ledger = ledger_of(telemetry.sources(), telemetry.watermarks_ms(), time.time_ns() // 1_000_000)
        lossy_windows = telemetry.lossy.count()
    if output == "json":
        write(as_json.document({"sources": ledger, "lossy_windows": lossy_windows}))
        return 0
    from daemon.cli.text.page import Page
    from daemon.cli.text.sources import say_sources

    page = Page()
    say_sources(page, ledger, lossy_windows)
    write(page.text())
    return 0
