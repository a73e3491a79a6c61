"""A burst that is larger than what the disk takes grows the lag, not the memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.daemon.process import FAULTY, DaemonProcess

BURST_BYTES = int(os.environ.get("SELFHEALD_BURST_MB", "16")) << 20
BATCH_BYTES = 1 << 20
SLOW_COMMIT_S = 0.05


def peak_bytes(pid: int) -> int:
    """The most memory that the process ever had (proc(5), VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def written_at(block: bytes, second: int) -> bytes:
    return block.replace(b'"SECOND"', str(1_795_363_000 + second).encode())


def test_a_burst_while_the_disk_is_slow_grows_the_lag_and_not_the_memory(tmp_path: Path) -> None:
    with DaemonProcess(tmp_path) as service:
        service.logs.mkdir()
        service.config.write_text(f"ingest:\n  batch_bytes: {BATCH_BYTES}\n  commit_interval_ms: 10\n")
        log = service.logs / "app.jsonl"
        lines = [
            json.dumps({"timestamp": "SECOND", "event": f"e{n % 50}", "duration": n % 7 + 1})
            for n in range(BATCH_BYTES // 50)
        ]
        block = ("\n".join(lines) + "\n").encode()
        log.write_bytes(written_at(block, 0))
        service.start(PYTHONPATH=FAULTY, FAULT_SLOW_COMMIT_S=str(SLOW_COMMIT_S))
        service.until("a first block is read", lambda: service.totals().lines == len(lines))
        before = peak_bytes(service.pid)
        bursts = BURST_BYTES // len(block)
        with log.open("ab") as file:
            for number in range(bursts):
                file.write(written_at(block, number + 1))
        lag = 0

        def caught_up() -> bool:
            nonlocal lag
            with service.reading() as (telemetry, _):
                lag = max(lag, log.stat().st_size - telemetry.sources()[0].checkpoint.offset)
                return telemetry.totals().lines == (bursts + 1) * len(lines)

        service.until("all is read", caught_up)
        assert lag > 10 * BATCH_BYTES
        assert peak_bytes(service.pid) - before < 16 * BATCH_BYTES
        print(f"lag {lag / 1e6:.0f} MB, memory {before / 1e6:.0f} -> {peak_bytes(service.pid) / 1e6:.0f} MB")
