"""selfheald check-config"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption

if TYPE_CHECKING:
    from daemon.cli.as_json import Json
    from daemon.cli.backtesting import FileBacktest


def check_config(
    config: ConfigOption = None,
    store: StoreOption = None,
    backtest: Annotated[
        bool,
        typer.Option("--backtest", help="Judges the stored history under them, too, for a minute at most."),
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Of the history, only the newest 90m, 24h or 2d.")
    ] = None,
    output: FormatOption = "text",
) -> int:
    """Checks the settings.

    Those of the file and those of the SELFHEALD_ variables. A backtest says
    which anomalies they would have told more or less than the settings by
    which the daemon judges now.

    \b
    Examples:
      selfheald check-config
      selfheald check-config --config my.yaml && systemctl reload selfheald
      selfheald check-config --config my.yaml --backtest --since 24h

    \b
    Exit codes:
      0  all of them can be used
      1  detect.reload_gate does not let them pass the backtest
      2  they cannot be used, and every problem is told with its file and line;
         or there is no store for a backtest
    """
    from config.load import SYSTEM_CONFIG, find_config, settings_files
    from daemon.cli import as_json
    from daemon.cli.backtesting import backtest_file
    from daemon.cli.duration import milliseconds
    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import load, load_for_store
    from daemon.cli.output import write
    from daemon.reload_gate import refused

    newest_ms = milliseconds(since) if since else None
    if since and not newest_ms:
        raise CannotRunError(f"--since: must be a span such as 90m, 24h or 2d (got {since})")

    path = find_config(config, os.environ)
    checked = str(path) if path else f"no settings file (neither ./selfheald.yaml nor {SYSTEM_CONFIG})"
    try:
        loaded = load(path, {"--store": store}).loaded
    except CannotRunError as error:
        if output == "json":
            write(as_json.document({"file": path and str(path), "valid": False, "problems": error.lines}))
        raise CannotRunError(f"{checked}: cannot be used", *error.lines) from error
    files = settings_files(path)
    kinds = Counter(_kind(origin, files) for origin in loaded.origins.values())
    found: Json = {
        "file": path and str(path),
        "drop_ins": [str(file) for file in files[1:]],
        "valid": True,
        "problems": [],
        "origins": {kind: kinds[kind] for kind in _KINDS},
    }
    if output == "text":
        figures = ", ".join(f"{kinds[kind]} {name}" for kind, name in _KINDS.items() if kinds[kind])
        drop_ins = "".join(f" and {file}" for file in files[1:])
        write(f"{checked}{drop_ins}: valid ({figures})\n")
    refusal = ""
    if backtest or since:
        tested = backtest_file(load_for_store(path, store).settings, newest_ms)
        refusal = refused(loaded.settings, tested.found) if tested.found else ""
        found["backtest"] = {**as_json.backtest_json(tested.changes, tested.found), "refused": refusal}
        if output == "text":
            _say(tested, refusal)
    if output == "json":
        write(as_json.document(found))
    return 1 if refusal else 0


def _say(tested: FileBacktest, refusal: str) -> None:
    from daemon.cli.output import write
    from daemon.cli.text.backtest import say_backtest
    from daemon.cli.text.page import Page

    page = Page()
    say_backtest(page, tested.changes, tested.found)
    if refusal:
        page.say(f"The daemon would not adopt it: {refusal}.")
    write(page.text())


_KINDS = {
    "file": "set by the file",
    "drop-in": "by drop-ins",
    "variable": "by variables",
    "default": "by default",
}


def _kind(origin: str, files: Sequence[Path]) -> str:
    if origin == "default":
        return "default"
    path = Path(origin.rpartition(":")[0])
    return "variable" if path not in files else "file" if path == files[0] else "drop-in"
