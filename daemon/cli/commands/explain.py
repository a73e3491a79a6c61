"""selfheald explain"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def explain(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Says why an anomaly was told, and what would silence it.

    The claim and its figures, the figure over time, the nearest value of each
    setting that would have silenced it, where the settings come from, and the
    log lines that prove it.

    \b
    Examples:
      selfheald explain perf-27f09027
      selfheald explain perf-27 --format json | jq .explanation.turns

    \b
    Exit codes:
      0  explained
      2  could not run: no anomaly, or several, with this id; bad settings,
         or no store that can be read
    """
    from daemon.cli import as_json
    from daemon.cli.cases import NoCaseError, case_of
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import find_anomaly, reading
    from daemon.cli.text.chart import COLUMNS
    from daemon.evidence import lines_in_store
    from daemon.explanation import explanation_of, unexplained
    from daemon.report.collect import over_time

    loaded = load_for_store(config, store)
    settings = loaded.settings
    with reading(settings) as records:
        incident = find_anomaly(anomaly_id, records.anomalies.incidents())
        told_by = records.telemetry.tellers.told_by()
        try:
            explanation = explanation_of(case_of(incident, records).case, loaded, told_by)
        except NoCaseError as error:
            explanation = unexplained(incident.anomaly, loaded, told_by, str(error))
        points, marks = over_time(incident, settings, records, 0, COLUMNS)
        checkpoints = {source.checkpoint.source: source.checkpoint for source in records.telemetry.sources()}
    lines = lines_in_store(incident.anomaly.origins, checkpoints, redact=settings.log.redact)
    if output == "json":
        found = {"points": points, "marks": marks, "explanation": explanation, "lines": lines}
        write(as_json.document({**as_json.incident_json(incident), **found}))
        return 0
    from daemon.cli.text.explanation import say_explanation
    from daemon.cli.text.page import Page

    page = Page()
    say_explanation(page, incident, explanation, points, marks, lines)
    write(page.text())
    return 0
