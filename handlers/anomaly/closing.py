"""Two limits: one to begin, a lower one to end, so that what lies at the limit does not come and go."""

from __future__ import annotations

from config.settings import Detect


def closing(limits: Detect) -> Detect:
    """The limits that what is known to be wrong must fall below before it is over."""
    return limits.model_copy(
        update={
            "over_expected": limits.over_expected * limits.close_share,
            "error_over_baseline": limits.error_over_baseline * limits.close_share,
        }
    )
