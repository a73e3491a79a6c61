"""What operators say of a recommendation."""

from __future__ import annotations

from typing import Annotated

import msgspec

from daemon.orders import Line, Order, OrderRecords, OrderRefusedError
from daemon.recommendation import RecommendationState, moved

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Take(Order, frozen=True, kw_only=True, tag="recommendation-take"):
    """Somebody works on it."""

    recommendation: Line
    note: Line = ""

    def carry_out(self, records: OrderRecords) -> str:
        return _move(records, self, self.recommendation, "taken", self.note)


class Done(Order, frozen=True, kw_only=True, tag="recommendation-done"):
    """It is carried out. What runs from now on shows whether it helped."""

    recommendation: Line
    note: Line = ""

    def carry_out(self, records: OrderRecords) -> str:
        said = _move(records, self, self.recommendation, "done", self.note)
        return f"{said}. What runs from now on shows whether it helped: selfheald recommendations --all"


class Reject(Order, frozen=True, kw_only=True, tag="recommendation-reject"):
    """It will not be carried out."""

    recommendation: Line
    why: Reason

    def carry_out(self, records: OrderRecords) -> str:
        return _move(records, self, self.recommendation, "rejected", self.why)


def _move(records: OrderRecords, order: Order, wanted: str, state: RecommendationState, why: str) -> str:
    stored = records.incidents.find_recommendation(wanted)
    if stored is None:
        raise OrderRefusedError(f"{wanted}: there is no recommendation with this id")
    if stored.state == state:
        raise OrderRefusedError(f"{wanted}: is {state} already")
    about = (records.incidents.find(each) for each in stored.recommendation.anomaly_ids)
    # A window that has begun shows the time before as well.
    since_ms = max(records.telemetry.totals().watermark_ms, *(each.last_seen_ms for each in about if each), 0)
    records.incidents.put_stored([moved(stored, state, order.at_ms, since_ms, order.by, why)])
    said = f' ("{why}")' if why else ""
    return f"{state} by {order.by}{said}: {wanted}, {stored.recommendation.title}"
