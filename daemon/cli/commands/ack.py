"""selfheald ack"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def ack(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="What is done about it.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Says that you know of an incident.

    It stays open, with your name, and is told again only if it gets graver or ends.

    \b
    Examples:
      selfheald ack perf-27f09027
      selfheald ack perf-27 --note "rolling back"

    \b
    Exit codes:
      0  done
      2  could not run: no open incident with this id, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.cli.ordering import order_about_incident
    from daemon.incident_orders import Acknowledge

    return order_about_incident(
        anomaly_id,
        config,
        store,
        output,
        lambda incident, sign: Acknowledge(incident=incident, note=note, **sign),
    )
