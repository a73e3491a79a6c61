"""Adding up windows: grouping changes nothing, and what proves something stays small."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from handlers.metrics import (
    EXAMPLES,
    MAX_VARIANTS,
    OTHER_VARIANT,
    add_beats,
    add_errors,
    add_runs,
    add_variant,
    add_window,
    first_of,
    merged,
    slowest_of,
)
from handlers.model import BeatStats, ErrorStats, Origin, RunStats, VariantStats, Window

origins = st.builds(Origin, st.integers(0, 50), st.integers(1, 2), st.integers(0, 50))
bins = st.dictionaries(st.integers(-1, 5), st.integers(1, 9), max_size=3)
counts = st.integers(0, 9)
beats = st.builds(
    BeatStats,
    plugin=st.sampled_from(["", "P"]),
    handler=st.sampled_from(["", "h"]),
    started=counts,
    completed=counts,
    failed=counts,
    total_us=counts,
    max_us=counts,
    bins=bins,
    slowest=st.lists(st.tuples(counts, origins), max_size=5, unique=True).map(slowest_of),
)
variants = st.builds(VariantStats, runs=counts, examples=st.lists(origins, max_size=5).map(first_of))
runs = st.builds(
    RunStats,
    completed=counts,
    failed=counts,
    unfinished=counts,
    total_us=counts,
    bins=bins,
    variants=st.dictionaries(st.sampled_from(["a", "a\tb"]), variants),
)
errors = st.builds(
    ErrorStats,
    plugin=st.sampled_from(["", "P"]),
    handler=st.sampled_from(["", "h"]),
    frame=st.sampled_from(["", "f (a.js:1:1)"]),
    count=counts,
    examples=st.lists(origins, max_size=5).map(first_of),
)
windows = st.builds(
    Window,
    start_ms=st.just(0),
    beats=st.dictionaries(st.tuples(st.sampled_from("st"), st.sampled_from("ab")), beats, max_size=3),
    runs=st.dictionaries(st.sampled_from("st"), runs, max_size=2),
    errors=st.dictionaries(
        st.tuples(st.just("s"), st.just("a"), st.sampled_from("EF"), st.just("x")), errors, max_size=2
    ),
)


@given(st.lists(windows, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_windows_changes_nothing(these: list[Window], shuffler: object) -> None:
    shuffled = list(these)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merged(shuffled, 0) == merged(these, 0)


@given(st.lists(windows, max_size=6), st.integers(0, 6))
def test_the_grouping_of_windows_changes_nothing(these: list[Window], cut: int) -> None:
    grouped = merged([merged(these[:cut], 0), merged(these[cut:], 0)], 0)
    assert grouped == merged(these, 0)


@given(st.lists(windows, max_size=4))
def test_what_is_added_is_not_changed(these: list[Window]) -> None:
    before = copy.deepcopy(these)
    merged(these, 0)
    assert these == before


@given(windows, windows)
def test_all_counts_are_sums(one: Window, other: Window) -> None:
    total = merged([one, other], 0)
    for name in ("started", "completed", "failed", "total_us"):
        sums = [sum(getattr(beat, name) for beat in window.beats.values()) for window in (one, other, total)]
        assert sums[0] + sums[1] == sums[2]


def test_a_window_keeps_its_own_start() -> None:
    window = Window(20_000)
    add_window(window, Window(10_000))
    assert (window.start_ms, merged([Window(5)], 7).start_ms) == (20_000, 7)


def test_of_beats_the_slowest_executions_are_kept() -> None:
    into, other = BeatStats(), BeatStats()
    for at, stats in enumerate((into, other)):
        stats.slowest = slowest_of((us, Origin(us, 1, at)) for us in (10 + at, 50 + at, 30 + at, 20 + at))
    add_beats(into, other)
    assert [us for us, _ in into.slowest] == [51, 50, 31]


def test_of_errors_the_first_ones_are_kept_and_the_frame_of_any() -> None:
    into = ErrorStats(count=2, examples=(Origin(5, 1, 0), Origin(9, 1, 0)))
    add_errors(into, ErrorStats(frame="f", count=3, examples=(Origin(1, 1, 0), Origin(7, 1, 0))))
    assert into == ErrorStats(
        frame="f", count=5, examples=(Origin(1, 1, 0), Origin(5, 1, 0), Origin(7, 1, 0))
    )


def test_paths_beyond_the_limit_are_counted_together_and_no_run_is_lost() -> None:
    stats = RunStats()
    for number in range(MAX_VARIANTS + 10):
        add_variant(stats, f"path {number}", 1, (Origin(number, 1, 0),))
    add_variant(stats, "path 0", 1, ())
    assert stats.variants["path 0"].runs == 2
    assert stats.variants[OTHER_VARIANT].runs == 10
    assert len(stats.variants[OTHER_VARIANT].examples) == EXAMPLES
    assert sum(variant.runs for variant in stats.variants.values()) == MAX_VARIANTS + 11


def test_runs_are_added_with_their_paths() -> None:
    into = RunStats(completed=1, variants={"a": VariantStats(1)})
    add_runs(into, RunStats(completed=2, unfinished=1, variants={"a": VariantStats(1), "b": VariantStats(1)}))
    assert into == RunStats(completed=3, unfinished=1, variants={"a": VariantStats(2), "b": VariantStats(1)})
