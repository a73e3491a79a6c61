"""selfheald replay"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def replay(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Makes a verdict again and compares it bit for bit.

    The windows, the baseline and the limits of its subjects were stored with it
    when it was told last: when it began, came back or got graver.

    \b
    Examples:
      selfheald replay perf-27f09027
      selfheald replay perf-27 --format json | jq .identical

    \b
    Exit codes:
      0  identical
      1  it differs; the output says in what, and why that can be
      2  could not run: no anomaly, or several, with this id, or what led to it
         is not kept
    """
    from daemon.cli import as_json
    from daemon.cli.cases import load_case
    from daemon.cli.output import write
    from daemon.replay import replay_of

    found = replay_of(load_case(anomaly_id, config, store))
    if output == "json":
        write(as_json.document(found))
    else:
        from daemon.cli.text.page import Page
        from daemon.cli.text.replay import say_replay

        page = Page()
        say_replay(page, found)
        write(page.text())
    return 0 if found.identical else 1
