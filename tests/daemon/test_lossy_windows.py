"""The marks on windows in which lines were lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.lossy_windows import LossyWindows, overlap_ms
from daemon.store import Store

WINDOW_MS = 10


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("lossy") / "store.db", max_bytes=1 << 26) as opened:
        yield opened


@pytest.fixture
def marks(store: Store) -> LossyWindows:
    lossy = LossyWindows(store, WINDOW_MS)
    lossy.truncate()
    return lossy


def test_a_span_marks_every_window_that_it_touches(marks: LossyWindows) -> None:
    marks.mark([(15, 31)])
    assert marks.marked() == [(10, 40)]
    assert marks.count() == 3


def test_what_touches_is_one_stretch(marks: LossyWindows, store: Store) -> None:
    marks.mark([(10, 20), (40, 50)])
    marks.mark([(20, 40)])
    assert marks.marked() == [(10, 50)]
    assert len(store.table("losses")) == 1


def test_old_marks_are_forgotten_window_by_window(marks: LossyWindows) -> None:
    marks.mark([(10, 50), (80, 90)])
    marks.forget(30)
    assert marks.marked() == [(30, 50), (80, 90)]


SPANS = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 60)).map(lambda s: (s[0], s[0] + s[1])))


@settings(max_examples=40)
@given(SPANS, SPANS, st.integers(0, 300))
def test_the_marks_are_those_of_a_set_of_windows(
    store: Store, first: list[tuple[int, int]], second: list[tuple[int, int]], before_ms: int
) -> None:
    marks = LossyWindows(store, WINDOW_MS)
    marks.truncate()
    marks.mark(first)
    marks.mark(second)
    marks.forget(before_ms)
    expected = {at // WINDOW_MS for begin, end in first + second for at in range(begin, end)}
    expected = {window for window in expected if window >= before_ms // WINDOW_MS}
    spans = marks.marked()
    assert {at // WINDOW_MS for begin, end in spans for at in range(begin, end)} == expected
    assert marks.count() == len(expected)
    assert overlap_ms(spans, 0, 10_000) == len(expected) * WINDOW_MS
