"""How the path of a run differs from the expected one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.anomaly.conformance import Deviation, deviations

PATHS = st.lists(st.sampled_from("abcde"), max_size=8).map(tuple)


@pytest.mark.parametrize(
    ("observed", "found"),
    [
        pytest.param("abde", [Deviation("missing", ("c",))], id="a beat that does not run is missing"),
        pytest.param("ae", [Deviation("missing", ("b", "c", "d"))], id="missing beats in expected order"),
        pytest.param("", [Deviation("missing", tuple("abcde"))], id="a run without beats misses all"),
        pytest.param("abxcdye", [Deviation("extra", ("x", "y"))], id="beats that do not belong are extra"),
        pytest.param("abbcde", [Deviation("repeated", ("b",))], id="a beat that runs twice is repeated"),
        pytest.param("abdce", [Deviation("out-of-order", ("c", "d"))], id="neighbours that changed places"),
        pytest.param(
            "ebcda", [Deviation("out-of-order", ("a", "e"))], id="distant beats that changed places"
        ),
        pytest.param("bcdea", [Deviation("out-of-order", ("a",))], id="only the beat that moved is named"),
        pytest.param(
            "bade",
            [Deviation("missing", ("c",)), Deviation("out-of-order", ("a", "b"))],
            id="a swap beside a missing beat is both",
        ),
    ],
)
def test_a_deviation_has_a_kind_and_names_its_beats(observed: str, found: list[Deviation]) -> None:
    assert deviations(tuple("abcde"), tuple(observed)) == tuple(found)


@given(PATHS)
def test_equal_paths_have_no_deviation(path: tuple[str, ...]) -> None:
    assert deviations(path, path) == ()


@given(PATHS, PATHS)
def test_paths_that_differ_have_one_and_each_names_events_of_the_paths(
    expected: tuple[str, ...], observed: tuple[str, ...]
) -> None:
    found = deviations(expected, observed)
    assert bool(found) == (expected != observed)
    assert len({deviation.kind for deviation in found}) == len(found)
    for deviation in found:
        where = {"missing": expected, "out-of-order": expected, "extra": observed, "repeated": observed}
        assert deviation.events
        assert not Counter(deviation.events) - Counter(where[deviation.kind])


@given(PATHS, PATHS)
def test_missing_extra_and_repeated_beats_account_for_the_difference(
    expected: tuple[str, ...], observed: tuple[str, ...]
) -> None:
    counted = Counter(expected)
    for deviation in deviations(expected, observed):
        if deviation.kind == "missing":
            counted -= Counter(deviation.events)
        elif deviation.kind != "out-of-order":
            counted += Counter(deviation.events)
    assert counted == Counter(observed)
