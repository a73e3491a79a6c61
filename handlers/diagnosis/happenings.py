"""What else than a commit changed about when an anomaly began: versions, settings, definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from handlers.diagnosis.onset import Onset
from handlers.diagnosis.suspects import LOOKBACK_MS
from handlers.diagnosis.wording import happened, utc
from handlers.model import AnyAnomaly, Mark, Past

_ABOUT_MS: Final = 120_000
"""What comes so near to a beginning comes with it: windows and commits have a length."""


class Happenings(msgspec.Struct, frozen=True):
    """What a diagnosis says of them."""

    evidence: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    version: Mark | None = None
    """The new version with which it began."""


def happenings(anomaly: AnyAnomaly, past: Past, began: Onset | None, deployed: Mark | None) -> Happenings:
    """`deployed`: the start of the program at which it began.

    Where the figure is as it always was while the limits are others, it is told because of the limits.
    """
    if began is None:
        return Happenings(evidence_against=tuple(_other_limits(anomaly, past)))
    evidence: list[str] = []
    version = deployed if deployed and deployed.kind == "version" else None
    if version:
        evidence.append(
            f"first bad version: {version.after} of {version.about or version.stream}, "
            f"since {utc(version.at_ms)} (before: {version.before})"
        )
    elif deployed:
        evidence.append(f"{happened(deployed)} at {utc(deployed.at_ms)}, as it began")
    evidence += (
        f"{happened(mark)} at {utc(mark.at_ms)}, as it began"
        for mark in past.marks
        if mark.kind == "definition"
        and mark.about == anomaly.sequence
        and began.since_ms - _ABOUT_MS <= mark.at_ms <= began.until_ms + _ABOUT_MS
    )
    return Happenings(
        tuple(evidence),
        ruled_out=tuple(
            f"version {mark.after} of {mark.about or mark.stream}: it ran since {utc(mark.at_ms)}, as usual"
            for mark in past.marks
            if mark.kind == "version"
            and mark.before
            and began.since_ms - LOOKBACK_MS <= mark.at_ms < began.since_ms - _ABOUT_MS
        ),
        version=version,
    )


def _other_limits(anomaly: AnyAnomaly, past: Past) -> Iterator[str]:
    if len(past.points) < 2:
        return
    for mark in past.marks:
        seen = anomaly.first_seen_ms - _ABOUT_MS <= mark.at_ms <= anomaly.last_seen_ms + _ABOUT_MS
        if mark.kind == "settings" and seen and not mark.about.startswith("project."):
            yield f"{happened(mark)} at {utc(mark.at_ms)}, and its figure is as it was before"
