"""Lines are followed back through the commits that moved them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handlers.history import commits_of_file, commits_of_lines, lines_now
from handlers.model import Codebase, Commit, FileChange, Hunk


def commit(sha: str, *hunks: Hunk, file: str = "a.py", old: str = "a.py", at_ms: int = 1) -> Commit:
    return Commit(sha, "Ada", at_ms, f"commit {sha}", (FileChange(file, old, hunks),))


def shas(commits: tuple[Commit, ...]) -> str:
    return "".join(each.sha for each in commits)


def test_lines_above_move_a_function_and_do_not_touch_it() -> None:
    made = commit("c", Hunk(0, 0, 1, 10), old="")
    changed = commit("b", Hunk(5, 1, 5, 1))
    above = commit("a", Hunk(0, 0, 1, 3))
    codebase = Codebase(commits=(above, changed, made))
    assert shas(commits_of_lines(codebase, "a.py", 7, 9)) == "bc"
    assert shas(commits_of_lines(codebase, "a.py", 9, 9)) == "c"
    assert shas(commits_of_file(codebase, "a.py")) == "abc"


def test_lines_deleted_inside_touch_a_function_and_beside_it_do_not() -> None:
    codebase = Codebase(commits=(commit("a", Hunk(5, 2, 4, 0)),))
    assert [shas(commits_of_lines(codebase, "a.py", *span)) for span in ((4, 5), (1, 4), (5, 8))] == [
        "a",
        "",
        "",
    ]


def test_before_a_function_was_there_nothing_touched_it() -> None:
    codebase = Codebase(commits=(commit("b", Hunk(2, 0, 3, 4)), commit("a", Hunk(1, 9, 1, 9))))
    assert shas(commits_of_lines(codebase, "a.py", 3, 6)) == "b"


def test_a_new_name_is_followed_and_a_namesake_of_the_past_is_not() -> None:
    moved = commit("c", file="b.py", old="a.py")
    other = commit("b", Hunk(1, 1, 1, 1), file="b.py", old="b.py")
    first = commit("a", Hunk(1, 1, 1, 1))
    assert shas(commits_of_lines(Codebase(commits=(moved, other, first)), "b.py", 1, 1)) == "a"


def test_of_an_edited_file_all_commits_are_given() -> None:
    codebase = Codebase(commits=(commit("a", Hunk(1, 1, 1, 1)),), edited=frozenset({"a.py"}))
    assert shas(commits_of_lines(codebase, "a.py", 50, 60)) == "a"


def test_only_what_came_after_a_time_is_given() -> None:
    codebase = Codebase(
        commits=(commit("b", Hunk(1, 1, 1, 1), at_ms=20), commit("a", Hunk(1, 1, 1, 1), at_ms=10))
    )
    assert shas(commits_of_lines(codebase, "a.py", 1, 1, since_ms=10)) == "b"


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8), st.data())
def test_a_line_that_no_commit_touches_is_found_where_it_was(sizes: list[int], data: st.DataObject) -> None:
    """Each commit adds lines above or below it; the first one made it."""
    line, total = 1, 1
    commits = [commit("made", Hunk(0, 0, 1, 1), old="")]
    for number, size in enumerate(sizes):
        after = data.draw(st.integers(0, total))
        if size:
            commits.insert(0, commit(str(number), Hunk(after, 0, after + 1, size)))
            line += size if after < line else 0
            total += size
    assert shas(commits_of_lines(Codebase(commits=tuple(commits)), "a.py", line, line)) == "made"


def test_the_lines_of_a_commit_are_found_where_later_ones_moved_them() -> None:
    brought = commit("c", Hunk(5, 1, 5, 2), file="old.py", old="old.py")
    moved = commit("b", Hunk(2, 0, 3, 4), old="old.py")
    below = commit("a", Hunk(50, 3, 50, 9))
    codebase = Codebase(commits=(below, moved, brought))
    assert lines_now(codebase, brought, "a.py") == ((9, 10),)
    assert lines_now(codebase, moved, "a.py") == ((3, 6),)


def test_lines_that_were_replaced_stand_where_their_replacement_does() -> None:
    brought = commit("b", Hunk(5, 1, 5, 3))
    replaced = commit("a", Hunk(4, 4, 4, 1))
    assert lines_now(Codebase(commits=(replaced, brought)), brought, "a.py") == ((4, 4),)


def test_a_commit_that_only_deleted_gives_the_line_before() -> None:
    deleted = commit("a", Hunk(5, 2, 4, 0))
    assert lines_now(Codebase(commits=(deleted,)), deleted, "a.py") == ((4, 4),)
