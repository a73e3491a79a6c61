"""selfheald silence"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def silence(
    anomaly_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")],
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long: 30m, 4h or 2d, at most 366d.")
    ],
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason; others will read it.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Keeps an incident quiet for a while.

    It stays open. It is told again when the time is over and it still stands,
    and before that only if it gets graver than it is now.

    \b
    Examples:
      selfheald silence perf-27f09027 --for 4h --why "load test until noon"
      selfheald silence perf-27 --for 2d --why "fixed in release 12"

    \b
    Exit codes:
      0  done
      2  could not run: no open incident with this id, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.cli.duration import milliseconds
    from daemon.cli.failure import CannotRunError
    from daemon.cli.ordering import order_about_incident
    from daemon.incident_orders import MAX_SILENCE_MS, Silence

    for_ms = milliseconds(duration)
    if for_ms is None or not 0 < for_ms <= MAX_SILENCE_MS:
        raise CannotRunError(f"--for: must be a time such as 30m, 4h or 2d, at most 366d (got {duration})")
    if not why.strip():
        raise CannotRunError("--why: must say something: a silence without a reason outlives it")
    return order_about_incident(
        anomaly_id,
        config,
        store,
        output,
        lambda incident, sign: Silence(incident=incident, for_ms=for_ms, why=why, **sign),
    )
