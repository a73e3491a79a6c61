"""What failing runs have that healthy ones have not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.diagnosis.differing_runs import Difference, Resource, Run, Step, differing_runs

BOOK = ("check", "reserve", "done")


def run(
    contacts: tuple[str, ...] = ("find", "found"),
    booking: tuple[str, ...] = BOOK,
    contacts_us: int = 2_000,
    booking_us: int = 8_000,
) -> Run:
    """A booking that asks for the contacts."""
    return (
        Step("booking", "POST /book", -1, booking_us, booking),
        Step("contacts", "GET /contacts", 0, contacts_us, contacts),
    )


HEALTHY = [run(contacts_us=2_000 + 10 * i, booking_us=8_000 + 10 * i) for i in range(20)]


def told(differences: tuple[Difference, ...]) -> list[tuple[str, str, str, str]]:
    return [(each.component, each.kind, each.place, each.expected) for each in differences]


def test_healthy_runs_do_not_differ_from_healthy_runs() -> None:
    assert differing_runs(HEALTHY, HEALTHY) == ()


def test_added_time_is_told_of_the_component_that_added_it() -> None:
    failing = [run(contacts_us=90_000 + 100 * i) for i in range(20)]
    (difference,) = differing_runs(failing, HEALTHY)
    assert told((difference,)) == [("contacts", "time", "", "")]
    assert 0.85 < difference.share < 0.95
    assert difference.seen == 20
    assert difference.reason.startswith("contacts takes 89")
    assert "in 20 failing runs" in difference.reason


def test_an_early_end_names_the_last_statement_and_the_one_that_should_follow() -> None:
    failing = [run(contacts=("find",)) for _ in range(20)]
    (difference,) = differing_runs(failing, HEALTHY)
    assert told((difference,)) == [("contacts", "path", "find", "found")]
    assert difference.reason == (
        "contacts leaves its path after 'find' in 20 of 20 failing steps, and in 0 of 20 healthy steps; "
        "'found' should follow"
    )


def test_a_step_that_does_not_say_what_it_begins_with_leaves_its_path_at_once() -> None:
    failing = [run(contacts=()) for _ in range(20)]
    (difference,) = differing_runs(failing, HEALTHY)
    assert told((difference,)) == [("contacts", "path", "", "find")]
    assert difference.reason.startswith("contacts leaves its path at once in 20 of 20 failing steps")


def test_a_statement_that_never_came_before_is_another_path_too() -> None:
    failing = [run(contacts=("find", "no such contact", "found")) for _ in range(20)]
    assert told(differing_runs(failing, HEALTHY)) == [("contacts", "path", "find", "found")]


def test_work_after_what_used_to_be_the_end_says_that_nothing_should_follow() -> None:
    failing = [run(contacts=("find", "found", "find again")) for _ in range(20)]
    (difference,) = differing_runs(failing, HEALTHY)
    assert told((difference,)) == [("contacts", "path", "found", "")]
    assert difference.reason.endswith("nothing should follow")


def test_a_caller_that_stops_because_its_callee_did_is_not_blamed() -> None:
    failing = [run(contacts=("find",), booking=("check",)) for _ in range(20)]
    assert told(differing_runs(failing, HEALTHY)) == [("contacts", "path", "find", "found")]


def test_a_caller_that_stops_alone_is_blamed() -> None:
    failing = [run(booking=("check",)) for _ in range(20)]
    assert told(differing_runs(failing, HEALTHY)) == [("booking", "path", "check", "reserve")]


def test_a_branch_that_healthy_runs_take_too_is_no_difference_however_often_it_is_taken() -> None:
    healthy = [run(contacts=("find", "found" if i % 2 else "none")) for i in range(20)]
    failing = [run(contacts=("find", "none")) for _ in range(20)]
    assert differing_runs(failing, healthy) == ()


@pytest.mark.parametrize(
    "single",
    [
        pytest.param(run(contacts=("find",)), id="another path"),
        pytest.param(run(contacts_us=90_000), id="added time"),
    ],
)
def test_what_a_single_run_shows_is_told_and_not_proven(single: Run) -> None:
    (difference,) = differing_runs([single], HEALTHY[:4])
    assert difference.component == "contacts"
    assert difference.share <= 0


def test_more_runs_prove_more() -> None:
    few, many = (differing_runs([run(contacts=("find",))] * times, HEALTHY)[0].share for times in (5, 50))
    assert few < many


@pytest.mark.parametrize(
    ("used", "told_of"),
    [
        pytest.param(0.99, [("contacts", "resource", "CPU", "")], id="beyond all that was used before"),
        pytest.param(0.30, [], id="as much as at other times"),
    ],
)
def test_a_resource_is_told_when_it_never_was_used_that_much(
    used: float, told_of: list[tuple[str, str, str, str]]
) -> None:
    resource = Resource("contacts", "CPU", used, (0.01, 0.02, 0.30))
    assert told(differing_runs(HEALTHY, HEALTHY, [resource])) == told_of


def test_a_resource_without_a_past_says_nothing() -> None:
    assert differing_runs(HEALTHY, HEALTHY, [Resource("contacts", "CPU", 0.99, ())]) == ()


@pytest.mark.parametrize(
    ("failing", "healthy"),
    [
        pytest.param([], HEALTHY, id="no failing run"),
        pytest.param(HEALTHY, [], id="no healthy run"),
        pytest.param([()], [()], id="runs without steps"),
        pytest.param(
            [(Step("new", "unknown", -1, 5, ("a", "b")),)] * 20, HEALTHY, id="operations that are new"
        ),
        pytest.param([run(contacts_us=0, booking_us=0)] * 20, HEALTHY, id="no time"),
    ],
)
def test_without_anything_to_compare_nothing_is_told(failing: list[Run], healthy: list[Run]) -> None:
    assert differing_runs(failing, healthy) == ()


statements = st.lists(st.sampled_from(["find", "found", "none", "again"]), max_size=4).map(tuple)
runs = st.lists(
    st.builds(run, statements, statements, st.integers(0, 10**7), st.integers(0, 10**7)), max_size=12
)


@given(runs, runs, st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter_and_no_share_is_over_1(
    failing: list[Run], healthy: list[Run], shuffle: random.Random
) -> None:
    expected = differing_runs(failing, healthy)
    assert all(each.share <= 1 for each in expected)
    shuffle.shuffle(failing)
    shuffle.shuffle(healthy)
    assert differing_runs(failing, healthy) == expected
