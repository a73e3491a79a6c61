"""What the tests of `ingest` share: logs, the command as a function, and what a store holds after it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import zstandard

from config.load import LoadedSettings
from config.settings import Settings
from daemon.ingest.ingest import ingest
from daemon.ingest.reader import Piece, StreamReader
from daemon.ingest.workers import Job, Sizes
from daemon.once import OnceReport, run_once
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from tests.daemon.stored_windows import stored_windows

DATA: Final = Path(__file__).parents[1] / "data/conductor"
PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": partial(lzma.compress, preset=0),
    ".zst": zstandard.compress,
}
SMALL: Final = Sizes(
    task_bytes=60_000, parallel_from_bytes=0, piece_bytes=20_000, compared_bytes=(2_000, 6_000, 16_000)
)
"""So that logs of some 100 KB are cut into many tasks and pieces."""
NAMES: Final = [f"{one}{two}" for one in ("red", "big", "old", "wet") for two in ("shoe", "hat", "cup")]
"""Words that are found to be a variable once enough of them were seen."""
BASE_MS: Final = 1_795_000_000_000


def sample(*names: str) -> bytes:
    return b"".join(gzip.decompress((DATA / f"{name}.log.gz").read_bytes()) for name in names)


def interleaved(lines: int, seed: int = 1, step_ms: int = 400, silence_every: int = 300) -> bytes:
    """JSON lines of runs that overlap and that nothing announces; now and then the program is silent."""
    chance = random.Random(seed)
    at_ms, number = BASE_MS, 0
    written: list[str] = []
    running: list[tuple[int, deque[str]]] = []
    while len(written) < lines:
        while len(running) < 4:
            number += 1
            beats = ["cart:add", "cart:price", "pay:charge", "pay:book"][: chance.randint(2, 4)]
            running.append((number, deque(beats)))
        run, beats_left = chance.choice(running)
        at_ms += 200_000 if len(written) % silence_every == silence_every - 1 else chance.randint(1, step_ms)
        event = beats_left.popleft()
        record: dict[str, object] = {
            "timestamp": at_ms,
            "event": event,
            "handler": f"Shop.{event.replace(':', '_')}",
            "sequence": "checkout",
            "requestId": f"r{run}",
            "duration": chance.randint(1, 4000) / 100,
        }
        if chance.random() < 0.05:
            name = chance.choice(NAMES)
            record["error"] = f"KeyError: no price of {name} in shop {chance.randint(1, 5)} was found"
        written.append(json.dumps(record))
        running = [each for each in running if each[1]]
    return "".join(f"{line}\n" for line in written).encode()


def settings_in(folder: Path, name: str = "store", watched: Path | None = None) -> Settings:
    """A store of its own; `watched` is what the daemon follows, by default a folder that is not there."""
    defaults = Settings()
    return defaults.model_copy(
        update={
            "logs": defaults.logs.model_copy(update={"directories": (watched or folder / "nowhere",)}),
            "store": defaults.store.model_copy(update={"path": folder / f"{name}.db"}),
            "log": defaults.log.model_copy(update={"level": "ERROR"}),
        }
    )


def run_ingest(settings: Settings, *paths: Path, workers: int = 1, sizes: Sizes = SMALL) -> OnceReport:
    return ingest(LoadedSettings(settings, None, {}), os.environ, paths, workers, sizes)


def read_once(settings: Settings) -> OnceReport:
    return run_once(LoadedSettings(settings, None, {}), os.environ)


def write_set(folder: Path, parts: Sequence[bytes], endings: Sequence[str], name: str = "app.log") -> Path:
    """A log with its rotated files, the oldest first, such as app.log.2.gz, app.log.1.xz, app.log."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (part, ending) in enumerate(zip(parts[:-1], endings, strict=False)):
        (folder / f"{name}.{len(parts) - 1 - number}{ending}").write_bytes(PACKERS[ending](part))
    (folder / name).write_bytes(parts[-1])
    return folder


def split_lines(data: bytes, cuts: Sequence[float]) -> list[bytes]:
    """Cuts at the ends of the lines that are at these shares of the data."""
    places = sorted({data.rfind(b"\n", 0, int(cut * len(data))) + 1 for cut in cuts} - {0, len(data)})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def held(settings: Settings, *, apart: bool = False) -> dict[str, Any]:
    """All that a store holds of the logs, free of how it was read.

    Origins are offsets into the one text that the files of a stream make, one behind another, unless `apart`.
    """
    with Store.open_reader(settings.store.path) as store, store.snapshot():
        sources = [dict(each) for each in store.table("sources").all()]
        base, end = {}, 0
        for source in sources:
            at = source["checkpoint"]
            base[at["source"]] = (at["source"], 0) if apart else (0, end)
            end += at["offset"]
        records = TelemetryRecords(store, settings.ingest.window_s * 1000)
        metrics = stored_windows(records)
        windows = _moved(msgspec.to_builtins(metrics.windows), base)
        book = [*store.table("templates").all()]
        totals = dict(store.table("meta").get(doc_id=1) or {})
        del totals["commits"]
        states = msgspec.to_builtins(records.streams(), str_keys=True)
        streams = {name: _moved(state, base) for name, state in states.items()}
    counted = ("events", "matched", "unreadable", "undecodable")
    read = ("bytes_read", "lines_read", "lines_cut", "bytes_lost")
    ledger = {key: sum(source[key] for source in sources) for key in counted}
    ledger |= {key: sum(source["checkpoint"][key] for source in sources) for key in read}
    return {"windows": windows, "book": book, "totals": totals, "ledger": ledger, "streams": streams}


def _moved(value: Any, base: Mapping[int, tuple[int, int]]) -> Any:
    if isinstance(value, list | tuple):
        return [_moved(each, base) for each in value]
    if not isinstance(value, dict):
        return value
    moved = {key: _moved(each, base) for key, each in value.items()}
    if {"source", "offset"} <= moved.keys():
        source, start = base[moved["source"]]
        moved |= {"source": source, "offset": moved["offset"] + start}
    return moved


class InlineWorkers:
    """Workers without processes, as far ahead as many: what they do, and only that, is cheap and certain."""

    compared = 0
    """Jobs that began with a guess."""

    def __init__(
        self,
        count: int,
        settings: Settings,
        arrival_ms: int,
        sizes: Sizes,
        jobs: int,
        job: Callable[[int], Job | None],
    ) -> None:
        self._ahead, self._settings, self._arrival_ms, self._sizes = count, settings, arrival_ms, sizes
        self._jobs, self._job = jobs, job
        self._next = 0
        self._pieces: dict[int, deque[tuple[int, Piece]]] = {}

    def begin(self, number: int) -> bool:
        while self._next < min(self._jobs, number + self._ahead):
            job = self._job(self._next)
            if job is not None:
                InlineWorkers.compared += job.guessed
                self._pieces[self._next] = deque(self._read(job))
            self._next += 1
        return number in self._pieces

    def _read(self, job: Job) -> list[tuple[int, Piece]]:
        reader = StreamReader(self._settings, self._arrival_ms, job.stream, job.state)
        bytes_of = self._sizes.of(guessed=job.guessed)
        pieces = [
            (place, piece)
            for place, segment in enumerate(job.segments)
            for piece in reader.pieces(segment, bytes_of)
        ]
        reader.close()
        return pieces

    def take(self, number: int) -> tuple[int, Piece] | None:
        self.begin(number)
        return self._pieces[number].popleft() if self._pieces[number] else None

    def close(self) -> None:
        pass
