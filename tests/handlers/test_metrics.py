"""Adding up windows: grouping changes nothing, and what proves something stays small."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from handlers.anomaly.learned_paths import model_of
from handlers.metrics import (
    MAX_PLACES,
    MAX_VARIANTS,
    OTHER_PLACE,
    Stop,
    add_beats,
    add_errors,
    add_runs,
    add_stop,
    add_variant,
    add_wait,
    add_window,
    events_of,
    first_of,
    merged,
    slowest_of,
)
from handlers.model import (
    BeatStats,
    ErrorStats,
    Origin,
    RunStats,
    SequenceModel,
    VariantStats,
    WaitStats,
    Window,
)
from handlers.sequence_model import learn

origins = st.builds(Origin, st.integers(0, 50), st.integers(1, 2), st.integers(0, 50))
bins = st.dictionaries(st.integers(-1, 5), st.integers(1, 9), max_size=3)
counts = st.integers(0, 9)
longest = st.lists(st.tuples(counts, origins), max_size=5, unique=True).map(slowest_of)


def learned(paths: dict[str, int]) -> SequenceModel:
    model = SequenceModel()
    for path, count in paths.items():
        learn(model, events_of(path), count)
    return model


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
    slowest=longest,
)
variants = st.builds(
    VariantStats, runs=counts, examples=st.lists(origins, max_size=5).map(first_of), disturbed=counts
)
waits = st.builds(WaitStats, bins=bins, longest=longest)
runs = st.builds(
    RunStats,
    completed=counts,
    failed=counts,
    unfinished=counts,
    total_us=counts,
    bins=bins,
    variants=st.dictionaries(st.sampled_from(["a", "a\tb"]), variants),
    rest=st.none() | st.dictionaries(st.sampled_from(["c", "c\td", ""]), st.integers(1, 9)).map(learned),
    stops=st.dictionaries(st.sampled_from([str(Stop(1, "a", True)), str(Stop(0, "", False))]), variants),
    waits=st.dictionaries(st.sampled_from("ab"), waits),
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


def test_of_paths_beyond_the_limit_the_model_knows_and_no_run_is_lost() -> None:
    stats = RunStats()
    for number in range(MAX_VARIANTS + 10):
        add_variant(stats, f"path {number}", VariantStats(1, (Origin(number, 1, 0),)))
    add_variant(stats, "path 0", VariantStats(1))
    assert stats.variants["path 0"].runs == 2
    assert len(stats.variants) == MAX_VARIANTS
    assert stats.rest is not None
    assert stats.rest.runs == 10


@given(st.permutations([f"a\tb{number}" for number in range(MAX_VARIANTS + 5)]), st.integers(0, 60))
def test_what_is_known_of_all_paths_does_not_depend_on_which_of_them_are_kept(
    paths: list[str], cut: int
) -> None:
    parts = RunStats(), RunStats()
    for number, path in enumerate(paths):
        add_variant(parts[number >= cut], path, VariantStats(len(path)))
    forth, back = RunStats(), RunStats()
    for into, order in ((forth, parts), (back, parts[::-1])):
        for part in order:
            add_runs(into, part)
    assert model_of(forth) == model_of(back)


def test_places_beyond_the_limit_are_counted_together() -> None:
    stats = RunStats()
    for number in range(MAX_PLACES + 10):
        add_stop(stats, str(Stop(number, "a", is_inside=True)), VariantStats(1))
        add_wait(stats, f"event {number}", WaitStats({5: 1}))
    assert (stats.stops[OTHER_PLACE].runs, stats.waits[OTHER_PLACE].bins) == (10, {5: 10})


@given(st.integers(0, 500), st.text(), st.booleans())
def test_a_stop_is_read_as_it_was_written(number: int, event: str, is_inside: bool) -> None:
    assert Stop.of(str(Stop(number, event, is_inside))) == Stop(number, event, is_inside)


def test_runs_are_added_with_their_paths() -> None:
    into = RunStats(completed=1, variants={"a": VariantStats(1)})
    add_runs(into, RunStats(completed=2, unfinished=1, variants={"a": VariantStats(1), "b": VariantStats(1)}))
    assert into == RunStats(completed=3, unfinished=1, variants={"a": VariantStats(2), "b": VariantStats(1)})
