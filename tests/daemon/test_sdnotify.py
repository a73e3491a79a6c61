"""The protocol of the service manager, spoken to a real datagram socket."""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Log
from daemon.logs import configure_logging
from daemon.sdnotify import notify, watchdog_interval_s
from tests.daemon.process import BOUND_S


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager that listens, and its NOTIFY_SOCKET."""
    name = str(tmp_path / "notify") if request.param == "a path" else "@selfheald-" + secrets.token_hex(8)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0"))
        listener.settimeout(BOUND_S)
        yield listener, name


def test_each_state_arrives_as_one_datagram(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    assert notify("READY=1\nSTATUS=Watching 3 files …", {"NOTIFY_SOCKET": name})
    assert notify("WATCHDOG=1", {"NOTIFY_SOCKET": name})
    assert listener.recv(4096).decode() == "READY=1\nSTATUS=Watching 3 files …"
    assert listener.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_a_service_manager_nothing_is_sent(environ: dict[str, str]) -> None:
    assert notify("READY=1", environ) is False


def test_a_manager_that_cannot_be_reached_is_logged_and_no_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Log(), {})
    assert notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "absent")}) is False
    shown = capsys.readouterr().err
    assert "READY=1" in shown
    assert str(tmp_path / "absent") in shown


def test_a_manager_that_does_not_read_holds_nothing_up(manager: tuple[socket.socket, str]) -> None:
    _, name = manager
    states = (notify("WATCHDOG=1", {"NOTIFY_SOCKET": name}) for _ in range(100_000))
    assert False in states


OWN_PID = str(os.getpid())


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        pytest.param({"WATCHDOG_USEC": "30000000"}, 30.0, id="microseconds become seconds"),
        pytest.param({"WATCHDOG_USEC": "1500", "WATCHDOG_PID": OWN_PID}, 0.0015, id="for this process"),
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None, id="for another process"),
        pytest.param({"WATCHDOG_PID": OWN_PID}, None, id="no time"),
        pytest.param({}, None, id="no service manager"),
        pytest.param({"WATCHDOG_USEC": "0"}, None, id="zero is no time"),
        pytest.param({"WATCHDOG_USEC": "-5"}, None, id="nor is a negative one"),
        pytest.param({"WATCHDOG_USEC": "soon"}, None, id="nor is a word"),
    ],
)
def test_how_often_the_manager_wants_to_hear(environ: dict[str, str], interval_s: float | None) -> None:
    assert watchdog_interval_s(environ) == interval_s
