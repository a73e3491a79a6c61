"""Recommendations with a life: open, taken, done and verified, or rejected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from daemon.incident import Incident
from handlers.diagnosis.wording import utc
from handlers.model import FixRecommendation

RecommendationState = Literal["open", "taken", "done", "rejected"]


class StoredRecommendation(msgspec.Struct, frozen=True):
    """A recommendation as it was made last, and what became of it."""

    recommendation: FixRecommendation
    state: RecommendationState = "open"
    by: str = ""
    """Who brought it into this state; empty: selfheald itself."""
    why: str = ""
    at_ms: int = 0
    """When, by the clock; 0: it is as it was made."""
    since_ms: int = 0
    """The latest event time then: what is later shows whether what is done helps."""
    verified: str = ""
    """Of what is done: the sentence that says how the detection saw that it helped."""

    @property
    def is_to_do(self) -> bool:
        return self.state in {"open", "taken"}


def moved(
    stored: StoredRecommendation,
    state: RecommendationState,
    at_ms: int,
    since_ms: int,
    by: str = "",
    why: str = "",
) -> StoredRecommendation:
    """The recommendation in another state."""
    return StoredRecommendation(stored.recommendation, state, by, why, at_ms, since_ms)


def renewed(
    known: Iterable[StoredRecommendation], new: Iterable[FixRecommendation]
) -> tuple[list[StoredRecommendation], list[StoredRecommendation]]:
    """What is to be stored after a diagnosis, and what of the known goes.

    `new`: all for the anomalies that are open. The same fix of one of the same anomalies keeps its id and
    its state; what was verified and is recommended again did not last, and is open again. What the diagnosis
    no longer recommends goes, unless it is done and waits to be verified.
    """
    left = {each.recommendation.id: each for each in known}
    made = list(new)
    open_ids = {anomaly_id for each in made for anomaly_id in each.anomaly_ids}
    stored = []
    for each in made:
        before = next((one for one in left.values() if _is_same(one.recommendation, each)), None)
        if before is None:
            stored.append(StoredRecommendation(each))
            continue
        del left[before.recommendation.id]
        ended = (one for one in before.recommendation.anomaly_ids if one not in open_ids)
        again = replace(each, id=before.recommendation.id, also=(*each.also, *ended))
        if before.verified:
            stored.append(StoredRecommendation(again, why="it was done, and did not last"))
        else:
            stored.append(replace(before, recommendation=again))
    gone = [
        each
        for each in left.values()
        if each.state != "done" and not open_ids.isdisjoint(each.recommendation.anomaly_ids)
    ]
    return stored, gone


def standing(stored: StoredRecommendation, incidents: Mapping[str, Incident]) -> str:
    """What became of it, in a sentence; empty while nobody did anything.

    `incidents`: by id.
    """
    if not stored.at_ms:
        return stored.why
    by = f" by {stored.by}" if stored.by else ""
    said = f"{stored.state}{by} at {utc(stored.at_ms)}" + (f": {stored.why}" if stored.why else "")
    if stored.state != "done":
        return said
    if stored.verified:
        return f"{said}; {stored.verified}"
    about = [incidents[each] for each in stored.recommendation.anomaly_ids if each in incidents]
    still = [each for each in about if each.is_open and each.last_seen_ms > stored.since_ms]
    if still:
        last = max(still, key=lambda each: each.last_seen_ms)
        return f"{said}; not verified: {last.anomaly.id} was still seen until {utc(last.last_seen_ms)}"
    declared = next((each for each in about if not each.is_open and each.by), None)
    if declared:
        return f"{said}; not verified: {declared.by} resolved {declared.anomaly.id} before it was seen to end"
    return f"{said}; not verified yet: too little ran since"


def _is_same(one: FixRecommendation, other: FixRecommendation) -> bool:
    slug, other_slug = one.id.rpartition("/")[2], other.id.rpartition("/")[2]
    return slug == other_slug and not set(one.anomaly_ids).isdisjoint(other.anomaly_ids)
