"""Commits are suspected by what they touch and when they came, and ruled out for a reason that is told."""

from __future__ import annotations

import pytest

from handlers.diagnosis.onset import Onset
from handlers.diagnosis.reach import Place
from handlers.diagnosis.suspects import Verdicts, weigh_commits
from handlers.model import Codebase, Commit, FileChange, Hunk, Mark, Touch

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
BEGAN_MS = 1_700_000_000_000
FOUND = Onset(BEGAN_MS, BEGAN_MS + 10_000, (), ())
FUNCTION = Place("function", "cart.py", 10, 20, "Cart.add")
CALLEE = Place("callee", "price.py", 1, 9, "price_of")
FILE = Place("file", "cart.py", name="cart.py")
PLACES = (FUNCTION, CALLEE, FILE)


def commit(sha: str, before_ms: int, file: str = "cart.py", line: int = 12) -> Commit:
    """One that replaced a line, so long before the beginning."""
    change = FileChange(file, file, (Hunk(line, 1, line, 1),))
    return Commit(sha, "Ada", BEGAN_MS - before_ms, f"change {sha}", (change,))


def weighed(*commits: Commit, restarts_before_ms: tuple[int, ...] = ()) -> Verdicts:
    newest_first = tuple(sorted(commits, key=lambda each: -each.at_ms))
    marks = [Mark(BEGAN_MS - each, "app", "restarted") for each in sorted(restarts_before_ms, reverse=True)]
    return weigh_commits(Codebase(commits=newest_first), PLACES, FOUND, marks)


def names(verdicts: Verdicts) -> list[tuple[str, Touch]]:
    return [(each.sha, each.touch) for each in verdicts.suspects]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            commit("function", HOUR_MS),
            commit("callee", HOUR_MS, "price.py", 3),
            id="the very function first",
        ),
        pytest.param(
            commit("callee", HOUR_MS, "price.py", 3),
            commit("file", HOUR_MS, line=90),
            id="what it calls before other lines of its file",
        ),
        pytest.param(
            commit("file", HOUR_MS, line=90),
            commit("settings", HOUR_MS, "app.yaml"),
            id="its file before settings of the project",
        ),
        pytest.param(commit("near", MINUTE_MS), commit("far", 5 * HOUR_MS), id="the nearer of two alike"),
        pytest.param(
            commit("callee", MINUTE_MS, "price.py", 3),
            commit("function", 100 * HOUR_MS),
            id="a callee just now before the function days ago",
        ),
    ],
)
def test_the_likelier_commit_comes_first(one: Commit, other: Commit) -> None:
    assert [sha for sha, _ in names(weighed(other, one))] == [one.sha, other.sha]


@pytest.mark.parametrize(
    ("judged", "restarts_before_ms", "reason"),
    [
        pytest.param(commit("x", HOUR_MS, "other.py"), (), "touches nothing", id="it touches nothing of it"),
        pytest.param(commit("x", -HOUR_MS), (), "came after the beginning", id="it came afterwards"),
        pytest.param(
            commit("x", 10 * HOUR_MS),
            (9 * HOUR_MS,),
            "ran with it since",
            id="the program ran with it, as usual",
        ),
        pytest.param(
            commit("x", MINUTE_MS // 6),
            (MINUTE_MS,),
            "was not restarted between",
            id="no restart brought it into force in time",
        ),
    ],
)
def test_a_commit_is_ruled_out_by_name_because(
    judged: Commit, restarts_before_ms: tuple[int, ...], reason: str
) -> None:
    verdicts = weighed(judged, restarts_before_ms=restarts_before_ms)
    assert verdicts.suspects == ()
    (told,) = verdicts.ruled_out
    assert told.startswith('commit x ("change x", Ada): ')
    assert reason in told


def test_the_restart_at_which_it_began_is_told() -> None:
    verdicts = weighed(commit("x", HOUR_MS), restarts_before_ms=(5 * HOUR_MS, 1000))
    assert verdicts.deployed == Mark(BEGAN_MS - 1000, "app", "restarted")
    assert (names(verdicts), verdicts.is_alone) == ([("x", "function")], True)


def test_of_commits_that_one_restart_brought_the_age_says_nothing() -> None:
    verdicts = weighed(
        commit("old", 40 * HOUR_MS),
        commit("young", HOUR_MS, "price.py", 3),
        restarts_before_ms=(50 * HOUR_MS, 1000),
    )
    assert [sha for sha, _ in names(verdicts)] == ["old", "young"]


def test_two_that_changed_the_function_are_not_alone() -> None:
    assert not weighed(commit("a", HOUR_MS), commit("b", 2 * HOUR_MS)).is_alone


def test_one_of_long_ago_is_told_and_not_blamed() -> None:
    verdicts = weighed(commit("x", 60 * HOUR_MS))
    assert (names(verdicts), verdicts.is_likely) == ([("x", "function")], False)


def test_without_the_source_nothing_is_said_of_other_commits() -> None:
    codebase = Codebase(commits=(commit("x", HOUR_MS),))
    definition = (Place("definition", "sequences/cart.json", name="its definition"),)
    assert weigh_commits(codebase, definition, FOUND, ()) == Verdicts()


def test_in_an_edited_file_a_commit_is_known_to_have_touched_the_file_alone() -> None:
    codebase = Codebase(commits=(commit("x", HOUR_MS),), edited=frozenset({"cart.py"}))
    assert names(weigh_commits(codebase, PLACES, FOUND, ())) == [("x", "file")]


def test_the_line_is_named_as_it_is_numbered_now() -> None:
    later = Commit(
        "later",
        "Ada",
        BEGAN_MS + HOUR_MS,
        "imports",
        (FileChange("cart.py", "cart.py", (Hunk(1, 0, 2, 5),)),),
    )
    verdicts = weighed(commit("x", HOUR_MS, line=9), later)
    assert [each.place for each in verdicts.suspects] == ["cart.py:14"]
    assert verdicts.brought == {14}


def test_many_that_are_ruled_out_are_counted() -> None:
    verdicts = weighed(*(commit(f"c{number}", HOUR_MS + number, "other.py") for number in range(8)))
    assert len(verdicts.ruled_out) == 6
    assert verdicts.ruled_out[-1] == "3 other commits for the same reasons"
