"""selfheald notify"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption

notify_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@notify_app.callback()
def notify() -> None:
    """Alerts: are they received?

    \b
    Examples:
      selfheald notify test

    \b
    Exit codes:
      0  all receivers took it
      1  one did not; standard error says why
      2  could not run: bad settings, or no such receiver
    """


@notify_app.command("test")
def send_test(
    route: Annotated[
        str | None, typer.Argument(metavar="[ROUTE]", help="The receiver, as alerts names it; else all.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = "text",
) -> int:
    """Sends a test alert now, whatever the time and the severity.

    \b
    Examples:
      selfheald notify test
      selfheald notify test pager

    \b
    Exit codes:
      0  all receivers took it
      1  one did not; standard error says why
      2  could not run: bad settings, or no such receiver
    """
    import os
    import sys
    import time

    from config.load import find_config
    from daemon.alerts.message import trial_message
    from daemon.alerts.send import NotSentError, send
    from daemon.cli import as_json
    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import load
    from daemon.cli.output import write

    routes = load(find_config(config, os.environ), {}).loaded.settings.alerts
    if not routes:
        raise CannotRunError("alerts: no receiver is set; the shipped selfheald.yaml says how")
    if route is not None and route not in routes:
        raise CannotRunError(f"{route}: no such receiver; there are {', '.join(routes)}")
    problems: dict[str, str] = {}
    for name in [route] if route is not None else routes:
        try:
            send(routes[name], trial_message(name, time.time_ns() // 1_000_000))
        except NotSentError as error:
            sys.stderr.write(f"selfheald: {name}: {error}\n")
            problems[name] = str(error)
        else:
            problems[name] = ""
            if output == "text":
                write(f"{name}: taken\n")
    if output == "json":
        told = [{"route": name, "taken": not why, "problem": why} for name, why in problems.items()]
        write(as_json.document({"receivers": told}))
    return int(any(problems.values()))
