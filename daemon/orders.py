"""Orders of operators: what each does to the store, exactly once, whoever writes the store.

Two writers would damage it, so a command never opens the store of a running daemon: it leaves an order in the
spool, the daemon carries it out, and the command reads the outcome (`daemon.cli.ordering`). Without a daemon
the command is the one writer for a moment and carries it out itself, by the same code.

A new kind is a subclass of Order with a `tag` and `carry_out`, named in `daemon.order_kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec

from daemon.anomaly_records import AnomalyRecords
from daemon.baseline_records import BaselineRecords
from daemon.database import StoreError
from daemon.spool import NotAnOrderError, Spool
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords, from_document, to_document

ORDERS: Final = "orders"
KEPT: Final = 300
"""Outcomes that are remembered; those of orders whose file is still there come on top."""

Line = Annotated[str, msgspec.Meta(max_length=1000)]
"""What an operator says, or a name."""
EpochMs = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class OrderRecords(msgspec.Struct, frozen=True):
    """What an order may change, inside of the one open transaction."""

    telemetry: TelemetryRecords
    incidents: AnomalyRecords
    baselines: BaselineRecords


class OrderRefusedError(Exception):
    """An order that cannot be carried out; the sentence says why and what to do."""


class Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What an operator wants. Subclasses add what it is about."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at_ms: EpochMs
    by: Line
    """The user who gave it."""

    def carry_out(self, records: OrderRecords) -> str:
        """Does it, inside of the caller's transaction; returns a sentence that says what was done.

        Raises OrderRefusedError; then nothing that it did is kept.
        """
        raise NotImplementedError


class OrderOutcome(msgspec.Struct, frozen=True):
    """What became of an order."""

    order_id: str
    kind: str
    by: str
    at_ms: int
    done: bool
    """False: it was refused, and nothing was changed."""
    sentence: str


class OrderBook:
    """Carries orders out, each in one transaction with its outcome: a kill in between repeats nothing."""

    def __init__(
        self, store: Store, records: OrderRecords, decode: Callable[[bytes], Order], spool: Spool
    ) -> None:
        """`decode` raises msgspec.DecodeError."""
        self._store = store
        self._records = records
        self._decode = decode
        self._spool = spool
        self._table = store.table(ORDERS)

    def carry_out(self, order: Order, keep: Sequence[str] = ()) -> OrderOutcome:
        """Raises StoreError. `keep`: ids whose outcomes are not forgotten, however old."""
        try:
            with self._store.transaction():
                outcome = _outcome(order, order.carry_out(self._records), done=True)
                self._remember(outcome, keep)
        except OrderRefusedError as error:
            outcome = _outcome(order, str(error), done=False)
            with self._store.transaction():
                self._remember(outcome, keep)
        return outcome

    def has_waiting(self) -> bool:
        """Whether something is in the spool. Raises StoreError."""
        with self._spool_told():
            return bool(self._spool.waiting())

    def carry_out_all(
        self, tell_outcome: Callable[[OrderOutcome], None], tell_problem: Callable[[str], None]
    ) -> None:
        """Carries out what waits in the spool, as far as it was not before, and tells what became of it.

        After a kill an outcome may be told again. What is no order is told and set aside. Raises StoreError;
        then the rest waits for another call.
        """
        with self._spool_told():
            orders = self._read_all(tell_problem)
            keep = [order.id for _, order in orders]
            for name, order in orders:
                tell_outcome(outcome_of(self._store, order.id) or self.carry_out(order, keep))
                self._spool.remove(name)

    @contextmanager
    def _spool_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self._spool.path}: orders cannot be taken ({error.strerror})") from error

    def _read_all(self, tell_problem: Callable[[str], None]) -> list[tuple[str, Order]]:
        orders = []
        for name in self._spool.waiting():
            try:
                orders.append((name, self._decode(self._spool.read(name))))
            except FileNotFoundError:
                continue
            except (NotAnOrderError, msgspec.DecodeError) as error:
                aside = self._spool.set_aside(name)
                tell_problem(f"{self._spool.path / name}: no order: {error}. It is kept as {aside.name}")
        return orders

    def _remember(self, outcome: OrderOutcome, keep: Sequence[str]) -> None:
        last_id = self._table.last_id() or 0
        self._table.put([to_document(outcome, last_id + 1)])
        for document in self._table.between(1, last_id + 1 - KEPT):
            if document["order_id"] not in keep:
                self._table.remove_between(document.doc_id, document.doc_id)


def outcome_of(store: Store, order_id: str) -> OrderOutcome | None:
    """Of an order that was carried out or refused; None if it was not, or is long past."""
    for document in store.table(ORDERS).all():
        if document["order_id"] == order_id:
            return from_document(document, OrderOutcome)
    return None


def _outcome(order: Order, sentence: str, *, done: bool) -> OrderOutcome:
    kind = str(order.__struct_config__.tag)
    return OrderOutcome(order.id, kind, order.by, order.at_ms, done, sentence)
