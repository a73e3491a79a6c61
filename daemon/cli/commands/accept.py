"""selfheald accept"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def accept(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason; others will read it.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Takes an incident as normal from now on.

    Closes it, and what is learned of its handlers, sequences or errors begins
    anew with how they are now.

    \b
    Examples:
      selfheald accept perf-27f09027 --why "it does more since release 12"

    \b
    Exit codes:
      0  done
      2  could not run: no open incident with this id, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.cli.failure import CannotRunError
    from daemon.cli.ordering import order_about_incident
    from daemon.incident_orders import Accept

    if not why.strip():
        raise CannotRunError("--why: must say something: others will wonder why this is normal")
    return order_about_incident(
        anomaly_id, config, store, output, lambda incident, sign: Accept(incident=incident, why=why, **sign)
    )
