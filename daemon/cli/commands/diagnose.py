"""selfheald diagnose"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def diagnose(
    anomaly_id: Annotated[
        str, typer.Argument(metavar="ID", help="An id, or its first characters. Default: all open ones.")
    ] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Diagnoses anew what is stored.

    It looks at the checkout as it is now, and changes nothing.

    \b
    Examples:
      selfheald diagnose
      selfheald diagnose perf-27 --format json | jq '.diagnoses'

    \b
    Exit codes:
      0  diagnosed, also if nothing is open
      2  could not run: no anomaly, or several, with this id; bad settings,
         or no store that can be read
    """
    import anyio

    from daemon.cli import as_json
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import find_anomaly, gravest_first, reading
    from daemon.rediagnose import read_stored, rediagnose

    settings = load_for_store(config, store).settings
    with reading(settings) as records:
        incidents = gravest_first(records.anomalies.incidents())
        wanted = [each for each in incidents if each.is_open]
        if anomaly_id:
            wanted = [find_anomaly(anomaly_id, incidents)]
        ids = frozenset(each.anomaly.id for each in wanted)
        stored = read_stored(settings, records.store, records.telemetry, records.anomalies, ids)
    found = anyio.run(rediagnose, settings, stored)
    advice = {
        each.anomaly.id: [one for one in found.recommendations if each.anomaly.id in one.anomaly_ids]
        for each in wanted
    }
    for problem in found.problems:
        print(f"selfheald: {problem}", file=sys.stderr)
    if output == "json":
        diagnoses = [
            {
                "anomaly": anomaly,
                **as_json.assessed_json(advised[0].assessed),
                "recommendations": [as_json.advice_json(one) for one in advised],
            }
            for anomaly, advised in advice.items()
        ]
        write(as_json.document({"diagnoses": diagnoses}))
        return 0
    from daemon.cli.text.anomaly import say_diagnoses
    from daemon.cli.text.page import Page

    page = Page()
    say_diagnoses(page, [(each, advice[each.anomaly.id]) for each in wanted])
    write(page.text())
    return 0
