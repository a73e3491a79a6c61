"""What the store promises while nothing goes wrong."""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tinydb import where
from tinydb.table import Document

from daemon.database import DocumentError, StoreError
from daemon.store import Store
from daemon.tables import FIRST_ID, LAST_ID, PAGE_DOCUMENTS, Rows, RowTable

MAX_BYTES = 2**24


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, max_bytes=MAX_BYTES) as store:
        yield store


def numbered(*ids: int) -> list[Document]:
    return [Document({"n": doc_id}, doc_id) for doc_id in ids]


def stored(table: RowTable) -> dict[int, dict[str, Any]]:
    return {document.doc_id: dict(document) for document in table}


def test_folder_and_file_are_created_for_the_owner_and_the_group_to_read(path: Path) -> None:
    umask = os.umask(0o022)
    try:
        with Store.open(path, max_bytes=MAX_BYTES) as store:
            store.table("windows").insert({})
            modes = {
                file.name: stat.S_IMODE(file.stat().st_mode) for file in [path.parent, *path.parent.iterdir()]
            }
    finally:
        os.umask(umask)
    assert modes == {"state": 0o750} | dict.fromkeys(
        ("store.db", "store.db-wal", "store.db-shm", "store.db.lock"), 0o640
    )


def test_documents_are_there_after_a_restart(path: Path) -> None:
    with Store.open(path, max_bytes=MAX_BYTES) as store, store.transaction():
        store.table("windows").put(numbered(1, 2))
        store.table("checkpoints").put(numbered(7))
    with Store.open(path, max_bytes=MAX_BYTES) as store:
        assert stored(store.table("windows")) == {1: {"n": 1}, 2: {"n": 2}}
        assert stored(store.table("checkpoints")) == {7: {"n": 7}}
        assert store.set_aside is None


def test_every_value_comes_back_as_it_was(store: Store) -> None:
    document = {
        "text": 'null "\x00\n🎵\u2028',
        "int": 2**64 - 1,
        "float": 0.1 + 0.2,
        "tiny": 5e-324,
        "none": None,
        "list": [True, [], {}],
    }
    store.table("windows").put([Document(document, 1)])
    assert store.table("windows").get(doc_id=1) == document


class TestTransaction:
    def test_an_exception_takes_all_tables_back(self, store: Store) -> None:
        store.table("windows").put(numbered(1))
        with suppress(ZeroDivisionError), store.transaction():
            store.table("windows").put([Document({"n": 99}, 1), Document({}, 2)])
            store.table("checkpoints").put(numbered(1))
            raise ZeroDivisionError
        assert stored(store.table("windows")) == {1: {"n": 1}}
        assert stored(store.table("checkpoints")) == {}

    def test_a_table_whose_creation_was_taken_back_can_be_written_later(self, store: Store) -> None:
        table = store.table("windows")
        with suppress(ZeroDivisionError), store.transaction():
            table.put(numbered(1))
            assert len(table) == 1
            raise ZeroDivisionError
        with store.transaction():
            with pytest.raises(ValueError, match="ID 1 already exists"):
                table.insert_multiple(numbered(1, 1))
            table.put(numbered(2))
        assert stored(table) == {2: {"n": 2}}

    def test_a_search_does_not_remember_what_was_taken_back(self, store: Store) -> None:
        table = store.table("windows")
        with suppress(ZeroDivisionError), store.transaction():
            table.put(numbered(1))
            assert table.search(where("n") == 1) == numbered(1)
            raise ZeroDivisionError
        assert table.search(where("n") == 1) == []

    def test_an_operation_that_fails_leaves_nothing_of_itself_and_the_rest_stands(self, store: Store) -> None:
        table = store.table("windows")
        with store.transaction():
            table.put(numbered(1))
            with pytest.raises(ValueError, match="ID 1 already exists"):
                table.insert_multiple([*numbered(2), *numbered(1)])
            with pytest.raises(DocumentError):
                table.put([*numbered(3), Document({"n": float("nan")}, 4)])
        assert stored(table) == {1: {"n": 1}}

    def test_nesting_is_refused_and_the_outer_one_goes_on(self, store: Store) -> None:
        with store.transaction():
            store.table("windows").put(numbered(1))
            with pytest.raises(StoreError, match="this thread has a transaction open"), store.transaction():
                pass
        assert len(store.table("windows")) == 1

    @pytest.mark.parametrize(
        "join",
        [
            pytest.param(lambda store: store.table("windows").put(numbered(2)), id="by writing"),
            pytest.param(lambda store: len(store.table("windows")), id="by reading"),
            pytest.param(lambda store: store.transaction().__enter__(), id="by a transaction of its own"),
        ],
    )
    def test_another_thread_cannot_join_one(self, store: Store, join: Callable[[Store], object]) -> None:
        with store.transaction(), ThreadPoolExecutor(1) as other:
            store.table("windows").put(numbered(1))
            with pytest.raises(StoreError, match="another thread has a transaction open"):
                other.submit(join, store).result()
        assert stored(store.table("windows")) == {1: {"n": 1}}

    def test_threads_may_take_turns(self, store: Store) -> None:
        for doc_id in (1, 2):
            thread = threading.Thread(target=store.table("windows").put, args=[numbered(doc_id)])
            thread.start()
            thread.join()
        assert len(store.table("windows")) == 2

    def test_one_that_is_open_at_the_end_is_taken_back(self, path: Path) -> None:
        store = Store.open(path, max_bytes=MAX_BYTES)
        transaction = store.transaction()
        transaction.__enter__()
        store.table("windows").put(numbered(1))
        store.close()
        with pytest.raises(StoreError, match="closed"):
            transaction.__exit__(None, None, None)
        with Store.open(path, max_bytes=MAX_BYTES) as store:
            assert len(store.table("windows")) == 0

    def test_nothing_is_written_inside_of_a_snapshot(self, store: Store) -> None:
        with store.snapshot(), pytest.raises(StoreError, match="snapshot"):
            store.table("windows").put(numbered(1))
        assert len(store.table("windows")) == 0


class TestTable:
    def test_put_replaces_the_whole_document_where_upsert_merges(self, store: Store) -> None:
        table = store.table("windows")
        table.put([Document({"old": 1}, 5)])
        table.upsert(Document({"new": 2}, 5))
        assert table.get(doc_id=5) == {"old": 1, "new": 2}
        table.put([Document({"new": 3}, 5)])
        assert table.get(doc_id=5) == {"new": 3}

    def test_a_range_of_ids_is_read_in_order_with_both_ends(self, store: Store) -> None:
        table = store.table("windows")
        ids = [FIRST_ID, -1, *range(10, 10 + 2 * PAGE_DOCUMENTS), LAST_ID]
        table.put(numbered(*reversed(ids)))
        assert [document.doc_id for document in table.between(FIRST_ID, LAST_ID)] == ids
        assert list(table.between(-1, 11)) == numbered(-1, 10, 11)
        assert list(table.between(12, 11)) == []

    def test_a_range_of_ids_is_removed_with_both_ends(self, store: Store) -> None:
        table = store.table("windows")
        table.put(numbered(1, 2, 3, 4))
        assert table.remove_between(2, 3) == 2
        assert list(stored(table)) == [1, 4]

    def test_the_last_id_is_the_highest_one_present(self, store: Store) -> None:
        table = store.table("windows")
        assert table.last_id() is None
        table.put(numbered(3, 2**40, 7))
        assert table.last_id() == 2**40

    def test_get_by_ids_gives_those_that_exist_in_the_order_asked_for(self, store: Store) -> None:
        table = store.table("windows")
        table.put(numbered(1, 2, 3))
        assert table.get(doc_ids=[3, 9, 1, 3]) == numbered(3, 1)

    def test_a_document_may_be_removed_while_the_table_is_walked(self, store: Store) -> None:
        table = store.table("windows")
        table.put(numbered(*range(2 * PAGE_DOCUMENTS + 1)))
        for document in table:
            table.remove(doc_ids=[document.doc_id])
        assert len(table) == 0

    def test_a_table_that_was_never_written_is_empty(self, store: Store) -> None:
        table = store.table("windows")
        assert (len(table), table.all(), table.get(doc_id=1)) == (0, [], None)
        assert table.search(where("n") == 1) == []

    @pytest.mark.parametrize(
        ("write", "expected"),
        [
            pytest.param(
                lambda rows: rows.put([(1, {"n": 9})]), {1: {"n": 9}, 2: {"n": 2}}, id="put the same"
            ),
            pytest.param(
                lambda rows: rows.put([(2, {"n": 9})]), {1: {"n": 7}, 2: {"n": 9}}, id="put another"
            ),
            pytest.param(lambda rows: rows.pop(1), {2: {"n": 2}}, id="remove the same"),
            pytest.param(lambda rows: rows.pop(2), {1: {"n": 7}}, id="remove another"),
            pytest.param(lambda rows: rows.remove_between(2, 3), {1: {"n": 7}}, id="remove others"),
            pytest.param(lambda rows: rows.clear(), {}, id="remove all"),
        ],
    )
    def test_a_change_in_place_counts_before_the_write_that_follows(
        self, store: Store, write: Callable[[Rows], object], expected: dict[int, dict[str, Any]]
    ) -> None:
        table = store.table("windows")
        table.put(numbered(1, 2))

        def updater(rows: Rows) -> None:
            rows[1]["n"] = 7
            write(rows)
            assert {doc_id: rows[doc_id] for doc_id in (1, 2) if rows.get(doc_id)} == expected

        table._update_table(updater)
        assert stored(table) == expected

    def test_mixed_ids_given_and_automatic_never_overwrite_each_other(self, store: Store) -> None:
        table = store.table("windows")
        assert table.insert_multiple([{"a": 1}, Document({"b": 1}, 2), {"c": 1}]) == [1, 2, 3]
        assert len(table) == 3

    @pytest.mark.parametrize("name", ["", "Windows", "sqlite_x", 'a"b', "1a", "a b"])
    def test_a_name_that_is_no_plain_word_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(ValueError, match="table name"):
            store.table(name)

    @pytest.mark.parametrize(
        ("operation", "documents_read"),
        [
            pytest.param(lambda table: table.get(doc_id=5), 1, id="get"),
            pytest.param(lambda table: table.get(doc_ids=[5, 7]), 2, id="get several"),
            pytest.param(lambda table: table.contains(doc_id=5), 1, id="contains"),
            pytest.param(lambda table: table.insert({"n": 0}), 0, id="insert"),
            pytest.param(lambda table: table.put(numbered(5, 6)), 0, id="put"),
            pytest.param(lambda table: table.update({"n": 0}, doc_ids=[5]), 1, id="update"),
            pytest.param(lambda table: table.remove(doc_ids=[5]), 0, id="remove"),
            pytest.param(lambda table: table.remove_between(5, 50), 0, id="remove a range"),
            pytest.param(lambda table: list(table.between(5, 7)), 3, id="read a range"),
            pytest.param(len, 0, id="count"),
        ],
    )
    def test_an_operation_reads_only_the_documents_that_it_is_about(
        self,
        store: Store,
        monkeypatch: pytest.MonkeyPatch,
        operation: Callable[[RowTable], object],
        documents_read: int,
    ) -> None:
        table = store.table("windows")
        table.put(numbered(*range(100)))
        read: list[int] = []
        decode = Rows._decode

        def counted(self: Rows, doc_id: int, text: bytes) -> dict[str, Any]:
            read.append(doc_id)
            return decode(self, doc_id, text)

        monkeypatch.setattr(Rows, "_decode", counted)
        operation(table)
        assert len(read) == documents_read


class TestRefusedDocuments:
    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(float("nan"), id="not a number"),
            pytest.param([{"a": float("inf")}], id="infinity inside"),
            pytest.param([None, -float("inf")], id="infinity beside a None"),
            pytest.param(object(), id="no JSON"),
            pytest.param("\ud800", id="half a character"),
            pytest.param({(1, 2): 3}, id="a key that is no text"),
        ],
    )
    @pytest.mark.parametrize(
        "write",
        [
            pytest.param(lambda table, value: table.put([Document({"v": value}, 1)]), id="by put"),
            pytest.param(lambda table, value: table.insert({"v": value}), id="by insert"),
            pytest.param(lambda table, value: table.update({"v": value}, doc_ids=[1]), id="by update"),
        ],
    )
    def test_what_is_not_json_with_finite_numbers_is_named_and_refused(
        self, store: Store, value: object, write: Callable[[RowTable, object], object]
    ) -> None:
        table = store.table("windows")
        table.put(numbered(1))
        with pytest.raises(DocumentError, match=r"windows, document [12]: not JSON with finite numbers"):
            write(table, value)
        assert stored(table) == {1: {"n": 1}}

    def test_an_id_beyond_64_bits_is_refused(self, store: Store) -> None:
        table = store.table("windows")
        with pytest.raises(DocumentError, match="64-bit"):
            table.put([*numbered(1), *numbered(2**63)])
        assert len(table) == 0
