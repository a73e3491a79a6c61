"""selfheald resolve"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def resolve(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="What mended it.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Closes an incident that is mended.

    What was seen so far is no longer held against it. If it is seen again, it
    comes back.

    \b
    Examples:
      selfheald resolve perf-27f09027
      selfheald resolve perf-27 --why "rolled back to release 11"

    \b
    Exit codes:
      0  done
      2  could not run: no open incident with this id, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.cli.ordering import order_about_incident
    from daemon.incident_orders import Resolve

    return order_about_incident(
        anomaly_id, config, store, output, lambda incident, sign: Resolve(incident=incident, why=why, **sign)
    )
