"""What the sides of a comparison may be: files, folders and formats, and what cannot be compared."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Logs, Settings
from daemon.compare import NothingToCompareError, compare, read_logs
from handlers.formats.conductor import Conductor
from handlers.formats.scan import extract_block
from handlers.model import (
    BehavioralAnomaly,
    Block,
    ParserState,
)
from handlers.templates import Grouping
from tests.daemon.real_logs import (
    BOTH,
    DATA,
    DECLARED,
    LEARNED,
    RUN_ENDS,
    TRUTH,
    line_at,
    subjects,
    verdicts,
)
from tests.handlers.rows import rows

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("_day_after_the_logs")]


async def test_the_same_input_gives_the_same_result(logs: Path) -> None:
    first = await compare(logs / "healthy.log", logs / "regressed.log", DECLARED)
    assert first == await compare(logs / "healthy.log", logs / "regressed.log", DECLARED)


def cut_at_runs(data: bytes, parts: int) -> list[bytes]:
    ends = [match.end() for match in RUN_ENDS.finditer(data)]
    cuts = [0, *(ends[len(ends) * part // parts] for part in range(1, parts)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(cuts)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(lambda number: f"{number}.log", id="in order of name"),
        pytest.param(lambda number: f"{9 - number}.log", id="in reverse order of name"),
        pytest.param(lambda number: f"worker-{number * 3 % 5}/app.log", id="in folders"),
    ],
)
@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest read first", "newest read first"])
@pytest.mark.parametrize("current", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_a_directory_gives_the_same_verdicts_however_its_files_are_cut_and_ordered(
    logs: Path, tmp_path: Path, current: str, name: Callable[[int], str], newest_first: bool
) -> None:
    whole = await compare(logs / "healthy.log", logs / current, DECLARED)
    for number, part in enumerate(cut_at_runs((logs / current).read_bytes(), 5)):
        file = tmp_path / name(number)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(part)
        written = 1_795_000_000 + (-number if newest_first else number) * 60
        os.utime(file, (written, written))
    in_parts = await compare(logs / "healthy.log", tmp_path, DECLARED)
    assert verdicts(in_parts) == verdicts(whole)
    assert in_parts.current.executions == whole.current.executions
    assert len(in_parts.files) == 5


@pytest.mark.parametrize("share", [0.2, 0.5, 0.77])
async def test_rotated_files_are_one_log_even_when_a_run_goes_on_in_the_next(
    logs: Path, tmp_path: Path, share: float
) -> None:
    whole = await compare(logs / "healthy.log", logs / "regressed.log", DECLARED)
    data = (logs / "regressed.log").read_bytes()
    cut = data.find(b"\n", round(len(data) * share)) + 1
    (tmp_path / "app.log.1").write_bytes(data[:cut])
    (tmp_path / "app.log").write_bytes(data[cut:])
    rotated = await compare(logs / "healthy.log", tmp_path, DECLARED)
    assert verdicts(rotated) == verdicts(whole)
    assert rotated.current.runs == 400


async def test_both_sides_may_be_directories_and_what_is_no_log_is_told(logs: Path, tmp_path: Path) -> None:
    for side, log in (("baseline", "healthy.log"), ("current", "regressed.log")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "app.log").write_bytes((logs / log).read_bytes())
        (tmp_path / side / "notes.txt").write_text("deployed on Friday\n")
    found = await compare(tmp_path / "baseline", tmp_path / "current", DECLARED)
    assert subjects(found.anomalies) == TRUTH
    assert [problem.partition(": ")[2] for problem in found.problems] == ["no log format recognises it"] * 2


async def test_a_link_that_is_named_itself_is_followed(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "latest.log").symlink_to(logs / "regressed.log")
    found = await compare(logs / "healthy.log", tmp_path / "latest.log", DECLARED)
    assert subjects(found.anomalies) == TRUTH


async def test_a_file_is_read_alone_whatever_its_name_and_the_settings_for_directories(
    logs: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "build [17]*?.gz"
    odd.write_bytes((logs / "healthy.log").read_bytes())
    (tmp_path / "build 1.gz").write_bytes((logs / "regressed.log").read_bytes())
    read = await read_logs(odd, Settings(logs=Logs(include=("*.log",))), Grouping())
    assert list(read.files.values()) == [str(odd)]
    assert (read.summary.runs, read.summary.errors) == (400, 0)


def as_json_lines(log: Path) -> bytes:
    """The same telemetry as another logger would write it."""
    data = log.read_bytes()
    block = Block(1, 0, len(data), data)
    extraction = extract_block(Conductor(whole_runs=False), block, ParserState(), at_end=True)
    lines = []
    for event in rows(extraction.events):
        if event.kind in ("registered", "restarted") or (event.kind == "beat-completed" and event.failed):
            continue  # a line with an error is the failed beat
        line = {
            "timestamp": event.time,
            "kind": event.kind.replace("run", "sequence") if event.kind != "error" else None,
            "requestId": event.request_id,
            "sequence": event.sequence,
            "event": event.event,
            "handler": f"{event.plugin}.{event.handler}" if event.plugin else event.handler,
            "duration": event.duration_ms,
        }
        if event.kind == "error":
            line["error"] = f"{event.error_type}: {event.error_message}"
        lines.append(json.dumps({key: value for key, value in line.items() if value not in (None, "")}))
    return "\n".join(lines).encode() + b"\n"


@BOTH
@pytest.mark.parametrize("both", [True, False], ids=["against JSON lines", "against the conductor's log"])
async def test_json_lines_give_the_same_verdicts(
    logs: Path, tmp_path: Path, settings: Settings, both: bool
) -> None:
    baseline = logs / "healthy.log"
    if both:
        baseline = tmp_path / "healthy.jsonl"
        baseline.write_bytes(as_json_lines(logs / "healthy.log"))
    (tmp_path / "regressed.jsonl").write_bytes(as_json_lines(logs / "regressed.log"))
    found = await compare(baseline, tmp_path / "regressed.jsonl", settings)
    assert subjects(found.anomalies) == TRUTH
    assert (found.current.runs, found.current.unreadable) == (400, 0)
    for each in found.anomalies:
        for origin in each.origins:
            line = json.loads(line_at(found.files[origin.source], origin.offset)[0])
            assert line["sequence"] == each.sequence
            assert isinstance(each, BehavioralAnomaly) or line["event"] == each.event


async def test_a_log_is_read_to_its_end(tmp_path: Path) -> None:
    """The last line needs no newline, and a run that nothing announced ends with the log."""
    line = {
        "timestamp": "2026-01-01T00:00:00Z",
        "requestId": "1",
        "sequence": "s",
        "event": "a",
        "duration": 1,
    }
    (tmp_path / "app.log").write_text(json.dumps(line))
    read = await read_logs(tmp_path / "app.log", LEARNED, Grouping())
    assert (read.summary.executions, read.summary.runs) == (1, 1)


@pytest.mark.parametrize("side", ["baseline", "current"])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda path: None, "there is no such file or directory", id="a missing path"),
        pytest.param(Path.mkdir, "there is not one log line", id="an empty directory"),
        pytest.param(Path.touch, "there is not one log line", id="an empty file"),
        pytest.param(
            lambda path: path.write_text("hello\nworld\n"), "no log format recognises it", id="another text"
        ),
        pytest.param(
            lambda path: path.write_text('{"level": "info"}\n' * 3),
            "3 lines were read and none of them is an event",
            id="lines without an event",
        ),
        pytest.param(
            lambda path: path.write_bytes((DATA / "conductor/healthy.log.gz").read_bytes()),
            "no log format recognises it",
            id="a compressed log",
        ),
        pytest.param(
            lambda path: path.write_text(
                '{"timestamp": "2036-01-01T00:00:00Z", "event": "a", "duration": 1}\n'
            ),
            "1 events are left out: they are later than this machine's clock",
            id="events of the future",
        ),
        pytest.param(os.mkfifo, "is not a regular file", id="a pipe"),
    ],
)
async def test_what_holds_no_event_is_named_with_the_reason(
    logs: Path, tmp_path: Path, side: str, make: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "nothing"
    make(path)
    sides = (path, logs / "healthy.log") if side == "baseline" else (logs / "healthy.log", path)
    with pytest.raises(NothingToCompareError, match=re.escape(says)) as failure:
        await compare(*sides, LEARNED)
    assert str(failure.value).startswith(f"{path}: ")


async def test_events_of_the_future_are_told_when_there_are_others_too(logs: Path, tmp_path: Path) -> None:
    lines = [
        json.dumps({"timestamp": f"20{year}-01-01T00:00:00Z", "event": "a", "duration": 1})
        for year in (26, 36)
    ]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    read = await read_logs(tmp_path, LEARNED, Grouping())
    assert read.summary.executions == 1
    assert len(read.problems) == 1
    assert read.problems[0].startswith(f"{tmp_path}: 1 events are left out")
