"""What the store does when it is full or damaged, and when the disk fails."""

import re
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tinydb.table import Document

from daemon.database import (
    StoreCorruptError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
)
from daemon.store import Store

from .store_writer import fill, numbered, open_store, writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    """Every write beyond `size_bytes` fails, as on a disk that fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestFull:
    CAP_BYTES = 40 * 4096

    def fill_up(self, store: Store) -> int:
        table = store.table("windows")

        def put_without_end() -> None:
            for doc_id in range(10_000):
                table.put([Document({"text": "x" * 500}, doc_id)])

        with pytest.raises(StoreFullError, match="raise the size limit"):
            put_without_end()
        return len(table)

    def test_at_the_cap_what_is_stored_stays_deletes_work_and_writing_goes_on_after_them(
        self, path: Path
    ) -> None:
        with open_store(path, self.CAP_BYTES) as store:
            table = store.table("windows")
            count = self.fill_up(store)
            assert len(table) == count
            assert store.size_bytes == self.CAP_BYTES
            assert table.remove_between(0, 99) == 100
            assert store.size_bytes < self.CAP_BYTES
            table.put(numbered(*range(100)))
            assert len(table) == count

    def test_a_commit_that_meets_the_cap_keeps_nothing_even_if_the_error_is_swallowed(
        self, path: Path
    ) -> None:
        with open_store(path, self.CAP_BYTES) as store:
            windows, checkpoints = store.table("windows"), store.table("checkpoints")
            checkpoints.put(numbered(1))
            count = self.fill_up(store)
            transaction = store.transaction()
            transaction.__enter__()
            checkpoints.put([Document({"n": 2}, 1)])
            with pytest.raises(StoreFullError):
                windows.put([Document({"text": "x" * 500}, count + n) for n in range(20)])
            with pytest.raises(StoreFullError):
                checkpoints.put([Document({"n": 3}, 1)])
            with pytest.raises(StoreFullError):
                transaction.__exit__(None, None, None)
            assert len(windows) == count
            assert checkpoints.all() == numbered(1)

    def test_removing_from_a_table_that_never_was_needs_no_room(self, path: Path) -> None:
        with open_store(path, self.CAP_BYTES) as store:
            self.fill_up(store)
            assert store.table("checkpoints").remove_between(0, 9) == 0
            store.table("checkpoints").truncate()

    def test_a_store_larger_than_a_lowered_cap_opens_and_can_be_emptied(self, path: Path) -> None:
        fill(path)
        with open_store(path, self.CAP_BYTES) as store:
            with pytest.raises(StoreFullError):
                store.table("more").put([Document({"text": "x" * 500}, doc_id) for doc_id in range(100)])
            assert store.table("windows").remove_between(0, 1999) == 2000


class TestDisk:
    def test_nothing_is_visible_of_a_commit_that_failed(self, path: Path) -> None:
        with open_store(path) as store:
            table = store.table("windows")
            table.put(numbered(1))
            log_bytes = path.with_name("store.db-wal").stat().st_size
            with (
                pytest.raises(StoreDamagedError, match="disk failed"),
                files_no_longer_than(log_bytes),
                store.transaction(),
            ):
                table.put(numbered(2))
            assert table.all() == numbered(1)
        with open_store(path) as store:
            assert store.table("windows").all() == numbered(1)
            assert store.set_aside is None

    def test_a_folder_that_cannot_be_made_is_named(self, path: Path) -> None:
        path.write_text("a file")
        with pytest.raises(StoreError, match=r"store\.db/x\.lock: cannot be written"):
            open_store(path / "x")


class TestDamage:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"no database at all " * 400, id="another kind of file"),
            pytest.param(None, id="a file cut short"),
        ],
    )
    def test_a_damaged_file_is_set_aside_whole_and_a_fresh_one_is_begun(
        self, path: Path, content: bytes | None
    ) -> None:
        fill(path)
        damaged = content or path.read_bytes()[:5000]
        path.write_bytes(damaged)
        with open_store(path) as store:
            aside = store.set_aside
            store.table("windows").put(numbered(1))
        assert aside is not None
        assert re.fullmatch(r"store\.db\.damaged-\d{8}T\d{6}\.\d{6}Z", aside.name)
        assert aside.read_bytes() == damaged
        with open_store(path) as store:
            assert store.set_aside is None
            assert store.table("windows").all() == numbered(1)

    def test_the_log_of_a_damaged_file_goes_with_it_and_is_not_played_into_the_fresh_one(
        self, path: Path
    ) -> None:
        with writer(path, "write") as process:
            process.kill()
        log = path.with_name("store.db-wal").read_bytes()
        assert log
        path.with_name("store.db.lock").write_text("corrupt\n")
        with open_store(path) as store:
            assert store.set_aside is not None
            assert store.table("windows").all() == []
            assert store.set_aside.with_name(store.set_aside.name + "-wal").read_bytes() == log

    def test_damage_inside_is_found_at_the_start_after_a_kill(self, path: Path) -> None:
        fill(path)
        with writer(path, "wait") as process:
            process.kill()
        content = bytearray(path.read_bytes())
        content[20 * 4096 : 21 * 4096] = b"\xff" * 4096
        path.write_bytes(content)
        with open_store(path) as store:
            assert store.set_aside is not None

    def test_damage_that_shows_while_running_stops_the_use_and_is_set_aside_at_the_next_start(
        self, path: Path
    ) -> None:
        fill(path)
        content = bytearray(path.read_bytes())
        content[20 * 4096 : 21 * 4096] = b"\xff" * 4096
        path.write_bytes(content)
        with open_store(path) as store:
            assert store.set_aside is None
            with pytest.raises(StoreCorruptError, match="Restart the daemon"):
                store.table("windows").all()
        with open_store(path) as store:
            assert store.set_aside is not None
            assert store.table("windows").all() == []

    @pytest.mark.parametrize("text", ["{", "[]", "CAST(x'ff' AS TEXT)"])
    def test_a_rotten_document_is_damage(self, path: Path, text: str) -> None:
        fill(path, documents=3)
        with sqlite3.connect(path) as connection:
            value = text if text.startswith("CAST") else f"'{text}'"
            connection.execute(f"UPDATE windows SET doc = {value} WHERE id = 1")
        connection.close()
        with open_store(path) as store:
            transaction = store.transaction()
            transaction.__enter__()
            with pytest.raises(StoreCorruptError, match="windows, document 1"):
                store.table("windows").get(doc_id=1)
            with pytest.raises(StoreCorruptError, match="windows, document 1"):
                transaction.__exit__(None, None, None)
        with open_store(path) as store:
            assert store.set_aside is not None
