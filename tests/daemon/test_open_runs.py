"""Open runs are stored one by one, and only those that changed are written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from daemon.open_runs import OpenRuns
from daemon.store import Store
from handlers.model import OpenRun, Origin


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.db", max_bytes=1 << 30) as opened:
        yield opened


def run(at: int, **changes: object) -> OpenRun:
    return replace(OpenRun("order", Origin(at, 1, at), at, announced=False), **changes)


def put(store: Store, records: OpenRuns, stream: int, runs: dict[str, OpenRun]) -> None:
    with store.transaction():
        records.put(stream, runs)
    records.committed()


def ids(store: Store) -> list[int]:
    return [document.doc_id for document in store.table("open_runs").all()]


def test_runs_come_back_in_the_order_in_which_they_began(store: Store) -> None:
    records = OpenRuns(store)
    runs = {f"order\t{at}": run(at, path=["a", "b"], open=["b"], disturbed=True) for at in (3, 1, 2)}
    put(store, records, 1, runs)
    put(store, records, 2, {"order\t1": run(9, completed_ms=9)})
    assert [*OpenRuns(store).of(1).items()] == [*runs.items()]
    assert OpenRuns(store).of(2) == {"order\t1": run(9, completed_ms=9)}
    assert OpenRuns(store).of(3) == {}


def test_only_what_changed_is_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    records = OpenRuns(store)
    runs = {str(at): run(at) for at in range(100)}
    put(store, records, 1, runs)
    written: list[int] = []
    table = store.table("open_runs")
    monkeypatch.setattr(table, "put", lambda documents: written.extend(each.doc_id for each in documents))
    put(store, records, 1, {**runs, "50": replace(runs["50"], last_ms=7)})
    assert written == [51]


def test_a_run_that_begins_anew_under_its_key_is_the_last(store: Store) -> None:
    records = OpenRuns(store)
    first, second = run(1), run(2)
    put(store, records, 1, {"a": first, "b": second})
    put(store, records, 1, {"b": second, "a": run(3)})
    assert [*OpenRuns(store).of(1)] == ["b", "a"]
    assert ids(store) == [2, 3]


def test_what_was_rolled_back_is_written_again(store: Store) -> None:
    records = OpenRuns(store)
    runs = {"a": run(1)}
    with contextlib.suppress(RuntimeError), store.transaction():
        records.put(1, runs)
        raise RuntimeError
    records.undone()
    assert OpenRuns(store).of(1) == {}
    put(store, records, 1, runs)
    assert OpenRuns(store).of(1) == runs


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    commits=st.lists(
        st.tuples(st.integers(1, 2), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), max_size=8))
    )
)
def test_any_commits_leave_what_the_last_one_of_each_stream_held(
    tmp_path: Path, commits: list[tuple[int, list[tuple[int, int]]]]
) -> None:
    (tmp_path / "store.db").unlink(missing_ok=True)
    with Store.open(tmp_path / "store.db", max_bytes=1 << 30) as store:
        records = OpenRuns(store)
        held: dict[int, dict[str, OpenRun]] = {1: {}, 2: {}}
        for number, (stream, touched) in enumerate(commits):
            runs = dict(held[stream])
            for key, what in touched:
                before = runs.pop(str(key), None)
                if what == 1:
                    runs[str(key)] = run(number)
                elif what == 2 and before is not None:
                    runs = {**held[stream], **runs, str(key): replace(before, last_ms=number)}
            put(store, records, stream, runs)
            held[stream] = runs
            if number % 3 == 2:
                records = OpenRuns(store)
                held = {each: records.of(each) for each in held}
        for stream, runs in held.items():
            assert OpenRuns(store).of(stream) == runs
