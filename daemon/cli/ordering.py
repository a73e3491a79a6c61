"""Gives an order, and waits for what becomes of it."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from config.settings import Settings
from daemon.anomaly_records import AnomalyRecords
from daemon.cli import as_json
from daemon.cli.failure import CannotRunError, store_failures_told
from daemon.cli.loading import load_for_store
from daemon.cli.options import Format
from daemon.cli.output import write
from daemon.cli.reading import Records, find_anomaly, find_recommendation, reading
from daemon.cli.text.page import Page
from daemon.cli.writer import Writer, writer_of
from daemon.database import StoreError, StoreLockedError
from daemon.logs import tell
from daemon.order_kinds import decode_order
from daemon.orders import Order, OrderBook, OrderOutcome, OrderRecords, outcome_of
from daemon.spool import Spool
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords

ANSWER_S: Final = 5.0
"""How long a running daemon may take to answer."""
_POLL_S: Final = 0.05


def signed() -> dict[str, Any]:
    """The fields that every order has: its id, when it is given and by whom."""
    return {"id": str(uuid.uuid4()), "at_ms": time.time_ns() // 1_000_000, "by": _user()}


def order_about_incident(
    wanted: str,
    config: Path | None,
    store: str | None,
    output: Format,
    make: Callable[[str, dict[str, Any]], Order],
) -> int:
    """Gives the order that `make` makes of the whole id and the signature, and prints what was done.

    `wanted`: an id or its first characters. Raises CannotRunError.
    """
    return _order_about(
        config,
        store,
        output,
        lambda records: find_anomaly(wanted, records.anomalies.incidents()).anomaly.id,
        make,
    )


def order_about_recommendation(
    wanted: str,
    config: Path | None,
    store: str | None,
    output: Format,
    make: Callable[[str, dict[str, Any]], Order],
) -> int:
    """The same about a recommendation."""
    return _order_about(
        config,
        store,
        output,
        lambda records: (
            find_recommendation(wanted, records.anomalies.stored_recommendations()).recommendation.id
        ),
        make,
    )


def _order_about(
    config: Path | None,
    store: str | None,
    output: Format,
    find: Callable[[Records], str],
    make: Callable[[str, dict[str, Any]], Order],
) -> int:
    settings = load_for_store(config, store).settings
    try:
        with reading(settings) as records:
            whole_id = find(records)
    except CannotRunError as error:
        if error.__cause__ is not None and isinstance(error.__cause__.__cause__, PermissionError):
            raise CannotRunError(*error.lines, who_may(settings.store.path)) from error
        raise
    return _give_and_say(settings, output, make(whole_id, signed()))


def order_and_say(config: Path | None, store: str | None, output: Format, order: Order) -> int:
    """Gives the order and prints what was done. Raises CannotRunError."""
    return _give_and_say(load_for_store(config, store).settings, output, order)


def _give_and_say(settings: Settings, output: Format, order: Order) -> int:
    outcome = give(settings, order)
    if output == "json":
        write(as_json.document(outcome))
        return 0
    page = Page()
    page.say(outcome.sentence)
    write(page.text())
    return 0


def give(settings: Settings, order: Order) -> OrderOutcome:
    """Has the order carried out, by the daemon if it runs. Raises CannotRunError, also if it is refused."""
    try:
        decode_order(msgspec.json.encode(order))
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise CannotRunError(f"the order cannot be understood: {error}") from error
    outcome = _without_daemon(settings, order)
    if outcome is None:
        outcome = _by_daemon(settings.store.path, order)
    if not outcome.done:
        raise CannotRunError(outcome.sentence)
    return outcome


def _without_daemon(settings: Settings, order: Order) -> OrderOutcome | None:
    """As the one writer of the store; None while it has another one, or where it may not be written."""
    path = settings.store.path
    if writer_of(path).state == "running":
        return None
    with store_failures_told():
        try:
            store = Store.open(path, max_bytes=settings.store.max_bytes, passing=True)
        except StoreLockedError:
            return None
        except StoreError as error:
            if not isinstance(error.__cause__, PermissionError):
                raise
            return None
        with store:
            telemetry = TelemetryRecords(store, settings.ingest.window_s * 1000)
            incidents = AnomalyRecords(store, telemetry)
            records = OrderRecords(telemetry, incidents, incidents.baselines)
            book = OrderBook(store, records, decode_order, Spool(path))
            book.carry_out_all(lambda _: None, lambda problem: tell("WARNING", "order-unreadable", problem))
            return book.carry_out(order)


def _by_daemon(store: Path, order: Order) -> OrderOutcome:
    """Leaves the order in the spool; the daemon looks there about once a second."""
    spool = Spool(store)
    try:
        file = spool.put(msgspec.json.encode(order), order.at_ms)
    except FileNotFoundError as error:
        raise CannotRunError(
            f"{spool.path}: is not there, so no daemon takes orders for this store.", who_may(store)
        ) from error
    except PermissionError as error:
        raise CannotRunError(
            f"{spool.path}: you ({_user()}) may not give orders here.", who_may(store)
        ) from error
    except OSError as error:
        raise CannotRunError(f"{spool.path}: the order cannot be written ({error.strerror}).") from error
    writer = writer_of(store)
    deadline = time.monotonic() + ANSWER_S
    while writer.state != "stopped":
        with store_failures_told(), Store.open_reader(store) as reader, reader.snapshot():
            if (outcome := outcome_of(reader, order.id)) is not None:
                return outcome
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    raise CannotRunError(*_unanswered(writer, file))


def who_may(store: Path) -> str:
    """A sentence that says which users may give orders."""
    status = _stat_of_nearest(store)
    owner = _user_name(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return (
        f"The user {owner} and root may, and while the daemon runs the group {group}: use sudo, or have "
        f"yourself added (usermod -aG {shlex.quote(group)} {shlex.quote(_user())})."
    )


def _stat_of_nearest(path: Path) -> os.stat_result:
    """Of the file, or of the nearest folder around it that can be looked at."""
    for place in (path.absolute(), *path.absolute().parents):
        with suppress(OSError):
            return place.stat()
    return Path("/").stat()


def _unanswered(writer: Writer, file: Path) -> tuple[str, str]:
    if writer.state == "stopped":
        first = "no daemon runs."
    else:
        process = f" (process {writer.pid})" if writer.pid else ""
        first = f"the daemon{process} has not answered within {ANSWER_S:g} s."
    waits = f"The order waits in {file} and is carried out when the daemon next looks there."
    return first, f"{waits} To take it back: rm {shlex.quote(str(file))}"


def _user() -> str:
    """The name of who asks; with sudo the one behind it too."""
    name = _user_name(os.getuid())
    behind = os.environ.get("SUDO_USER", "")
    return f"{behind} (as {name})" if behind and behind != name else name


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
