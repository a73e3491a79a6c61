"""What an operator does to a baseline, and how it is judged and learned after it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from handlers.anomaly.baseline import BEATS, Learned, Recent, healthy
from handlers.anomaly.baseline_operations import accepted, pinned, unpinned
from handlers.model import BeatStats
from tests.handlers.anomaly.builders import WINDOW_MS, beat, durations
from tests.handlers.anomaly.test_baseline import FAULTY_MS, HEALTHY_MS, judged, learned, slowest_ms, windows


def test_later_windows_are_judged_by_what_is_pinned_and_not_learned() -> None:
    known, _ = judged(learned(), windows(20, HEALTHY_MS))
    fixed = pinned(known, BEATS, "v1")
    later, verdict = judged(fixed, windows(100, HEALTHY_MS, 20))
    assert verdict is None
    assert (later.reference, later.windows) == (fixed.reference, fixed.windows)
    assert judged(later, windows(10, FAULTY_MS, 120))[1] is not None


def test_all_that_is_healthy_so_far_is_pinned() -> None:
    known, verdict = judged(learned(), windows(20, HEALTHY_MS) + windows(10, FAULTY_MS, 20))
    assert verdict is not None
    fixed = pinned(known, BEATS, "v1")
    assert fixed.reference == healthy(known, BEATS)
    assert slowest_ms(fixed) < 2 * HEALTHY_MS
    assert judged(fixed, [])[1] is not None  # what was wrong before is wrong by it


def test_what_is_unpinned_is_learned_on() -> None:
    fixed = pinned(judged(learned(), windows(20, HEALTHY_MS))[0], BEATS, "v1")
    later, _ = judged(unpinned(fixed), windows(50, HEALTHY_MS, 20))
    assert later.windows > fixed.windows


def test_what_is_accepted_is_the_new_normal_and_the_old_one_is_forgotten() -> None:
    known, verdict = judged(learned(), windows(20, HEALTHY_MS) + windows(10, FAULTY_MS, 20))
    assert verdict is not None
    normal = accepted(known, BEATS)
    assert normal.since_ms == min(recent.start_ms for recent in known.recent if recent.tainted)
    later, verdict = judged(normal, windows(50, FAULTY_MS, 30))
    assert verdict is None
    assert later.reference.completed > normal.reference.completed
    assert judged(later, windows(10, 3 * FAULTY_MS, 80))[1] is not None


def test_what_is_accepted_without_a_verdict_begins_anew_with_the_recent_windows() -> None:
    recent = [Recent(7 * WINDOW_MS, beat(durations(4, HEALTHY_MS)))]
    assert accepted(Learned(beat(durations(100, FAULTY_MS)), 9, recent), BEATS) == Learned(
        recent[0].stats, 1, since_ms=7 * WINDOW_MS
    )
    assert accepted(Learned(BeatStats()), BEATS) == Learned(BeatStats())


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(lambda known: pinned(known, BEATS, "v1"), id="pin"),
        pytest.param(unpinned, id="unpin"),
        pytest.param(lambda known: accepted(known, BEATS), id="accept"),
    ],
)
def test_the_state_before_is_not_changed(
    operation: Callable[[Learned[BeatStats]], Learned[BeatStats]],
) -> None:
    known, _ = judged(learned(), windows(20, HEALTHY_MS) + windows(10, FAULTY_MS, 20))
    before = msgspec.json.encode(known)
    judged(operation(known), windows(40, HEALTHY_MS, 30))
    assert msgspec.json.encode(known) == before
