"""selfheald compare"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from daemon.cli.options import FormatOption
from handlers.model import SEVERITIES

FailOn = Literal["low", "medium", "high", "critical", "never"]


def compare(
    baseline: Annotated[Path, typer.Argument(help="Logs known to be good: a file or a directory.")],
    current: Annotated[Path, typer.Argument(help="Logs to judge: a file or a directory.")],
    sequences: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="Sequence definitions. Can be repeated.")
    ] = None,
    coverage: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="A coverage report. Can be repeated.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="The YAML file. Else $SELFHEALD_CONFIG; no other is looked for."),
    ] = None,
    output: FormatOption = "text",
    fail_on: Annotated[FailOn, typer.Option(help="The least severity that fails the comparison.")] = "low",
) -> int:
    """Judges logs by others that are known to be good.

    A regression gate for a build. It needs no store and no daemon.

    \b
    Examples:
      selfheald compare main.log branch.log
      selfheald compare logs/v1 logs/v2 --sequences src/sequences --fail-on high
      selfheald compare main.log branch.log --format json > verdict.json

    \b
    Exit codes:
      0  no anomaly of the severity --fail-on or graver
      1  at least one
      2  could not run: a path without events, bad settings, wrong arguments
    """
    import anyio

    from config.settings import CONFIG_VARIABLE
    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import load
    from daemon.cli.output import write
    from daemon.compare import NothingToCompareError
    from daemon.compare import compare as judge

    named = os.environ.get(CONFIG_VARIABLE)
    path = config or (Path(named) if named else None)
    settings = load(path, {"--sequences": sequences, "--coverage": coverage}).loaded.settings
    try:
        comparison = anyio.run(judge, baseline, current, settings)
    except NothingToCompareError as error:
        raise CannotRunError(str(error)) from error
    failing = () if fail_on == "never" else SEVERITIES[SEVERITIES.index(fail_on) :]
    failed = sum(anomaly.severity in failing for anomaly in comparison.anomalies)
    if output == "json":
        from daemon.cli.as_json import comparison_json, document

        write(document(comparison_json(comparison)))
    else:
        from daemon.cli.text.comparison import say_comparison
        from daemon.cli.text.page import Page

        page = Page()
        say_comparison(page, comparison, fail_on, failed, redact=settings.log.redact)
        write(page.text())
    return 1 if failed else 0
