"""Lines that C packs count as those do that Python reads one by one, whatever is written in them."""

from __future__ import annotations

import itertools
import math
import random
import tracemalloc
from datetime import UTC
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.settings import Jsonl, Settings
from handlers.formats import packed
from handlers.formats.base import Format
from handlers.formats.jsonl import JsonLines
from handlers.formats.logfmt import Logfmt
from handlers.formats.scan import scan_block
from handlers.model import (
    ROW,
    Block,
    NormalizedEvents,
    PackedNormalizedEvents,
    PackedTelemetryEvents,
    ParserState,
    Subject,
    TelemetryEvents,
)
from handlers.sketch import EDGES_US
from handlers.telemetry.aggregate_telemetry_metrics import AggregatedTelemetry, aggregate_telemetry_metrics
from handlers.telemetry.loss import LossLimits, spoiled_time
from handlers.telemetry.normalize_telemetry_data import (
    MAX_DURATION_MS,
    NormalizedTelemetry,
    normalize_telemetry_data,
)
from handlers.telemetry.tally import Group, _tally, tally

_speedups = pytest.importorskip("handlers._speedups", reason="installed without a C compiler")

ARRIVAL_MS = 1_795_363_900_000  # 2026-11-22T16:11:40Z
WINDOW_MS = 10_000
SETTINGS = Settings().jsonl
FORMATS: Final[dict[str, type[JsonLines] | type[Logfmt]]] = {"jsonl": JsonLines, "logfmt": Logfmt}
TIMES = (
    "2026-11-22T16:10:58.813Z", "2026-11-22T16:10:58Z", "2026-11-22 16:10:59.9996+01:00",
    "2026-11-22T16:10:58.1234567-00:30", "2026-11-22T16:11:00,5Z", "2026-11-22T16:11:00.Z",
    "2026-11-22T16:10:58.813", "2026-02-29T00:00:00Z", "2024-02-29T23:59:59.999+23:59",
    "2026-11-22T24:00:00Z", "2026-11-22T16:10:60Z", "2026-13-22T16:10:58Z", "2026-00-10T16:10:58Z",
    "2026-11-31T16:10:58Z", "2026-11-22T16:10:58+24:00", "2026-11-22T16:10:58+0100", "2026-11-22",
    "2026-11-22T16:10:58.81Z ", "2026-11-22T16:10:58.81z", "2026-11-22T16:10:58+01:0", "1970-01-01T00:00:00Z",
    "1971-12-31T00:00:00Z", "1972-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "2026-11-22t16:10:58Z", "٢٠٢٦-11-22T16:10:58Z", "1795363858.813", "1795363858813", "Nov 22 16:10:58",
)  # fmt: skip
NUMBERS = (
    "0", "1", "12.34", "0.005", "-0", "-0.0", "-1", "01", "1.", ".5", "1e3", "1e400", "1E-400", "2592000000",
    "2592000001", "1795363858.813", "1795363858813", "1795363858813000", "1795363858813123456",
    "99999999999", "100000000000", "99999999999999", "100000000000000", "99999999", "100000000",
    "123456789012345678", "1234567890123456789", "9007199254740993", "0.1234567890123456789", "4.35",
    "0.0005", "12345678.123456789", "9" * 30, "9" * 400, "100000000000000000", "1.7976931348623157",
    "NaN", "Infinity",
)  # fmt: skip
WORDS = (
    "a", "order:save", "P.writeOrder", ".", "a.b.c", "beat-started", "beat_completed", "run-started", "error",
    "Sequence.Completed", "beat:failed", "handler-start", "ärger", "🎼", "x" * 300, "x" * 301, "ä" * 200, "",
    "true", "null", "nil", "<nil>", "12", "r-1", "a b", "a=b", "\\", "\\n", "\\u00e4", '\\"', "\\ud83d",
    "\\x", "\x7f", "\t", "=",
)  # fmt: skip
RAW = (
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[1,{}]",
    '{"a":[1,"x"]}',
    "[" * 40 + "]" * 40,
    "[1,]",
    '{"a"}',
    "",
)
GAPS = ("", "", "", " ", "  ", "\t")
ENDS = ("\n", "\n", "\n", "\r\n", " \n", " x\n", ",\n", "\r\r\n")
NAMES = (*(getattr(SETTINGS, name) for name in packed.FIELDS), "level", "msg", "ts", "time", "a.b", "dür", "")

json_values = st.one_of(
    st.sampled_from(TIMES).map('"{}"'.format),
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS).map('"{}"'.format),
    st.sampled_from(RAW),
)
logfmt_values = st.one_of(
    st.sampled_from([*TIMES, *NUMBERS, *WORDS]),
    st.sampled_from([*TIMES, *NUMBERS, *WORDS]).map('"{}"'.format),
    st.sampled_from(RAW),
)


@st.composite
def usual_pairs(draw: st.DrawFn) -> dict[str, str]:
    """The names of a line that nearly always is usual, and their values as text."""
    time = st.integers(ARRIVAL_MS - 30_000, ARRIVAL_MS + 100_000)
    pairs = {SETTINGS.timestamp: str(draw(time)), SETTINGS.event: draw(st.sampled_from(["a", "b", "c"]))}
    if draw(st.booleans()):
        pairs[SETTINGS.timestamp] = draw(st.sampled_from(TIMES[:2]))
    if draw(st.integers(0, 9)):
        pairs[SETTINGS.duration] = draw(
            st.one_of(
                st.sampled_from(NUMBERS[:4]),
                st.floats(0, 1e6).map("{:.2f}".format),
                st.floats(0, 1e6).map("{:f}".format),
                st.floats(1e-3, 1e10).map(repr),
            )
        )
    for name in (SETTINGS.handler, SETTINGS.sequence):
        if draw(st.booleans()):
            pairs[name] = draw(st.sampled_from(["s", "P.a"]))
    if draw(st.booleans()):
        pairs[SETTINGS.beat] = str(draw(st.integers(0, 5)))
    return pairs


def json_text(pairs: dict[str, str]) -> dict[str, str]:
    numbers = {SETTINGS.duration, SETTINGS.beat}
    return {
        name: value if name in numbers or value.isdigit() else f'"{value}"' for name, value in pairs.items()
    }


@st.composite
def json_lines(draw: st.DrawFn) -> str:
    pairs = [*json_text(draw(usual_pairs())).items()]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        pair = draw(st.sampled_from(NAMES)), draw(json_values)
        pairs.insert(draw(st.integers(0, len(pairs))), pair)
    gap = draw(st.sampled_from(GAPS))
    inside = f"{gap},{gap}".join(f'"{name}"{gap}:{gap}{value}' for name, value in pairs)
    line = draw(st.sampled_from(["", "", "", " ", "\ufeff"])) + f"{{{gap}{inside}{gap}}}"
    return draw(
        st.sampled_from([line] * 9 + [line[:-1], line + "}", line[:-1] + ",}", "words", "", " ", "{}"])
    )


@st.composite
def logfmt_lines(draw: st.DrawFn) -> str:
    pairs = [*draw(usual_pairs()).items()]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        pair = draw(st.sampled_from(NAMES)), draw(logfmt_values)
        pairs.insert(draw(st.integers(0, len(pairs))), pair)
    parts = [f"{name}={value}" for name, value in pairs]
    for _ in range(draw(st.sampled_from([0, 0, 1]))):
        parts.insert(
            draw(st.integers(0, len(parts))),
            draw(st.sampled_from(["INFO", "a=", '"x', 'y"', '"a="', "ä", "=x"])),
        )
    return draw(st.sampled_from([" ", " ", " ", "  ", "\t"])).join(parts)


def log_of(lines: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """A log of such lines, some of which were damaged."""
    return st.lists(
        st.tuples(
            lines, st.sampled_from(ENDS), st.sampled_from([None] * 9 + [b"\xff", b"\0", b'"', b"\\", b"\n"])
        )
    ).map(lambda told: b"".join(damaged((line + end).encode(), byte) for line, end, byte in told))


def damaged(line: bytes, byte: bytes | None) -> bytes:
    if byte is None or len(line) < 3:
        return line
    at = len(line) * 2 // 3
    return line[:at] + byte + line[at + 1 :]


class Counted:
    """What a log came to."""

    def __init__(self, log_format: Format, data: bytes, borders: list[int]) -> None:
        self.parts: list[TelemetryEvents | PackedTelemetryEvents] = []
        self.matched = self.unreadable = self.count = 0
        reader = log_format.reader(1, ParserState())
        for start, end in itertools.pairwise([0, *sorted({*borders}), len(data)]):
            scan_block(reader, Block(1, start, end, data[start:end]))
        self.matched, self.unreadable, self.count = reader.matched, reader.unreadable, reader.events.count
        self.parts = reader.events.parts()
        self.normalized = normalized(self.parts)
        self.aggregated = aggregated(self.normalized)

    def told(self) -> tuple[object, ...]:
        spoiled = spoiled_time(
            self.normalized.normalized_events,
            losses=[(1, 200)],
            lossy_streams=(),
            read=[1],
            stream_of={1: "log"},
            streams={},
            runs=self.aggregated.runs,
            limits=LossLimits(WINDOW_MS, 60_000),
        )
        return (
            self.matched,
            self.unreadable,
            self.count,
            self.normalized.ahead,
            self.normalized.untimed,
            self.normalized.names,
            self.aggregated,
            spoiled,
        )


def normalized(parts: list[TelemetryEvents | PackedTelemetryEvents]) -> NormalizedTelemetry:
    return normalize_telemetry_data(
        parts, stream_of={1: "log"}, names={}, arrival_ms=ARRIVAL_MS, zone=UTC, max_skew_ms=60_000
    )


def aggregated(telemetry: NormalizedTelemetry) -> AggregatedTelemetry:
    return aggregate_telemetry_metrics(
        telemetry.normalized_events,
        runs={},
        watermarks_ms={},
        window_ms=WINDOW_MS,
        run_timeout_ms=60_000,
        at_end=True,
    )


def assert_same(name: str, data: bytes, few: int, draw: st.DataObject, settings: Jsonl = SETTINGS) -> None:
    ends = [at + 1 for at, byte in enumerate(data) if byte == 10]
    borders = draw.draw(st.lists(st.sampled_from(ends), max_size=3)) if ends else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_FEW_LINES", few)
        packing = Counted(FORMATS[name](settings, packs=True), data, borders)
    assert packing.told() == Counted(FORMATS[name](settings), data, []).told()


@given(data=log_of(json_lines()), few=st.sampled_from([0, 2, 16]), draw=st.data())
def test_json_lines_count_the_same_packed(data: bytes, few: int, draw: st.DataObject) -> None:
    assert_same("jsonl", data, few, draw)


@given(data=log_of(logfmt_lines()), few=st.sampled_from([0, 2, 16]), draw=st.data())
def test_logfmt_lines_count_the_same_packed(data: bytes, few: int, draw: st.DataObject) -> None:
    assert_same("logfmt", data, few, draw)


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@given(data=log_of(json_lines()), draw=st.data())
def test_durations_in_any_unit_count_the_same_packed(unit: str, data: bytes, draw: st.DataObject) -> None:
    assert_same("jsonl", data, 0, draw, SETTINGS.model_copy(update={"duration_unit": unit}))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("field", packed.FIELDS)
def test_every_value_in_every_field_counts_the_same_packed(name: str, field: str) -> None:
    usual = {"timestamp": "2026-11-22T16:10:58.813Z", "event": "a", "handler": "P.a", "duration": "5"}
    for value in (*TIMES, *NUMBERS, *WORDS, *RAW):
        for quoted in (value, f'"{value}"'):
            pairs = {getattr(SETTINGS, key): text for key, text in usual.items() if key != field}
            if name == "jsonl":
                texts = [f'"{key}":{text}' for key, text in json_text(pairs).items()]
                line = "{" + ",".join([*texts, f'"{getattr(SETTINGS, field)}":{quoted}']) + "}\n"
            else:
                texts = [f"{key}={text}" for key, text in pairs.items()]
                line = " ".join([*texts, f"{getattr(SETTINGS, field)}={quoted}"]) + "\n"
            for data in (line.encode(), line.replace("}", ',"x":1}').replace("\n", " x=1\n").encode()):
                packing = Counted(FORMATS[name](SETTINGS, packs=True), data, [])
                assert packing.told() == Counted(FORMATS[name](SETTINGS), data, []).told(), line


@pytest.mark.parametrize("name", FORMATS)
def test_usual_lines_are_packed_and_others_stay_in_their_place(name: str) -> None:
    usual = {
        "jsonl": b'{"timestamp":"2026-11-22T16:10:58.813Z","event":"a","duration":1.5}\n',
        "logfmt": b"ts=2026-11-22T16:10:58.813Z event=a duration=1.5\n",
    }[name]
    other = usual.replace(b"duration", b"error")
    data = usual * 20 + other + usual * 20 + other * 2 + usual * 20
    parts = Counted(FORMATS[name](SETTINGS, packs=True), data, []).parts
    assert [(type(part), part.count) for part in parts] == [
        (PackedTelemetryEvents, 20),
        (TelemetryEvents, 2),
        (PackedTelemetryEvents, 20),
        (TelemetryEvents, 24),
    ]


@pytest.mark.parametrize("packs", [True, False])
@pytest.mark.parametrize("name", FORMATS)
def test_messages_that_are_written_as_event_are_not_all_remembered(name: str, packs: bool) -> None:
    line = {"jsonl": '{"event":"user %d came"}\n', "logfmt": "event=user-%d-came\n"}[name]
    data = "".join(line % number for number in range(20_000)).encode()
    reader = FORMATS[name](SETTINGS, packs=packs).reader(1, ParserState())
    tracemalloc.start()
    try:
        scan_block(reader, Block(1, 0, len(data), data))
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.unreadable == 20_000
    assert held_bytes < 2_000_000  # all of them take 5 MB and more


def test_packed_beats_ahead_of_the_clock_are_left_out_and_counted() -> None:
    line = '{{"timestamp":{},"event":"a","duration":1}}\n'
    data = "".join(line.format(ARRIVAL_MS + 59_980 + at) for at in range(40)).encode()
    packing = Counted(JsonLines(SETTINGS, packs=True), data, [])
    assert isinstance(packing.parts[0], PackedTelemetryEvents)
    assert packing.normalized.ahead == 19


def test_packed_beats_are_normalized_with_what_is_registered() -> None:
    beats = PackedTelemetryEvents(1, [Subject("beat-completed", "Order", event="a")], bytearray(), 0)
    names = normalize_telemetry_data(
        [TelemetryEvents(1, [Subject("registered", "Order", "order-id")], [0], [None], [""], [None]), beats],
        stream_of={1: "log"},
        names={},
        arrival_ms=ARRIVAL_MS,
        zone=UTC,
        max_skew_ms=0,
    ).normalized_events
    assert isinstance(names[0], NormalizedEvents)
    assert isinstance(names[1], PackedNormalizedEvents)
    assert names[1].beats.subjects[0].sequence == "order-id"


rows_of_beats = st.lists(
    st.tuples(
        st.integers(0, 1 << 40),
        st.one_of(st.integers(0, 50_000), st.integers(-(1 << 62), 1 << 62)),
        st.one_of(
            st.floats(0, 1e4),
            st.floats(),
            st.sampled_from([0.0, 0.0005, 0.0015, 0.0025, MAX_DURATION_MS, 1e300]),
        ),
        st.integers(0, 3),
    ),
    max_size=60,
)


def tallied(rows: list[tuple[int, int, float, int]]) -> tuple[list[Group], list[Group]]:
    packed_rows = bytearray(b"".join(ROW.pack(*row) for row in rows))
    arguments = packed_rows, 4, WINDOW_MS, float(MAX_DURATION_MS), EDGES_US
    return tally(*arguments), _tally(*arguments)


@given(rows=rows_of_beats)
@example(rows=[])
def test_beats_are_tallied_as_python_tallies_them(rows: list[tuple[int, int, float, int]]) -> None:
    fast, twin = tallied(rows)
    assert fast == twin
    assert [[*group[4]] for group in fast] == [[*group[4]] for group in twin]


def test_durations_at_the_edges_of_bins_are_tallied_as_python_tallies_them() -> None:
    chance = random.Random(1)
    values_us = [edge + near for edge in EDGES_US for near in (-1, 0, 1) if edge < MAX_DURATION_MS * 1000]
    rows = [(at, chance.randrange(9), us / 1000, 0) for at, us in enumerate([*values_us, 0, 1, 2])]
    fast, twin = tallied(rows)
    assert fast == twin


def test_rows_that_are_none_are_refused() -> None:
    row = ROW.pack(0, 0, math.nan, 4)
    for rows in (row, row[:-1], ROW.pack(0, 0, 0.0, -1)):
        with pytest.raises(ValueError, match="row"):
            tally(bytearray(rows), 4, WINDOW_MS, 1.0, EDGES_US)


def test_what_cannot_be_packed_is_refused() -> None:
    def pack(start: int, keys: object) -> object:
        return _speedups.pack_json(b"{}\n", start, 0, keys, 1.0, {}, bytearray())

    for start, keys in (
        (-1, ()),
        (4, ()),
        (0, ((b"a", 9),)),
        (0, ((b"a", -1),)),
        (0, ((b"a", 0),) * 17),
        (0, []),
    ):
        with pytest.raises(ValueError, match=r"start|keys|field"):
            pack(start, keys)
    with pytest.raises(KeyError):
        pack(0, ())
