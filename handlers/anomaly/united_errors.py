"""What was learned of error groups that were found to be one since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from handlers.anomaly.baseline import Learned, Recent
from handlers.anomaly.error_rate import ErrorRate, add_rates
from handlers.error_groups import in_group
from handlers.model import ErrorKey
from handlers.templates import Grouping

_COUNTED_AGAINST: Final = ("executions", "span_ms", "windows")


def united_errors(
    errors: Mapping[ErrorKey, Learned[ErrorRate]], grouping: Grouping
) -> dict[ErrorKey, Learned[ErrorRate]]:
    """What is known by group as it is now, under the name of the oldest."""
    united: dict[ErrorKey, Learned[ErrorRate]] = {}
    for key, learned in sorted(errors.items(), key=lambda item: item[0]):
        group = in_group(key, grouping)
        known = united.get(group)
        united[group] = learned if known is None else _both(known, learned)
    return united


def _both(one: Learned[ErrorRate], other: Learned[ErrorRate]) -> Learned[ErrorRate]:
    """The executions are of one beat, seen twice: errors add up, what they are counted against does not."""
    recent = [
        _window([each for each in (*one.recent, *other.recent) if each.start_ms == start_ms])
        for start_ms in sorted({each.start_ms for each in (*one.recent, *other.recent)})
    ]
    reference = ErrorRate()
    add_rates(reference, one.reference)
    add_rates(reference, other.reference)
    for name in _COUNTED_AGAINST:
        seen = max(_total(learned.reference, learned.recent, name) for learned in (one, other))
        setattr(reference, name, max(0, seen - _total(ErrorRate(), recent, name)))
    windows = max(one.windows, other.windows)
    return msgspec.structs.replace(one, reference=reference, windows=windows, recent=recent)


def _window(parts: list[Recent[ErrorRate]]) -> Recent[ErrorRate]:
    stats = ErrorRate()
    for part in parts:
        add_rates(stats, part.stats)
    for name in _COUNTED_AGAINST:
        setattr(stats, name, max(getattr(part.stats, name) for part in parts))
    return Recent(parts[0].start_ms, stats, any(part.tainted for part in parts))


def _total(reference: ErrorRate, recent: list[Recent[ErrorRate]], name: str) -> int:
    total: int = getattr(reference, name) + sum(getattr(each.stats, name) for each in recent)
    return total
