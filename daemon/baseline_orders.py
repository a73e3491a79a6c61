"""What operators do to baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from daemon.baseline_list import chosen
from daemon.orders import Line, Order, OrderRecords, OrderRefusedError
from handlers.anomaly.baseline import BEATS, ERRORS, RUNS, Baseline, Learned, Rules, healthy_windows
from handlers.anomaly.baseline_operations import pinned, unpinned
from handlers.anomaly.subject_names import error_name, learned_beat_names

SHOWN: Final = 3

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Pin(Order, frozen=True, kw_only=True, tag="baseline-pin"):
    """What was learned stays what is expected; later windows are not learned."""

    glob: Line
    name: Name

    def carry_out(self, records: OrderRecords) -> str:
        def pin(learned: Learned[Any], rules: Rules[Any]) -> Learned[Any] | None:
            return pinned(learned, rules, self.name) if healthy_windows(learned) else None

        nothing = f"{self.glob}: nothing is learned yet that could be pinned"
        return f'pinned as "{self.name}" by {self.by}: {_change(records, self.glob, pin, nothing)}'


class Unpin(Order, frozen=True, kw_only=True, tag="baseline-unpin"):
    """Healthy windows are learned again."""

    glob: Line

    def carry_out(self, records: OrderRecords) -> str:
        def unpin(learned: Learned[Any], _rules: Rules[Any]) -> Learned[Any] | None:
            return unpinned(learned) if learned.pinned else None

        nothing = f"{self.glob}: nothing that is pinned matches"
        return f"unpinned by {self.by}: {_change(records, self.glob, unpin, nothing)}"


class Reset(Order, frozen=True, kw_only=True, tag="baseline-reset"):
    """What was learned is forgotten, and learned anew."""

    glob: Line

    def carry_out(self, records: OrderRecords) -> str:
        found = _found(records, self.glob)
        records.baselines.remove(found)
        return f"forgotten by {self.by}, to be learned anew: {_said(found)}"


def _found(records: OrderRecords, glob: str) -> Baseline:
    found = chosen(records.baselines.load(), glob)
    if not (found.beats or found.runs or found.errors):
        raise OrderRefusedError(f"{glob}: matches nothing that was seen; selfheald baseline list shows it")
    return found


def _change(
    records: OrderRecords,
    glob: str,
    change: Callable[[Learned[Any], Rules[Any]], Learned[Any] | None],
    nothing: str,
) -> str:
    """Stores what `change` makes of each that matches, None leaves it; says which they are."""
    found = _found(records, glob)
    after = Baseline(
        found.judged_until_ms,
        {key: new for key, each in found.beats.items() if (new := change(each, BEATS)) is not None},
        {key: new for key, each in found.runs.items() if (new := change(each, RUNS)) is not None},
        {key: new for key, each in found.errors.items() if (new := change(each, ERRORS)) is not None},
    )
    if not (after.beats or after.runs or after.errors):
        raise OrderRefusedError(nothing)
    records.baselines.put(after)
    return _said(after)


def _said(baseline: Baseline) -> str:
    names = [learned_beat_names(key, each)[0] for key, each in sorted(baseline.beats.items())]
    names += [*sorted(baseline.runs), *(error_name(key) for key in sorted(baseline.errors))]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
