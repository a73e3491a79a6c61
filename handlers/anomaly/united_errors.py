"""What was learned of error groups that were found to be one since."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handlers.anomaly.baseline import Learned, Recent
from handlers.anomaly.error_rate import ErrorRate, add_rates
from handlers.error_groups import in_group
from handlers.model import ErrorKey
from handlers.templates import Grouping


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
        _window(start_ms, [each for each in (*one.recent, *other.recent) if each.start_ms == start_ms])
        for start_ms in sorted({each.start_ms for each in (*one.recent, *other.recent)})
    ]
    reference = _once([one.reference, other.reference])
    windows = max(one.windows, other.windows)
    return msgspec.structs.replace(one, reference=reference, windows=windows, recent=recent)


def _window(start_ms: int, parts: list[Recent[ErrorRate]]) -> Recent[ErrorRate]:
    return Recent(start_ms, _once([part.stats for part in parts]), any(part.tainted for part in parts))


def _once(rates: list[ErrorRate]) -> ErrorRate:
    total = ErrorRate()
    for rate in rates:
        add_rates(total, rate)
    total.executions = max(rate.executions for rate in rates)
    total.span_ms = max(rate.span_ms for rate in rates)
    total.windows = max(rate.windows for rate in rates)
    return total
