"""What was learned of a sequence, after its definition changed."""

from __future__ import annotations

from msgspec.structs import replace

from config.settings import Detect
from handlers.anomaly.baseline import Learned, Recent
from handlers.anomaly.declared_paths import deviating
from handlers.model import RunStats


def under_definition(
    known: Learned[RunStats], declared: tuple[str, ...] | None, limits: Detect
) -> Learned[RunStats]:
    """What is known, as far as it holds under the definition as it is now; `declared` is None for none.

    Runs that were healthy by the definition before, and break the one that is in force, prove no longer that
    this is normal: they leave the reference, and those that wait to be learned are judged anew.
    """
    now = declared or ()
    if known.declared == now:
        return known
    if not now or known.declared is None:
        return replace(known, declared=now)
    before = known.declared
    kept = {
        path: variant
        for path, variant in known.reference.variants.items()
        if not _breaks(RunStats(variants={path: variant}), before, now, limits)
    }
    gone = sum(each.runs for path, each in known.reference.variants.items() if path not in kept)
    reference = replace(
        known.reference,
        variants=kept,
        completed=max(0, known.reference.completed - gone),
        rest=None if gone else known.reference.rest,
    )
    recent = [
        Recent(each.start_ms, each.stats, each.tainted or _breaks(each.stats, before, now, limits))
        for each in known.recent
    ]
    return replace(known, declared=now, reference=reference, recent=recent)


def _breaks(stats: RunStats, before: tuple[str, ...], now: tuple[str, ...], limits: Detect) -> bool:
    """Whether runs break the definition in a way in which they did not break the one before."""
    known = deviating(stats, before, limits) if before else {}
    return bool(deviating(stats, now, limits).keys() - known.keys())
