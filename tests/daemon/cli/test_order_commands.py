"""ack, silence, resolve and accept: with a daemon and without, and what they say when they cannot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from daemon.cli import ordering
from daemon.database import StoreError
from daemon.order_kinds import decode_order
from daemon.spool import Spool
from daemon.store import Store
from daemon.store_lock import lock_path
from tests.daemon.cli.conftest import Cli
from tests.daemon.process import BOUND_S, DaemonProcess
from tests.daemon.store_writer import writer

REASON = ("--why", "load test")
COMMANDS = {
    "ack": ("--note", "on it"),
    "silence": ("--for", "4h", *REASON),
    "resolve": REASON,
    "accept": REASON,
}
STATES = {"ack": "acknowledged", "silence": "silenced", "resolve": "resolved", "accept": "resolved"}


@pytest.fixture
def store(judged: Path, folder: Path) -> Path:
    return Path(shutil.copy(judged, folder / "s.db"))


@contextmanager
def busy(store: Path) -> Iterator[int]:
    """Somebody who writes the store and takes no orders."""
    with writer(store, "wait") as process:
        yield process.pid


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_daemon_it_is_done_at_once(command: str, store: Path, cli: Cli) -> None:
    code, out, err = cli(command, "perf", *COMMANDS[command], "--store", store)
    assert (code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    found = cli("show", "perf", "--store", store, "--format", "json").json()
    assert found["state"] == STATES[command]
    assert found["by"] == ordering.signed()["by"]
    assert COMMANDS[command][-1] in found["why"]
    listed = cli("anomalies", "--all", "--store", store).out
    assert f"{STATES[command]} by {found['by']}" in listed


@pytest.mark.parametrize("command", COMMANDS)
def test_as_json_it_says_what_was_done(command: str, store: Path, cli: Cli) -> None:
    found = cli(command, "perf", *COMMANDS[command], "--store", store, "--format", "json").json()
    assert found["done"]
    assert found["by"] == ordering.signed()["by"]
    assert found["sentence"]


def test_a_silence_shows_until_when_and_why(store: Path, cli: Cli) -> None:
    assert cli("silence", "perf", "--for", "90m", "--why", "load test", "--store", store).code == 0
    found = cli("show", "perf", "--store", store, "--format", "json").json()
    assert found["until_ms"] - found["history"][-1]["at_ms"] == 90 * 60_000
    text = " ".join(cli("show", "perf", "--store", store).out.split())
    assert "unless it gets graver than medium: load test" in text
    state = cli("status", "--store", store, "--format", "json").json()
    assert state["known"] == {"acknowledged": 0, "silenced": 1}
    assert "1 silenced" in cli("status", "--store", store).out


@pytest.mark.parametrize("text", ["", "4", "h", "-4h", "4 hours", "0h", "367d", "1e9h", "٤h"])
def test_a_silence_needs_a_time_that_ends(text: str, store: Path, cli: Cli) -> None:
    code, _, err = cli("silence", "perf", f"--for={text}", *REASON, "--store", store)
    assert code == 2
    assert "--for: must be a time such as 30m, 4h or 2d" in err


@pytest.mark.parametrize("command", ["silence", "accept"])
def test_others_must_be_told_why(command: str, store: Path, cli: Cli) -> None:
    given = ("--for", "4h") if command == "silence" else ()
    assert cli(command, "perf", *given, "--store", store).code == 2
    code, _, err = cli(command, "perf", *given, "--why", " ", "--store", store)
    assert code == 2
    assert "--why: must say something" in err


def test_what_is_too_long_or_no_text_is_refused_at_once(store: Path, cli: Cli) -> None:
    for note in ("x" * 1001, os.fsdecode(b"\xff")):
        code, _, err = cli("ack", "perf", "--note", note, "--store", store)
        assert (code, "the order cannot be understood" in err) == (2, True)


def test_an_order_that_is_refused_says_why(store: Path, cli: Cli) -> None:
    assert cli("resolve", "perf", "--store", store).code == 0
    code, out, err = cli("ack", "perf", "--store", store)
    assert (code, out) == (2, "")
    assert "is resolved already" in err


def test_orders_that_waited_are_carried_out_first(store: Path, cli: Cli) -> None:
    wanted = cli("show", "perf", "--store", store, "--format", "json").json()["id"]
    spool = Spool(store)
    spool.prepare()
    order = {"kind": "ack", "id": "before", "at_ms": 1, "by": "bob", "incident": wanted, "note": ""}
    spool.put(msgspec.json.encode(order), 1)
    assert cli("silence", "perf", *COMMANDS["silence"], "--store", store).code == 0
    history = cli("show", "perf", "--store", store, "--format", "json").json()["history"]
    assert [each["by"] for each in history] == ["", "bob", ordering.signed()["by"]]
    assert spool.waiting() == []


def test_the_next_daemon_still_hears_that_the_last_one_died(store: Path, cli: Cli) -> None:
    lock_path(store).write_text("4194304\n")
    assert cli("ack", "perf", "--store", store).code == 0
    with Store.open(store, max_bytes=10**8) as opened:
        assert opened.ended_uncleanly


def test_a_daemon_that_does_not_answer_gets_the_order_all_the_same(
    store: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "ANSWER_S", 0.2)
    Spool(store).prepare()
    with busy(store) as pid:
        code, out, err = cli("ack", "perf", "--store", store)
    assert (code, out) == (2, "")
    assert f"the daemon (process {pid}) has not answered within 0.2 s" in err
    [name] = Spool(store).waiting()
    assert f"To take it back: rm {Spool(store).path / name}" in err
    assert decode_order(Spool(store).read(name)).by == ordering.signed()["by"]


def test_a_writer_that_never_takes_orders_is_told(store: Path, cli: Cli) -> None:
    with busy(store):
        code, _, err = cli("ack", "perf", "--store", store)
    assert code == 2
    assert f"{Spool(store).path}: is not there, so no daemon takes orders for this store" in err


def test_without_leave_it_says_who_has_it(store: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Spool, "put", denied)  # root, who may run the tests, is never denied anything
    with busy(store):
        code, _, err = cli("ack", "perf", "--store", store)
    assert code == 2
    assert f"you ({ordering.signed()['by']}) may not give orders here" in err
    assert "and root may, and while the daemon runs the group" in err


def test_who_may_not_even_read_the_store_hears_who_may(
    store: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> Store:
        raise StoreError(f"{path}: cannot be read (Permission denied).") from PermissionError()

    monkeypatch.setattr(Store, "open_reader", denied)
    code, _, err = cli("ack", "perf", "--store", store)
    assert code == 2
    assert "cannot be read (Permission denied)" in err
    assert "and root may, and while the daemon runs the group" in err


def test_sudo_tells_who_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    name = ordering.signed()["by"]
    monkeypatch.setenv("SUDO_USER", "ada")
    assert ordering.signed()["by"] == f"ada (as {name})"


def await_words(service: DaemonProcess, words: str) -> None:
    service.until(f"it says {words}", lambda: words in service.said())


def test_a_running_daemon_does_it_and_tells_it(
    judged: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "ANSWER_S", BOUND_S)
    with DaemonProcess(tmp_path / "service") as service:
        service.logs.mkdir(parents=True)
        service.store_path.parent.mkdir()
        shutil.copy(judged, service.store_path)
        service.start()
        await_words(service, " watches ")
        for command, options in list(COMMANDS.items())[:3]:
            code, out, err = cli(command, "perf", *options, "--store", service.store_path)
            assert (code, err) == (0, "")
            await_words(service, f"kind={command}")
            [told] = [line for line in service.said().splitlines() if f"kind={command}" in line]
            assert "WARNING" in told
            assert " ".join(out.split())[:60] in told
        code, _, err = cli("ack", "perf", "--store", service.store_path)
        assert (code, "is resolved already" in err) == (2, True)
        assert cli("status", "--store", service.store_path).out.startswith("daemon      running")
