"""selfheald show"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def show(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Shows all about one anomaly.

    The claim and its figures, the cause, what to do, and the log lines that prove it.

    \b
    Examples:
      selfheald show perf-27f09027
      selfheald show perf-27 --format json | jq -r '.lines[].text'

    \b
    Exit codes:
      0  shown
      2  could not run: no anomaly, or several, with this id; bad settings,
         or no store that can be read
    """
    from daemon.cli import as_json
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import find_anomaly, reading
    from daemon.evidence import lines_in_store

    settings = load_for_store(config, store).settings
    with reading(settings) as records:
        stored = find_anomaly(anomaly_id, records.anomalies.incidents())
        advice = [
            each for each in records.anomalies.all_recommendations() if stored.anomaly.id in each.anomaly_ids
        ]
        checkpoints = {source.checkpoint.source: source.checkpoint for source in records.telemetry.sources()}
    lines = lines_in_store(stored.anomaly.origins, checkpoints, redact=settings.log.redact)
    if output == "json":
        assessed = (
            as_json.assessed_json(advice[0].assessed) if advice else {"diagnosis": None, "impact": None}
        )
        write(
            as_json.document(
                {
                    **as_json.incident_json(stored),
                    **assessed,
                    "recommendations": [as_json.advice_json(each) for each in advice],
                    "lines": lines,
                }
            )
        )
        return 0
    from daemon.cli.text.anomaly import say_everything
    from daemon.cli.text.page import Page

    page = Page()
    say_everything(page, stored, advice, lines)
    write(page.text())
    return 0
