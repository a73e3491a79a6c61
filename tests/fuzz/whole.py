"""What must hold for the program as a whole: each command ends with an exit code and a sentence."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import random
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.cli.app import run
from daemon.store_lock import lock_path

COMMANDS: Final = (
    ("status",),
    ("sources",),
    ("anomalies", "--all"),
    ("recommendations",),
    ("baseline", "list"),
    ("report",),
    ("top", "--once"),
)
BEATS: Final = ("check", "reserve", "charge", "send")
RUNS: Final = 40
CONFIG: Final = (
    "log: {level: ERROR}\ndetect: {min_samples: 5}\nlogs: {directories: [logs]}\nstore: {path: store.db}\n"
)


def log_seeds() -> list[bytes]:
    """A log in which, after the healthy half, a beat is slow, one fails and one is left out."""
    return [_log(faulty=False) + _log(faulty=True)]


def _log(*, faulty: bool) -> bytes:
    chance = random.Random(1)
    lines = []
    for number in range(RUNS):
        for beat, name in enumerate(BEATS, 1):
            if faulty and name == "reserve" and number % 3 == 0:
                continue
            minute, second = divmod(number * 5 + beat, 60)
            line = {
                "timestamp": f"2026-11-22T{10 + faulty}:{minute:02}:{second:02}Z",
                "event": f"order:{name}",
                "handler": f"Orders.{name}",
                "sequence": "order",
                "beat": beat,
                "requestId": f"r-{faulty}-{number}",
                "duration": round(chance.lognormvariate(3 + (faulty and name == "charge"), 0.1), 2),
            }
            if faulty and name == "send" and number % 2:
                line["error"] = f"TimeoutError: order {number} got no answer"
            lines.append(json.dumps(line))
    return ("\n".join(lines) + "\n").encode()


def log_is_judged(data: bytes, folder: Path) -> None:
    """Read, judged, diagnosed, and shown by every command."""
    with _in(folder) as place:
        (place / "selfheald.yaml").write_text(CONFIG)
        (place / "logs").mkdir()
        (place / "logs/app.log").write_bytes(data)
        for command in (("run", "--once"), *COMMANDS):
            code, out, err = _said(*command)
            assert code == 0, err
            assert "\x1b" not in out


def store_seeds() -> list[bytes]:
    return [_store_and_log()[0]]


@functools.cache
def _store_and_log() -> tuple[bytes, bytes]:
    """A store as a clean stop leaves it, and the log that it was made of."""
    [log] = log_seeds()
    with tempfile.TemporaryDirectory() as name, _in(Path(name)) as place:
        (place / "selfheald.yaml").write_text(CONFIG)
        (place / "logs").mkdir()
        (place / "logs/app.log").write_bytes(log)
        assert _said("run", "--once")[0] == 0
        return (place / "store.db").read_bytes(), log


def store_is_told(data: bytes, folder: Path) -> None:
    """A damaged store is told by every command, and used, set aside or refused by a writer."""
    left = ("", "12345")[zlib.crc32(data) % 2]  # a clean stop; a writer that was killed
    with _in(folder) as place:
        (place / "selfheald.yaml").write_text(CONFIG)
        (place / "logs").mkdir()
        (place / "logs/app.log").write_bytes(_store_and_log()[1])
        store = place / "store.db"
        store.write_bytes(data)
        lock_path(store).write_text(left)
        for command in (*COMMANDS, ("run", "--once"), ("run", "--once"), ("status",)):
            code, _, err = _said(*command)
            assert code in {0, 1, 2}
            assert code == 0 or "selfheald: " in err, err


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=folder) as name, contextlib.chdir(name):
        yield Path(name)


def _said(*arguments: str) -> tuple[int, str, str]:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = run([*arguments, "--config", "selfheald.yaml"])
    return code, out.getvalue(), err.getvalue()
