"""What a running daemon does when its store can no longer be used: real file systems, real limits."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from daemon.tiers import Tiers
from handlers.model import BeatStats
from tests.daemon.process import FAULTY, WINDOW_MS, DaemonProcess

STORING = "self-healing:telemetry:store:database"
READ_ONLY = "the file system is read-only"


def line(number: int, duration: int = 20) -> bytes:
    at = 1_795_363_000 + number
    fields = {"timestamp": at, "event": "cart:add", "handler": "Cart.add", "duration": duration + number % 5}
    return json.dumps(fields).encode() + b"\n"


def append(service: DaemonProcess, first: int, until: int, duration: int = 20) -> None:
    with (service.logs / "app.jsonl").open("ab") as file:
        file.write(b"".join(line(number, duration) for number in range(first, until)))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        configure(process)
        yield process


def configure(service: DaemonProcess, store: str = "") -> None:
    service.config.write_text(
        "detect:\n  interval_s: 0.3\ningest:\n  commit_interval_ms: 50\nlogs:\n  rescan_s: 0.5\n"
        f"retention:\n  windows_h: 87600\n{store}"
    )


def executions(service: DaemonProcess) -> int:
    """In all tiers: what makes room rolls windows up into hours."""
    with Store.open_reader(service.store_path) as store, store.snapshot():
        telemetry = TelemetryRecords(store, WINDOW_MS)
        tiers = Tiers(store, telemetry, WINDOW_MS)
        keys = [tuple(each["key"]) for each in store.table("subjects").all() if each["kind"] == "beat"]
        histories = (tiers.history(("beat", key), 0, 1 << 45, WINDOW_MS) for key in keys)
        every = [stats for history in histories for stats in history.values()]
    return sum(stats.completed for stats in every if isinstance(stats, BeatStats))


@contextmanager
def mounted(place: Path, *arguments: str | Path) -> Iterator[None]:
    """A file system of its own, or a skipped test."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *arguments, place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not possible here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def make_read_only(place: Path) -> None:
    """An error in the file system, after which the kernel makes it read-only under its users."""
    for entry in Path("/proc/mounts").read_text().splitlines():
        device, where, *_ = entry.split()
        trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
        if where == str(place) and trigger.exists():
            trigger.write_text("a test")
            return
    pytest.skip("the kernel has no trigger_fs_error")


def test_a_file_system_that_becomes_read_only_is_told_once_and_nothing_is_lost(
    service: DaemonProcess,
) -> None:
    image, place = service.folder / "disk.img", service.folder / "disk"
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("needs mkfs.ext4")
    with image.open("wb") as file:
        file.truncate(24 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    service.store_path = place / "store.db"
    configure(service, f"store:\n  path: {service.store_path}\nlog:\n  level: DEBUG\n")
    with mounted(place, "-o", "loop,errors=remount-ro", image):
        append(service, 0, 100)
        service.start()
        service.until("all is read", lambda: service.totals().lines == 100)
        make_read_only(place)
        append(service, 100, 200)
        service.until("it is told", lambda: "reading pauses, nothing is lost" in service.said())
        assert READ_ONLY in service.said()
        attempts = service.said().count(STORING)
        service.until("one more attempt is made", lambda: service.said().count(STORING) > attempts)
        service.signal(signal.SIGTERM)
        assert service.wait() == 0
        assert service.said().count("reading pauses") == 1
        assert "Traceback" not in service.said()
    subprocess.run(["fsck.ext4", "-p", image], check=False, capture_output=True)
    with mounted(place, "-o", "loop", image):
        service.start()
        append(service, 200, 300)
        service.until("it reads on", lambda: service.totals().lines == 300)
        assert executions(service) == 300
        service.kill()


def test_a_store_on_a_read_only_file_system_is_refused_at_the_start_with_the_reason(
    service: DaemonProcess,
) -> None:
    place = service.folder / "disk"
    configure(service, f"store:\n  path: {place / 'store.db'}\n")
    with mounted(place, "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs"):
        service.start()
        assert service.wait() == 2
    assert "Read-only file system" in service.said()
    assert "Traceback" not in service.said()


def test_a_disk_that_stays_full_is_told_once_and_reading_goes_on_when_there_is_room(
    service: DaemonProcess,
) -> None:
    place = service.folder / "disk"
    service.store_path = place / "store.db"
    configure(service, f"store:\n  path: {service.store_path}\nlog:\n  level: DEBUG\n")
    with mounted(place, "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        append(service, 0, 100)
        service.start()
        service.until("all is read", lambda: service.totals().lines == 100)
        ballast = place / "ballast"
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"], check=False, capture_output=True)
        append(service, 100, 20_000)
        service.until("it is told", lambda: "reading pauses" in service.said())
        attempts = service.said().count(STORING)
        service.until("one more attempt fails", lambda: service.said().count(STORING) >= attempts + 2)
        assert service.said().count("reading pauses") == 1
        assert service.said().count("ERROR") <= 2  # of reading, and of detection
        ballast.unlink()
        service.until("it reads on", lambda: service.totals().lines == 20_000)
        service.until("that is told", lambda: "reading goes on, after a pause of" in service.said())
        assert executions(service) == 20_000
        service.kill()


def test_an_io_error_ends_it_so_that_the_service_manager_restarts_it_and_nothing_is_lost(
    service: DaemonProcess,
) -> None:
    append(service, 0, 100)
    service.start()
    service.until("all is read", lambda: service.totals().lines == 100)
    log_bytes = service.store_path.with_name("store.db-wal").stat().st_size
    resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (log_bytes, log_bytes))
    append(service, 100, 200)
    assert service.wait() == 1
    assert "stopped: " in service.said()
    assert "the disk failed" in service.said()
    service.start()
    service.until("it reads on", lambda: service.totals().lines == 200)
    assert executions(service) == 200


@pytest.mark.parametrize("busy", [True, False], ids=["while it reads", "while its log is quiet"])
@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "deleted"])
def test_a_store_that_is_taken_away_is_noticed_and_the_next_start_counts_all_once(
    service: DaemonProcess, *, busy: bool, replaced: bool
) -> None:
    append(service, 0, 100)
    service.start(WATCHDOG_USEC="400000")  # a quiet one looks as often as the watchdog wants to hear
    service.until("all is read", lambda: service.totals().lines == 100)
    if replaced:
        other = service.folder / "other.db"
        other.touch()
        other.replace(service.store_path)
    else:
        service.store_path.unlink()
    if busy:
        append(service, 100, 200)
    assert service.wait() == 1
    assert "was deleted or replaced while it was used" in service.said()
    assert "SIGTERM" not in service.said(), "nobody sent one"
    service.start()
    lines = 200 if busy else 100
    service.until("all is read again", lambda: service.totals().lines == lines)
    assert executions(service) == lines


FOUND_AGAIN = """
from daemon.database import StoreError
from daemon.loops import Loops
close = Loops.close
async def found_again(self):
    self.stop(StoreError("found by another loop"))
    await close(self)
Loops.close = found_again
"""


def test_another_loop_that_finds_the_trouble_while_it_ends_changes_nothing(service: DaemonProcess) -> None:
    append(service, 0, 100)
    service.start(prelude=FOUND_AGAIN, WATCHDOG_USEC="400000")
    service.until("all is read", lambda: service.totals().lines == 100)
    service.store_path.unlink()
    assert service.wait() == 1
    assert "was deleted or replaced while it was used" in service.said().splitlines()[-1]


def test_while_reading_pauses_what_was_read_before_is_judged(service: DaemonProcess) -> None:
    """A store that takes no more counts, but still takes verdicts."""
    append(service, 0, 100)
    append(service, 100, 200, duration=80)
    service.start(PYTHONPATH=FAULTY, FAULT_NO_COUNTS_AFTER="1")
    service.until("it pauses", lambda: "reading pauses" in service.said() or service.totals().lines == 200)
    append(service, 200, 300)
    service.until("it pauses", lambda: "reading pauses" in service.said())
    service.until("the slow handler is found all the same", lambda: len(service.anomalies()) == 1)
    assert service.totals().lines == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("delay_s", [0.15, 0.3, 0.5, 0.8, 1.2])
def test_a_signal_in_the_first_moments_ends_it_cleanly_with_its_usual_line(
    service: DaemonProcess, number: signal.Signals, delay_s: float
) -> None:
    service.start(PYTHONPATH=FAULTY, FAULT_SLOW_START_S="0.5")
    service.until("it runs its first line", lambda: is_holding(service.pid))
    time.sleep(delay_s)  # the instant of the signal is what is tested
    service.signal(number)
    assert service.wait() == 0
    assert f"{number.name}: stopping" in service.said()
    assert "stopped; everything read is stored" in service.said()


def is_holding(pid: int) -> bool:
    """Whether the process blocks SIGTERM (proc(5), SigBlk), or has handled that already."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = dict(entry.split(":\t", 1) for entry in status.splitlines() if entry.startswith("Sig"))
    bit = 1 << (signal.SIGTERM - 1)
    return bool((int(masks["SigBlk"], 16) | int(masks["SigCgt"], 16)) & bit)
