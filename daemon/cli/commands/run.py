"""selfheald run"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, Format, StoreOption


def run(
    once: Annotated[
        bool, typer.Option("--once", help="Read all there is, judge it, print it and end.")
    ] = False,
    config: ConfigOption = None,
    logs: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="Log directory, in place of logs.directories. Can be repeated."),
    ] = None,
    store: StoreOption = None,
    output: Annotated[
        Format | None,
        typer.Option("--format", help="Of the report with --once, else of the daemon's log."),
    ] = None,
) -> int:
    """Runs the daemon, or reads and judges once.

    The daemon ends at SIGINT or SIGTERM, and reads its settings again at SIGHUP.

    \b
    Examples:
      selfheald run --config /etc/selfheald/selfheald.yaml
      selfheald run --once --logs /var/log/app --store app.db

    \b
    Exit codes:
      0  ended as asked
      1  the daemon gave up, since its store failed
      2  could not run: bad settings, or a store that cannot be used
    """
    from config.load import find_config
    from daemon.cli.failure import CannotRunError, store_failures_told
    from daemon.cli.loading import load

    log_format = None if once else output
    launch = load(find_config(config, os.environ), {"--logs": logs, "--store": store, "--format": log_format})

    try:
        with store_failures_told():
            if not once:
                from daemon.app import run_daemon

                return run_daemon(launch.loaded, launch.environ)
            from daemon.once import run_once
            from daemon.signals import release_signals

            release_signals()
            report = run_once(launch.loaded, launch.environ)
    except OSError as error:
        raise CannotRunError(f"{error.filename or 'the daemon'}: {error.strerror}") from error
    from daemon.cli.output import write
    from daemon.cli.report import report_text

    write(report_text(report, output))
    return 0
