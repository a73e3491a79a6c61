"""What to do about a trouble of selfheald itself."""

from __future__ import annotations

from handlers.diagnosis.fix import Fix
from handlers.model import SelfAnomaly


def self_fix(anomaly: SelfAnomaly) -> Fix:
    """One step: the trouble says itself what helps."""
    return Fix(
        slug="mend",
        type="config",
        title=anomaly.advice,
        action=anomaly.advice,
        location=anomaly.handler,
        steps=(),
        effort="minutes",
        benefit="the verdicts on the logs can be relied on again",
    )
