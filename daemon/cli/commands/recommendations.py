"""selfheald recommendations"""

from __future__ import annotations

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def recommendations(
    config: ConfigOption = None, store: StoreOption = None, output: FormatOption = "text"
) -> int:
    """Lists what to do, in order of priority.

    \b
    Examples:
      selfheald recommendations
      selfheald recommendations --format json | jq -r '.recommendations[0].action'

    \b
    Exit codes:
      0  listed, also if there is none
      2  could not run: bad settings, or no store that can be read
    """
    from daemon.cli import as_json
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import reading

    with reading(load_for_store(config, store).settings) as records:
        stored = records.anomalies.recommendations()
    if output == "json":
        write(as_json.document({"recommendations": [as_json.recommendation_json(each) for each in stored]}))
        return 0
    from daemon.cli.text.page import Page
    from daemon.cli.text.recommendation import say_recommendations

    page = Page()
    say_recommendations(page, stored)
    write(page.text())
    return 0
