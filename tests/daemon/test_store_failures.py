"""What the store does when it is full, damaged, locked, of another version, or read by somebody else."""

import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tinydb.table import Document

import daemon.store
import daemon.store_lock
from daemon.database import (
    StoreCorruptError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreMissingError,
    StoreVersionError,
)
from daemon.store import Store

MAX_BYTES = 2**24

WRITER = """
import sys
from pathlib import Path
from tinydb.table import Document
from daemon.store import Store
with Store.open(Path(sys.argv[1]), max_bytes=2**24) as store:
    def commit(number):
        with store.transaction():
            for name in ("checkpoints", "windows"):
                store.table(name).put([Document({"n": number}, doc_id) for doc_id in range(600)])
    if sys.argv[2] == "write":
        commit(1)
    print("open", flush=True)
    number = 1
    while sys.argv[2] == "write":
        number += 1
        commit(number)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def numbered(*ids: int) -> list[Document]:
    return [Document({"n": doc_id}, doc_id) for doc_id in ids]


def open_store(path: Path, max_bytes: int = MAX_BYTES) -> Store:
    return Store.open(path, max_bytes=max_bytes)


def fill(path: Path, documents: int = 2000) -> None:
    with open_store(path) as store:
        store.table("windows").put([Document({"text": "x" * 500}, doc_id) for doc_id in range(documents)])


def files_set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.damaged-*"))


@contextmanager
def writer(path: Path, task: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), task],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


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
        with open_store(path) as store, pytest.raises(StoreCorruptError, match="windows, document 1"):
            store.table("windows").get(doc_id=1)
        with open_store(path) as store:
            assert store.set_aside is not None


class TestLock:
    def test_a_second_writer_is_told_the_process_of_the_first(self, path: Path) -> None:
        with writer(path, "wait") as first:
            with pytest.raises(StoreLockedError, match=f"process {first.pid}.*systemctl stop") as refused:
                open_store(path)
            assert refused.value.pid == first.pid

    def test_a_killed_writer_holds_nothing(self, path: Path) -> None:
        with writer(path, "wait") as first:
            first.send_signal(signal.SIGKILL)
            first.wait()
            open_store(path).close()

    def test_a_start_that_failed_holds_nothing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fill(path)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 1")
        connection.close()
        with pytest.raises(StoreVersionError):
            open_store(path)
        monkeypatch.setattr(daemon.store, "MIGRATIONS", (lambda store: None,))
        open_store(path).close()


class TestVersion:
    def test_each_migration_runs_once_in_order(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def step(name: str) -> object:
            return lambda store: store.table("steps").insert({"name": name})

        for migrations in ([], [step("a")], [step("a"), step("b"), step("c")]):
            monkeypatch.setattr(daemon.store, "MIGRATIONS", tuple(migrations))
            open_store(path).close()
        with open_store(path) as store:
            assert [document["name"] for document in store.table("steps")] == ["a", "b", "c"]

    def test_a_migration_that_fails_leaves_the_file_as_it_was(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(path, documents=3)
        before = path.read_bytes()

        def failing(store: Store) -> None:
            store.table("windows").truncate()
            raise ZeroDivisionError

        monkeypatch.setattr(
            daemon.store, "MIGRATIONS", (lambda store: store.table("new").insert({}), failing)
        )
        with pytest.raises(ZeroDivisionError):
            open_store(path)
        assert path.read_bytes() == before

    def test_a_newer_file_is_refused_and_not_touched(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as newer:
            newer.setattr(daemon.store, "MIGRATIONS", (lambda store: None,) * 3)
            fill(path, documents=3)
        before = path.read_bytes()
        with pytest.raises(StoreVersionError, match="store version 3, this one knows 0"):
            open_store(path)
        with pytest.raises(StoreVersionError, match="store version 3, this one knows 0"):
            Store.open_reader(path)
        assert path.read_bytes() == before

    def test_a_reader_leaves_an_older_file_to_the_daemon(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(path, documents=3)
        monkeypatch.setattr(daemon.store, "MIGRATIONS", (lambda store: None,))
        with pytest.raises(StoreVersionError, match="Restart the daemon"):
            Store.open_reader(path)


@contextmanager
def no_leave_to_write_in(folder: Path) -> Iterator[None]:
    """As a member of the group: may read all, may write nothing."""
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


@pytest.fixture
def shared_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        umask = os.umask(0o022)
        yield Path(folder) / "store.db"
        os.umask(umask)
        Path(folder).chmod(0o755)


class TestReader:
    def test_sees_whole_commits_over_all_tables_while_the_writer_writes(self, path: Path) -> None:
        seen = set()
        with writer(path, "write"), Store.open_reader(path) as reader:
            for _ in range(1000):
                with reader.snapshot():
                    numbers = {
                        document["n"]
                        for name in ("checkpoints", "windows")
                        for document in reader.table(name)
                    }
                assert len(numbers) <= 1
                seen |= numbers
                if len(seen) >= 20:
                    break
        assert len(seen) >= 20

    def test_cannot_write(self, path: Path) -> None:
        fill(path, documents=3)
        with Store.open_reader(path) as reader:
            for write in (reader.table("windows").truncate, reader.transaction):
                with pytest.raises(StoreError, match="for reading only"):
                    write()
            with reader.snapshot(), pytest.raises(StoreError, match="snapshot"):
                reader.table("windows").truncate()
            with reader.snapshot():
                assert len(reader.table("windows")) == 3

    def test_is_told_to_read_in_a_snapshot(self, path: Path) -> None:
        fill(path, documents=3)
        with Store.open_reader(path) as reader, pytest.raises(StoreError, match="snapshot"):
            reader.table("windows").get(doc_id=1)

    def test_of_no_store_is_told_so(self, path: Path) -> None:
        with pytest.raises(StoreMissingError, match="Has the daemon run"):
            Store.open_reader(path)
        assert list(path.parent.iterdir()) == []

    def test_of_a_damaged_store_is_told_so_and_leaves_it(self, path: Path) -> None:
        path.write_bytes(b"no database " * 1000)
        with pytest.raises(StoreCorruptError, match="Restart the daemon"):
            Store.open_reader(path)
        assert files_set_aside(path) == []

    @pytest.mark.parametrize("state", ["running", "killed", "stopped"])
    def test_needs_no_leave_to_write_in_the_folder_whatever_the_daemon_does(
        self, shared_path: Path, state: str
    ) -> None:
        fill(shared_path, documents=3)
        with writer(shared_path, "wait") as process:
            if state == "stopped":
                process.communicate()
            elif state == "killed":
                process.kill()
                process.wait()
            with (
                no_leave_to_write_in(shared_path.parent),
                Store.open_reader(shared_path) as reader,
                reader.snapshot(),
            ):
                assert len(reader.table("windows")) == 3

    def test_does_not_pass_over_commits_that_are_only_in_the_log(self, shared_path: Path) -> None:
        with writer(shared_path, "write") as process:
            process.kill()
        shared_path.with_name("store.db-shm").unlink()
        with no_leave_to_write_in(shared_path.parent), pytest.raises(StoreError, match="unable to open"):
            Store.open_reader(shared_path)

    def test_that_needs_the_file_to_stand_still_keeps_the_writer_waiting_for_a_bounded_time(
        self, shared_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(shared_path, documents=3)
        with no_leave_to_write_in(shared_path.parent):
            reader = Store.open_reader(shared_path)
        shared_path.parent.chmod(0o755)
        monkeypatch.setattr(daemon.store_lock, "READER_WAIT_S", 0.0)
        with pytest.raises(StoreLockedError, match="End the reader first") as refused:
            open_store(shared_path)
        assert refused.value.pid is None
        reader.close()
        open_store(shared_path).close()
