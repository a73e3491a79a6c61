"""The telemetry sequence as a whole, over logs and a store in memory."""

import gzip
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.metrics import merged
from handlers.model import Window
from handlers.telemetry.sequence import TELEMETRY
from tests.examples import examples
from tests.handlers.formats.lines import MESSAGES, STAMP, conductor_lines, json_lines
from tests.handlers.telemetry.builders import Logs, Play

pytestmark = pytest.mark.anyio

LINE: Final = '{{"timestamp":"2026-11-22T10:00:{second:02}Z","event":"{event}","duration":{ms}}}\n'


def log(*beats: tuple[int, str, int]) -> bytes:
    return "".join(LINE.format(second=second, event=event, ms=ms) for second, event, ms in beats).encode()


def total(play: Play) -> Window:
    return merged(play.store.windows.values(), 0)


def completions(play: Play) -> dict[str, int]:
    return {event: beat.completed for (_, event), beat in total(play).beats.items()}


async def test_new_lines_become_counts_offsets_and_state_in_one_commit() -> None:
    play = Play(Logs({"a.log": log((0, "x", 5), (1, "x", 6)), "b.log": log((2, "y", 7))}))
    parsed = await play.once()
    (commit,) = play.store.commits
    assert completions(play) == {"x": 2, "y": 1}
    assert [(piece.source, piece.end_offset, piece.lines) for piece in commit.consumed] == [
        (1, len(play.logs.files["a.log"]), 2),
        (2, len(play.logs.files["b.log"]), 1),
    ]
    assert set(commit.streams) == {"a.log", "b.log"}
    assert parsed.completed.record_id == "record-1"
    assert (parsed.files, parsed.lines, parsed.events, parsed.more) == (2, 3, 3, False)
    assert (parsed.bytes, parsed.lag_bytes) == (sum(map(len, play.logs.files.values())), 0)


async def test_every_beat_is_reported_with_its_topic() -> None:
    play = Play(Logs({"a.log": log((0, "x", 5))}))
    await play.once()
    topics = [report.topic for report in play.reports if report.status == "completed"]
    assert topics == [beat.topic for beat in TELEMETRY.beats]


async def test_what_was_read_is_not_read_again() -> None:
    play = Play(Logs({"a.log": log((0, "x", 5))}))
    await play.once()
    await play.once()
    play.logs.files["a.log"] += log((1, "x", 5))
    await play.once()
    assert completions(play) == {"x": 2}


async def test_a_failed_commit_leaves_nothing_and_the_lines_are_read_again() -> None:
    play = Play(Logs({"a.log": log((0, "x", 5))}))
    play.store.fails = True
    with pytest.raises(OSError, match="disk full"):
        await play.once()
    assert [report.status for report in play.reports][-2:] == ["started", "failed"]
    await play.once()
    assert completions(play) == {"x": 1}


async def test_a_batch_is_bounded_and_says_that_there_is_more() -> None:
    play = Play(Logs({"a.log": log(*[(0, "x", 5)] * 10), "b.log": log((1, "y", 5))}), batch_bytes=200)
    parsed = await play.once()
    assert parsed.more
    assert parsed.lag_bytes > 0
    await play.to_end()
    assert completions(play) == {"x": 10, "y": 1}


async def test_a_batch_ends_with_the_block_that_has_as_many_events_as_the_memory_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handlers.telemetry.extract_telemetry_events._MAX_EVENTS", 4)
    monkeypatch.setattr("handlers.telemetry.extract_telemetry_events._PACKED", 1)
    play = Play(Logs({"a.log": log(*[(0, "x", 5)] * 30), "b.log": log((1, "y", 5))}))
    parsed = await play.once()
    assert parsed.more
    assert 4 <= parsed.events < 12
    await play.to_end()
    assert completions(play) == {"x": 30, "y": 1}


@pytest.mark.parametrize("line", [b'{"version": "1.0.%d"}\n', b"\xff\xfe\x01\x02\x03 %d\n"])
async def test_versions_and_lost_lines_end_a_batch_as_events_do(
    monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr("handlers.telemetry.extract_telemetry_events._MAX_EVENTS", 8)
    others = b"".join(line % (number % 2) for number in range(100))
    play = Play(Logs({"a.log": log((0, "x", 5)) + others, "b.log": log((1, "y", 5))}))
    parsed = await play.once()
    assert parsed.more
    assert 8 <= parsed.lines < 50
    await play.to_end()
    assert completions(play) == {"x": 1, "y": 1}


async def test_a_last_line_without_its_end_waits_until_nothing_follows() -> None:
    play = Play(Logs({"a.log": log((0, "x", 5)) + log((1, "x", 6)).rstrip()}))
    await play.once()
    assert completions(play) == {"x": 1}
    await play.once(at_end=True)
    assert completions(play) == {"x": 2}


async def test_a_file_of_no_known_format_is_named_and_not_consumed() -> None:
    play = Play(Logs({"a.log": b"plain words\n", "b.log": log((0, "x", 5))}))
    parsed = await play.once()
    assert parsed.refused == ("a.log: no log format recognises it",)
    assert play.logs.offsets["a.log"] == 0
    play.logs.files["a.log"] += log((1, "y", 5))
    await play.once()
    assert completions(play) == {"x": 1, "y": 1}


async def test_the_format_of_a_file_is_recognised_once() -> None:
    play = Play(Logs({"a.log": log((0, "x", 5))}))
    for _ in range(3):
        await play.once()
        play.logs.files["a.log"] += log((0, "x", 5))
    assert play.logs.heads == 1


async def test_lines_that_cannot_be_read_and_times_that_cannot_be_used_are_counted() -> None:
    ahead = '{"timestamp":"2099-01-01T00:00:00Z","event":"x","duration":1}\n'
    untimed = '{"event":"x","duration":1}\n'
    play = Play(Logs({"a.log": log((0, "x", 5)) + f"words\n{ahead}{untimed}".encode()}))
    parsed = await play.once()
    assert (parsed.lines, parsed.unreadable, parsed.ahead, parsed.untimed) == (4, 1, 1, 1)
    assert completions(play) == {"x": 2}


async def test_a_run_goes_on_in_the_file_that_a_rotation_began() -> None:
    lines = [STAMP + MESSAGES[number] for number in (0, 3, 5, 7, 11, 13, 8, 12, 14, 19)]
    whole = "".join(f"{line}\n" for line in lines).encode()
    cut = whole.index(b"\n", len(whole) // 2) + 1
    rotated = Play(Logs({"app.log.1": whole[:cut], "app.log": whole[cut:]}, streams={"app.log.1": "app.log"}))
    await rotated.to_end()
    (paths,) = (run.variants for run in total(rotated).runs.values())
    assert list(paths) == ["order:validate\torder:write"]


async def test_an_error_that_ends_a_log_is_told_at_its_end() -> None:
    data = f"{STAMP}{MESSAGES[15]}\n    at writeOrder (file:///app/shop.mjs:46:72)\n".encode()
    play = Play(Logs({"a.log": data}))
    await play.once()
    assert total(play).errors == {}
    play = Play(Logs({"a.log": data}))
    await play.to_end()
    (error,) = total(play).errors.values()
    assert (error.count, error.frame) == (1, "writeOrder (file:///app/shop.mjs:46:72)")


async def test_nothing_to_read_is_a_play_like_any_other() -> None:
    play = Play(Logs({}))
    parsed = await play.once(at_end=True)
    assert (parsed.files, parsed.bytes, parsed.more) == (0, 0, False)
    assert play.store.windows == {}


@settings(max_examples=examples(60))
@given(conductor=conductor_lines(), json_log=json_lines(), batch_bytes=st.integers(1, 900))
def test_batches_of_any_size_store_what_one_batch_stores(
    conductor: list[str], json_log: list[str], batch_bytes: int
) -> None:
    files = {
        "a.log": "".join(f"{line}\n" for line in conductor).encode(),
        "b.log": "".join(f"{line}\n" for line in json_log).encode(),
    }
    pieces, whole = Play(Logs(files), batch_bytes=batch_bytes), Play(Logs(files))
    anyio.run(pieces.to_end)
    anyio.run(whole.to_end)
    assert pieces.store.windows == whole.store.windows
    assert pieces.streams == whole.streams


REAL_LOGS: Final = sorted((Path(__file__).parents[2] / "data/conductor").glob("*.log.gz"))


@pytest.mark.parametrize("path", REAL_LOGS, ids=lambda path: path.name)
async def test_a_real_log_in_batches_of_any_size_gives_what_it_gives_in_one(path: Path) -> None:
    data = await anyio.to_thread.run_sync(lambda: gzip.decompress(path.read_bytes())[:1_500_000])
    data = data[: data.rfind(b"\n") + 1]
    whole = Play(Logs({"a.log": data}), batch_bytes=len(data))
    await whole.to_end()
    for batch_bytes in (7_777, 100_003, 1_000_000):
        pieces = Play(Logs({"a.log": data}), batch_bytes=batch_bytes)
        await pieces.to_end()
        assert pieces.store.windows == whole.store.windows
        assert pieces.streams == whole.streams
    assert sum(completions(whole).values()) > 300
