"""selfheald ingest"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def ingest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Log files and directories, packed or not.")
    ],
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that read. Else one for each core.")
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Reads old logs once, and judges them.

    Plain files, gzip, bzip2, xz and zstd. What was read before, also under another name or before it was
    packed, is not read again. Stopped in the middle, run it again: it goes on. The daemon must not run.

    \b
    Examples:
      selfheald ingest /var/log/app
      selfheald ingest --config /etc/selfheald/selfheald.yaml backup/app.log.*.gz

    \b
    Exit codes:
      0  read, as far as it can be read
      1  stopped by Ctrl-C; what was read is stored
      2  could not run: bad settings, no such file, or a store that is in use
    """
    from config.load import find_config
    from daemon.cli.failure import CannotRunError, store_failures_told
    from daemon.cli.loading import load
    from daemon.cli.output import write
    from daemon.cli.report import report_text
    from daemon.ingest.find import NothingToIngestError
    from daemon.ingest.ingest import ingest as read
    from daemon.ingest.workers import WorkerFailedError

    launch = load(find_config(config, os.environ), {"--store": store})
    count = workers or len(os.sched_getaffinity(0))
    again = "what was read is stored; run the same command again to go on."
    try:
        with store_failures_told():
            report = read(launch.loaded, launch.environ, paths, count)
    except NothingToIngestError as error:
        raise CannotRunError(str(error)) from error
    except WorkerFailedError as error:
        raise CannotRunError(f"{error}; {again} --workers 1 needs the least memory.") from error
    except OSError as error:
        raise CannotRunError(f"{error.filename or 'ingest'}: {error.strerror}; {again}") from error
    except KeyboardInterrupt:
        typer.echo(f"selfheald: stopped; {again}", err=True)
        return 1
    write(report_text(report, output))
    return 0
