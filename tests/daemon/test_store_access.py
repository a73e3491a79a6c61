"""Who may use the store, and which file: one writer, any number of readers, versions."""

import os
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import daemon.store
import daemon.store_lock
from daemon.database import (
    StoreCorruptError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
    StoreVersionError,
)
from daemon.store import Store

from .store_writer import fill, open_store, writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


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
        assert [file.name for file in path.parent.iterdir()] == [path.name]

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
