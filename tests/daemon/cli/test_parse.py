"""`parse`: what would be understood of a log, and where the rest stops being understood."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from config.patterns import LINEAR
from daemon import bounded_format, trial, trial_unmatched
from daemon.line_blocks import line_blocks
from daemon.trial_cost import SAMPLE_LINES
from handlers.formats.conductor import MESSAGES
from handlers.formats.conductor_near_miss import shown
from tests.daemon.cli.conftest import Cli, Logs

EVENT = '{"timestamp": "2026-11-22T10:00:00Z", "event": "cart:add", "handler": "Cart.add", "duration": 5}\n'


def parsed(cli: Cli, *arguments: str | Path) -> Any:
    return cli("parse", *arguments, "--format", "json").json()


@pytest.fixture
def log(folder: Path) -> Path:
    return folder / "app.log"


def groups(found: Any) -> list[tuple[int, int, str]]:
    return [(each["lines"], each["first_line"], each["template"]) for each in found["unmatched_lines"]]


def test_it_counts_what_the_ledger_counts(logs: Logs, judged: Path, cli: Cli) -> None:
    ledger = cli("sources", "--store", judged, "--format", "json").json()["sources"]
    for line in ledger:
        found = parsed(cli, line["path"])
        for name in ("format", "bytes_read", "lines", "matched", "unmatched", "unreadable", "cut"):
            assert found[name] == line[name], name
        assert sum(found["events"].values()) == line["events"]
        grouped = sum(each["lines"] for each in found["unmatched_lines"])
        assert grouped + found["ungrouped"] == line["unmatched"]
        assert found["matching_ms"] > 0
        assert 0 < found["share_of_time"] <= 1


def test_of_events_it_shows_kinds_and_fields_with_examples(log: Path, cli: Cli) -> None:
    log.write_text(EVENT * 3 + EVENT.replace("cart:add", "cart:drop"))
    found = parsed(cli, log)
    assert found["events"] == {"beat-completed": 4}
    assert found["fields"]["event"] == {"events": 4, "examples": ["cart:add", "cart:drop"]}
    assert found["fields"]["duration_ms"] == {"events": 4, "examples": ["5.0"]}
    assert "error_type" not in found["fields"]
    assert "beats" not in found["fields"]
    out = cli("parse", log).out
    assert "4  beat-completed\n" in out
    assert "event       in 4 events: cart:add, cart:drop\n" in out


def test_an_error_whose_stack_is_open_at_the_end_is_an_event(log: Path, cli: Cli) -> None:
    log.write_text("🧠 PluginManager: Handler execution failed for P.f: TypeError: x\n    at f (a.js:1:1)\n")
    found = parsed(cli, log)
    assert (found["matched"], found["unmatched"]) == (2, 0)
    assert found["events"] == {"error": 1}


def test_unmatched_lines_are_grouped_and_the_most_frequent_group_comes_first(log: Path, cli: Cli) -> None:
    log.write_text(EVENT + "one\nuser 17 came\nuser 18 came\n" + EVENT + "\nuser 19 came\n")
    found = parsed(cli, log)
    assert groups(found) == [(3, 3, "user <*> came"), (1, 2, "one"), (1, 6, "")]
    assert "        3  line 3: user <*> came\n" in cli("parse", log).out


def test_there_is_a_limit_to_the_groups(log: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_unmatched, "MAX_GROUPS", 2)
    log.write_text(EVENT + "a\nb\nc\na\nd\n")
    found = parsed(cli, log)
    assert groups(found) == [(2, 2, "a"), (1, 3, "b")]
    assert found["ungrouped"] == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            "🎵 Beat one Started: A (a:b)",
            "almost: 🎵 Beat <number> Started: …(<started>) -- at column 8, <number> is expected, "
            'not "one Started: A (a:b)"',
            id="a word in place of a number",
        ),
        pytest.param(
            "  2026-11-22T16:11:20.719Z ⏱️ PerformanceTracker: Beat 3 completed in 5,3ms",
            "almost: ⏱️ PerformanceTracker: Beat … completed in <duration>ms -- at column 72, "
            '"ms" is expected, not ",3ms"',
            id="a decimal comma, behind a timestamp",
        ),
        pytest.param(
            "🎵 Beat 1 Started: A",
            "almost: 🎵 Beat <number> Started: …(<started>) -- at column 20, "
            '"(" is expected, not the end of the line',
            id="a line that ends too soon",
        ),
        pytest.param(
            '🎼 SequenceRegistry: Registered sequence "A" (name: a)',
            'almost: 🎼 SequenceRegistry: Registered sequence "<name>" (id: <id>) -- at column 46, '
            '"id: " is expected, not "name: a)"',
            id="of several messages the one with the longest beginning",
        ),
        pytest.param(
            "🎵 Beat 1 Started: A (a:b)",
            "a message without its timestamp: a log with timestamps repeats it so, and it counts once",
            id="a repetition",
        ),
        pytest.param("🎼 Sequence: A", "", id="another line of the conductor"),
        pytest.param("words", "", id="words"),
    ],
)
def test_of_a_line_that_is_almost_a_message_of_the_conductor_it_tells_where_it_stops(
    line: str, expected: str, log: Path, cli: Cli
) -> None:
    log.write_text(f"2026-11-22T16:11:20.700Z 🎵 Beat 1 Started: A (a:b)\n{line}\n")
    [group] = parsed(cli, log)["unmatched_lines"]
    assert group["near_miss"] == expected
    assert " ".join(expected.split()) in " ".join(cli("parse", log).out.split())


def test_of_a_line_that_is_almost_a_message_behind_a_serilog_header_it_tells_where_it_stops(
    log: Path, cli: Cli
) -> None:
    header = "[2025-11-09 14:30:45.123 -05:00] [INF] App: "
    log.write_text(f"{header}🎵 Beat 1 Started: A (a:b)\n{header}🎵 Beat one Started: A (a:b)\n")
    [group] = parsed(cli, log)["unmatched_lines"]
    assert f"at column {len(header) + 8}, <number> is expected" in group["near_miss"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param('{"event": "a",}', "not JSON -- at column 15: ", id="a syntax error"),
        pytest.param('{"event": "ä", "duration": 5', "not JSON -- at column 29: ", id="a line that is torn"),
        pytest.param('{"event": "a", "level": "info"}', "any of the fields ms, error,", id="nothing tells"),
        pytest.param('{"ms": 5}', "without event and handler", id="nothing names"),
        pytest.param('{"event": "a", "ms": 5, "timestamp": []}', "timestamp must be", id="a wrong type"),
        pytest.param("[1]", "no object", id="a list"),
        pytest.param("[" * 99999, "nested too deep", id="a bomb"),
        pytest.param("words", "", id="words"),
    ],
)
def test_of_a_line_of_json_it_tells_the_syntax_error_or_what_is_missing(
    line: str, expected: str, folder: Path, log: Path, cli: Cli
) -> None:
    (folder / "selfheald.yaml").write_text("jsonl: {duration: ms}\n")
    log.write_text(EVENT + line + "\n")
    [group] = parsed(cli, log)["unmatched_lines"]
    assert expected in group["near_miss"]
    assert bool(expected) == bool(group["near_miss"])


class TestTimes:
    LINE = '{"timestamp": "%s", "event": "a", "duration": 5}\n'

    def test_it_says_what_span_the_log_covers_and_in_which_zone_it_is_read(
        self, folder: Path, log: Path, cli: Cli
    ) -> None:
        (folder / "selfheald.yaml").write_text("ingest: {timezone_of: {'app.*': Asia/Tokyo}}\n")
        log.write_text(self.LINE % "2026-11-22 09:00:00" + self.LINE % "2026-11-22T01:00:00Z")
        times = parsed(cli, log)["times"]
        assert (times["zone"], times["first_ms"], times["last_ms"]) == (
            "Asia/Tokyo",
            1795305600000,
            1795309200000,
        )
        said = " ".join(cli("parse", log).out.split())
        assert "2026-11-22 00:00:00 UTC to 2026-11-22 01:00:00 UTC; those without a zone" in said
        assert "are taken for Asia/Tokyo" in said

    def test_of_times_that_all_name_their_zone_it_says_nothing_of_one(self, log: Path, cli: Cli) -> None:
        log.write_text(EVENT)
        assert parsed(cli, log)["times"]["zone"] == ""
        assert "without a zone" not in cli("parse", log).out

    def test_it_counts_times_that_are_none_and_those_ahead_of_the_clock(self, log: Path, cli: Cli) -> None:
        log.write_text(self.LINE % "soon" + self.LINE % "then" + self.LINE % "2999-01-01T00:00:00Z")
        times = parsed(cli, log)["times"]
        assert (times["untimed"], times["unread"], times["ahead"]) == (2, "soon", 1)
        said = " ".join(cli("parse", log).out.split())
        assert 'times 2 events without a time that can be read, such as "soon": the time of arrival' in said
        assert "1 event later than this machine's clock: ingest.max_clock_skew_s leaves them out" in said


class TestSlowestPattern:
    def test_of_many_patterns_it_is_told_with_what_it_takes(self, logs: Logs, cli: Cli) -> None:
        slowest = parsed(cli, logs.regressed)["slowest"]
        assert slowest["pattern"] in {shown(message) for message in MESSAGES}
        assert slowest["lines"] == SAMPLE_LINES
        assert 0 < slowest["us_a_line"] <= slowest["worst_us"]

    def test_the_line_that_takes_a_declared_pattern_long_is_named(
        self, folder: Path, log: Path, cli: Cli
    ) -> None:
        (folder / "selfheald.yaml").write_text("formats: {odd: {pattern: '(?P<handler>(a|a)+)b'}}\n")
        log.write_text("ab\n" + "a" * 19 + "\n" + "ab\n")
        slowest = parsed(cli, log)["slowest"]
        assert slowest["pattern"] == "the pattern of odd"
        assert LINEAR or slowest["worst_line"] == 2
        said = " ".join(cli("parse", log).out.split())
        assert "slowest the pattern of odd: " in said
        assert LINEAR or re.search(r"line 2 took \d+ ms; with the extra re2 no line takes more than", said)

    def test_a_log_of_no_format_has_none(self, log: Path, cli: Cli) -> None:
        log.write_text("words\n")
        assert parsed(cli, log)["slowest"] is None
        assert "slowest" not in cli("parse", log).out


def test_what_is_told_of_a_column_stands_below_the_line_as_it_is(log: Path, cli: Cli) -> None:
    log.write_text(EVENT + '{"event": "a", "at": 1795363858}}\n')
    assert (
        'line 2: {"event": "a", "at": 1795363858}}\n             not JSON -- at column 33'
        in cli("parse", log).out
    )


def test_if_nothing_matches_it_tells_which_other_format_lines_come_close_to(log: Path, cli: Cli) -> None:
    log.write_text("2026-11-22 10:00:00,123 error app: x\n")
    found = parsed(cli, log, "--log-format", "logfmt")
    assert found["unmatched_lines"][0]["near_miss"].startswith(
        "as python: almost: TIME LEVEL logger: message"
    )
    assert cli("parse", log).code == 1


class TestFormat:
    def test_the_settings_can_name_that_of_a_single_file(self, folder: Path, log: Path, cli: Cli) -> None:
        (folder / "selfheald.yaml").write_text("logs: {format_of: {'app.*': logfmt}}\n")
        log.write_text(EVENT)
        found = parsed(cli, log)
        assert (found["format"], found["reason"]) == ("logfmt", "settings")
        said = cli("parse", log).out
        assert "logfmt, since the settings say so; the first lines look like jsonl\n" in said

    def test_it_says_which_formats_were_tried(self, log: Path, cli: Cli) -> None:
        log.write_text(EVENT)
        found = parsed(cli, log)
        assert (found["format"], found["reason"]) == ("jsonl", "recognised")
        assert found["tried"]["jsonl"] is True
        assert found["tried"]["musical-conductor"] is False

    def test_an_option_forces_it(self, log: Path, cli: Cli) -> None:
        log.write_text(EVENT)
        found = parsed(cli, log, "--log-format", "musical-conductor")
        assert (found["format"], found["reason"], found["matched"]) == ("musical-conductor", "option", 0)
        assert "since --log-format says so" in cli("parse", log, "--log-format", "musical-conductor").out

    def test_a_setting_forces_it_and_the_option_goes_over_it(self, folder: Path, log: Path, cli: Cli) -> None:
        log.write_text(EVENT)
        (folder / "my.yaml").write_text("logs: {format: musical-conductor}\n")
        found = parsed(cli, log, "--config", "my.yaml")
        assert (found["format"], found["reason"]) == ("musical-conductor", "settings")
        found = parsed(cli, log, "--config", "my.yaml", "--log-format", "auto")
        assert (found["format"], found["reason"]) == ("jsonl", "recognised")

    def test_lines_of_no_format_are_grouped_all_the_same(self, log: Path, cli: Cli) -> None:
        log.write_text("job 1\njob 2\n")
        found = parsed(cli, log)
        assert (found["format"], found["reason"], found["matched"]) == ("", "not recognised", 0)
        assert groups(found) == [(2, 1, "job <*>")]
        assert "no format recognises the first lines" in cli("parse", log).out


class TestExitCode:
    def test_is_0_if_something_was_understood(self, log: Path, cli: Cli) -> None:
        log.write_text(EVENT + "words\n" * 9)
        assert cli("parse", log).code == 0

    @pytest.mark.parametrize("text", ["", "words\n"], ids=["an empty file", "words"])
    def test_is_1_if_nothing_was(self, text: str, log: Path, cli: Cli) -> None:
        log.write_text(text)
        assert cli("parse", log).code == 1
        assert cli("parse", log, "--format", "json").code == 1

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            pytest.param("no.log", "no.log: cannot be read (No such file or directory)", id="no such file"),
            pytest.param(".", ".: cannot be read (Is a directory)", id="a directory"),
            pytest.param("app.log --log-format xml", "--log-format: must be one of auto, ", id="format"),
            pytest.param("app.log --config no.yaml", "no.yaml", id="no such settings"),
        ],
    )
    def test_is_2_if_it_could_not_run(self, arguments: str, said: str, log: Path, cli: Cli) -> None:
        log.write_text(EVENT)
        code, out, err = cli("parse", *arguments.split())
        assert (code, out) == (2, "")
        assert said in err

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_is_2_for_utf_16(self, encoding: str, log: Path, cli: Cli) -> None:
        log.write_bytes(EVENT.encode(encoding))
        code, out, err = cli("parse", log)
        assert (code, out) == (2, "")
        assert "app.log: UTF-16 is not read; convert it: iconv -f UTF-16 -t UTF-8" in err


def test_standard_input_is_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(("\ufeff" + EVENT).encode())))
    found = parsed(cli, "-")
    assert (found["path"], found["matched"], found["undecodable"]) == ("standard input", 1, 0)


def test_of_a_large_log_only_the_beginning_is_read_and_it_says_so(
    log: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "FIRST_BYTES", 10_000)
    monkeypatch.setattr(trial, "BLOCK_BYTES", 1000)
    log.write_text(EVENT * 1000)
    found = parsed(cli, log)
    assert 10_000 <= found["bytes_read"] < 11_100
    assert found["lines"] == found["matched"] == found["bytes_read"] // len(EVENT)
    assert not found["complete"]
    assert re.search(r"read +the first 10\.\d kB; --all reads the rest\n", cli("parse", log).out)
    found = parsed(cli, log, "--all")
    assert (found["lines"], found["complete"]) == (1000, True)
    log.write_text(EVENT * (10_000 // len(EVENT)))
    assert parsed(cli, log)["complete"]


def test_a_line_that_is_too_long_is_cut_as_the_daemon_cuts_it(folder: Path, log: Path, cli: Cli) -> None:
    (folder / "selfheald.yaml").write_text("logs: {max_line_bytes: 1024}\n")
    log.write_text(EVENT + json.dumps({"event": "x" * 5000, "duration": 1}) + "\n" + EVENT)
    found = parsed(cli, log)
    assert (found["lines"], found["matched"], found["cut"]) == (3, 2, 1)
    assert found["bytes_read"] == log.stat().st_size


@pytest.mark.parametrize("block_bytes", [1, 7, 8, 100])
@pytest.mark.parametrize("end", ["", "\n"])
def test_blocks_of_a_stream_hold_every_line_and_know_where_it_stands(block_bytes: int, end: str) -> None:
    data = ("one\n\n" + "x" * 8 + "\n" + "y" * 9 + "\n" + "z" * 99 + "\nlast" + end).encode()
    pieces = [*line_blocks(io.BytesIO(data), block_bytes=block_bytes, max_line_bytes=8)]
    blocks = [piece.block for piece in pieces]
    assert b"".join(block.data for block in blocks) == b"one\n\nxxxxxxxx\nyyyyyyyy\nzzzzzzzz\nlast\n"
    assert [block.offset for block in blocks] == [0, *(block.end for block in blocks[:-1])]
    assert blocks[-1].end == len(data)
    assert sum(block.lines for block in blocks) == 6
    assert sum(piece.cut for piece in pieces) == 2
    assert all(data[block.offset :].startswith(block.data.rstrip(b"\n")) for block in blocks)


def test_its_text_fits_into_80_columns_and_cannot_steer_the_terminal(log: Path, logs: Logs, cli: Cli) -> None:
    log.write_bytes(logs.regressed.read_bytes()[:500_000] + b"bad\x1b[2J\x9b2J line\n")
    out = cli("parse", log).out
    assert all(char.isprintable() or char == "\n" for char in out)
    long = [line for line in out.splitlines() if len(line) > 80 and " " in line.strip()]
    assert not [line for line in long if str(log) not in line]


@pytest.mark.skipif(LINEAR, reason="with google-re2 no pattern takes so long")
@pytest.mark.parametrize("before", [0, 30_000], ids=["in the head", "far behind it"])
def test_a_pattern_that_takes_for_ever_for_a_line_is_named_with_the_line_and_what_to_do(
    log: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    monkeypatch.setattr(bounded_format, "LINE_CPU_S", 0.3)
    pattern = r"^(?P<timestamp>\d+) (?P<handler>(\w+)+) (?P<event>e) (?P<duration>\d+)$"
    (log.parent / "selfheald.yaml").write_text(f"formats: {{shop: {{pattern: '{pattern}'}}}}\n")
    line = "1795363000 Cart e 5\n"
    log.write_text(line * before + f"1795363000 {'a' * 60}-\n" + line)
    result = cli("parse", log)
    assert result.code == 2
    assert (
        f"formats.shop takes more than 0.3 s for the line at byte {before * len(line):,}: 1795" in result.err
    )
    assert "google-re2" in result.err


@pytest.mark.skipif(LINEAR, reason="with google-re2 no pattern takes so long")
def test_a_pattern_that_takes_for_ever_to_say_where_a_line_stops_is_waited_for_once(
    log: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_format, "LINE_CPU_S", 0.3)
    (log.parent / "selfheald.yaml").write_text(
        "formats: {shop: {pattern: '^(?P<handler>(a+)+)b'}}\nlogs: {format: shop}\n"
    )
    log.write_text("apple here\npear there\nnobody\nnothing at all\n")
    monkeypatch.setattr(trial_unmatched, "near_miss", _for_ever)
    found = parsed(cli, log)
    told = [each["near_miss"] for each in found["unmatched_lines"]]
    assert [bool(each) for each in told] == [True, False, False, False]
    assert "takes too long" in told[0]


def _for_ever(*_arguments: object) -> str:
    while True:
        pass
