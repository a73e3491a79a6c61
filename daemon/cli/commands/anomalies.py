"""selfheald anomalies"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption
from handlers.model import AnomalyType, Severity


def anomalies(
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    of_type: Annotated[AnomalyType | None, typer.Option("--type", help="Only those of this type.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only those of this severity.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Lists the open anomalies, gravest first.

    \b
    Examples:
      selfheald anomalies
      selfheald anomalies --all --type error
      selfheald anomalies --severity high --format json | jq .anomalies[].id

    \b
    Exit codes:
      0  listed, also if there is none
      2  could not run: bad settings, or no store that can be read
    """
    from daemon.cli import as_json
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import gravest_first, reading
    from handlers.model import type_of

    with reading(load_for_store(config, store).settings) as records:
        stored = gravest_first(records.anomalies.incidents())
    wanted = [
        each
        for each in stored
        if (everything or each.is_open)
        and of_type in {None, type_of(each.anomaly)}
        and severity in {None, each.anomaly.severity}
    ]
    if output == "json":
        write(as_json.document({"anomalies": [as_json.incident_json(each) for each in wanted]}))
        return 0
    from daemon.cli.text.anomaly import say_list
    from daemon.cli.text.page import Page

    page = Page()
    say_list(page, wanted)
    if not wanted:
        page.say("No such anomaly." if of_type or severity else "No anomaly.")
    write(page.text())
    return 0
