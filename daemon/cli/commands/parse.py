"""selfheald parse"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption


def parse(
    file: Annotated[str, typer.Argument(help="The log; - is standard input.")],
    log_format: Annotated[
        str, typer.Option("--log-format", metavar="NAME", help="Read it so, in place of logs.format.")
    ] = "",
    read_all: Annotated[bool, typer.Option("--all", help="Read more than the first 64 MiB.")] = False,
    config: ConfigOption = None,
    output: FormatOption = "text",
) -> int:
    """Says what would be understood of a log, and what not.

    It stores nothing and needs no daemon. Lines that are not understood are grouped; numbers, ids and times
    are masked. If one is close to what the format understands, it is said where it stops.

    \b
    Examples:
      selfheald parse .logs/app.log
      selfheald parse --log-format jsonl app.log --format json
      selfheald parse - < app.log

    \b
    Exit codes:
      0  something was understood
      1  nothing was
      2  could not run: no such file, UTF-16, bad settings
    """
    from config.load import find_config
    from daemon.cli import as_json
    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import load
    from daemon.cli.output import write
    from daemon.trial import FIRST_BYTES, NotReadableError, try_log
    from handlers.formats.registry import log_formats

    settings = load(find_config(config, os.environ), {}).loaded.settings
    names = ("auto", *log_formats(settings))
    if log_format and log_format not in names:
        raise CannotRunError(f"--log-format: must be one of {', '.join(names)} (got {log_format})")
    max_bytes = None if read_all else FIRST_BYTES
    try:
        if file == "-":
            trial = try_log("standard input", sys.stdin.buffer, settings, log_format, max_bytes)
        else:
            with open(file, "rb") as stream:  # noqa: PTH123 (paths stay strings)
                trial = try_log(file, stream, settings, log_format, max_bytes)
    except NotReadableError as error:
        raise CannotRunError(str(error)) from error
    except OSError as error:
        raise CannotRunError(f"{file}: cannot be read ({error.strerror})") from error
    if output == "json":
        write(as_json.document(trial))
    else:
        from daemon.cli.text.page import Page
        from daemon.cli.text.trial import say_trial

        page = Page()
        say_trial(page, trial)
        write(page.text())
    return 0 if trial.matched else 1
