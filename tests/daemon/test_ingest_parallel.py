"""Whatever number of processes reads a log, however it is cut: the store holds what one process would."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import daemon.ingest.ingest
from daemon.incident import Incident
from daemon.ingest.reader import StreamReader
from daemon.ingest.workers import Sizes, WorkerFailedError, Workers
from tests.daemon.ingest_driver import (
    PACKERS,
    SMALL,
    InlineWorkers,
    held,
    interleaved,
    read_once,
    run_ingest,
    sample,
    settings_in,
    split_lines,
    write_set,
)

LOGS: Final = {
    "a healthy log": lambda: sample("healthy"),
    "a log with faults": lambda: sample("healthy", "regressed"),
    "runs that overlap": lambda: interleaved(3000),
    "runs that overlap and are never all over": lambda: interleaved(2000, silence_every=1 << 30),
}
LARGER: Final = Sizes(
    task_bytes=1_000_000, parallel_from_bytes=0, piece_bytes=400_000, compared_bytes=(60_000, 200_000)
)


@pytest.fixture(scope="module", params=LOGS)
def log(request: pytest.FixtureRequest) -> bytes:
    return LOGS[request.param]()


def sizes_for(log: bytes) -> Sizes:
    return LARGER if len(log) > 2_000_000 else SMALL


@pytest.mark.parametrize("workers", [2, 3])
def test_processes_store_what_one_reader_stores(log: bytes, workers: int, tmp_path: Path) -> None:
    logs = write_set(tmp_path / "logs", split_lines(log, (0.3, 0.5, 0.55)), (".gz", "", ".xz"))
    one, many = settings_in(tmp_path, "one"), settings_in(tmp_path, "many")
    first = run_ingest(one, logs)
    second = run_ingest(many, logs, workers=workers, sizes=sizes_for(log))
    assert held(many, apart=True) == held(one, apart=True)
    assert told(second.anomalies) == told(first.anomalies)
    assert second.recommendations == first.recommendations


def told(incidents: Iterable[Incident]) -> list[Incident]:
    """Without the clock of the detection that saw them last."""
    return [replace(incident, confirmed_ms=0) for incident in incidents]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_rotated_and_packed_log_is_read_as_if_it_were_one_file(
    log: bytes, workers: int, tmp_path: Path
) -> None:
    write_set(tmp_path / "whole", [log], ())
    logs = write_set(tmp_path / "logs", split_lines(log, (0.2, 0.4, 0.6, 0.8)), tuple(PACKERS))
    once, ingested = settings_in(tmp_path, "once", tmp_path / "whole"), settings_in(tmp_path)
    read_once(once)
    run_ingest(ingested, logs, workers=workers, sizes=sizes_for(log))
    expected, actual = held(once), held(ingested)
    [state], [expected_state] = actual.pop("streams").values(), expected.pop("streams").values()
    assert actual == expected
    assert state == expected_state


@settings(max_examples=15)
@given(
    kind=st.sampled_from(["runs that overlap", "runs that overlap and are never all over"]),
    cuts=st.lists(st.floats(0.01, 0.99), max_size=4),
    endings=st.lists(st.sampled_from([*PACKERS]), min_size=4, max_size=4),
    ahead=st.integers(2, 6),
    task_bytes=st.integers(3_000, 200_000),
    piece_bytes=st.integers(500, 100_000),
    compared_bytes=st.lists(st.integers(100, 30_000), max_size=4),
)
def test_no_way_to_cut_a_log_changes_anything(
    kind: str,
    cuts: list[float],
    endings: list[str],
    ahead: int,
    task_bytes: int,
    piece_bytes: int,
    compared_bytes: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    logs = write_set(folder / "logs", split_lines(LOGS[kind]()[:250_000], cuts), endings)
    one, cut = settings_in(folder, "one"), settings_in(folder, "cut")
    run_ingest(one, logs, sizes=Sizes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daemon.ingest.ingest, "Workers", InlineWorkers)
        sizes = Sizes(task_bytes, 0, piece_bytes, tuple(compared_bytes))
        run_ingest(cut, logs, workers=ahead, sizes=sizes)
    assert held(cut, apart=True) == held(one, apart=True)


def test_the_comparison_would_see_a_guess_that_is_taken_for_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = write_set(tmp_path / "logs", [interleaved(2000)], ())
    one, wrong = settings_in(tmp_path, "one"), settings_in(tmp_path, "wrong")
    run_ingest(one, logs)
    monkeypatch.setattr(daemon.ingest.ingest, "Workers", InlineWorkers)
    monkeypatch.setattr(daemon.ingest.ingest, "_state", lambda _piece: b"the same")
    run_ingest(wrong, logs, workers=3)
    assert held(wrong, apart=True) != held(one, apart=True)


def test_guesses_come_true_in_a_steady_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all is right, and read by one process."""
    logs = write_set(tmp_path / "logs", [sample("healthy")], ())
    read_again: list[int] = []
    whole = StreamReader.read

    def read(self: object, segment: object, until: int, *, exact: bool = False) -> object:
        piece = whole(self, segment, until, exact=exact)  # type: ignore[arg-type]
        if exact:
            read_again.append(piece.at.offset - piece.start)
        return piece

    monkeypatch.setattr(StreamReader, "read", read)
    monkeypatch.setattr(daemon.ingest.ingest, "Workers", InlineWorkers)
    run_ingest(settings_in(tmp_path), logs, workers=2, sizes=LARGER)
    assert InlineWorkers.compared
    assert 0 < sum(read_again) < 0.3 * (logs / "app.log").stat().st_size


def test_a_worker_that_dies_is_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = write_set(tmp_path / "logs", [sample("healthy")], ())
    one, broken = settings_in(tmp_path, "one"), settings_in(tmp_path, "broken")
    run_ingest(one, logs)
    take, taken = Workers.take, []

    def take_until_one_dies(self: Workers, number: int) -> object:
        taken.append(number)
        if len(taken) == 2:
            for worker in self._workers:
                worker._process.kill()
        return take(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Workers, "take", take_until_one_dies)
        with pytest.raises(WorkerFailedError, match="was killed by SIGKILL"):
            run_ingest(broken, logs, workers=2, sizes=LARGER)
    run_ingest(broken, logs, workers=2, sizes=LARGER)
    assert held(broken, apart=True) == held(one, apart=True)
