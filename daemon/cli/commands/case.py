"""selfheald case"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def case(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder; it is made if need be.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Writes a verdict as a case for a test suite.

    inputs.json is what was counted and known, settings.yaml the limits, and
    expected.json the anomaly that has to come of it. No log line is in them,
    but names of handlers, sequences and errors are.

    \b
    Examples:
      selfheald case perf-27f09027 tests/cases/slow-render

    \b
    Exit codes:
      0  written
      2  could not run: no anomaly, or several, with this id; what led to it is
         not kept, or the folder cannot be written
    """
    from daemon.case_files import CaseError, write_case
    from daemon.cli import as_json
    from daemon.cli.cases import load_case
    from daemon.cli.failure import CannotRunError
    from daemon.cli.output import write

    stored = load_case(anomaly_id, config, store)
    try:
        files = write_case(stored.case, folder)
    except CaseError as error:
        raise CannotRunError(str(error)) from error
    if output == "json":
        write(as_json.document({"files": [str(file) for file in files]}))
        return 0
    write("".join(f"{file}\n" for file in files))
    return 0
