"""Lines with timestamps, found and read in C, and the same in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.formats import conductor_lines
from handlers.formats.conductor import _STAMPED
from handlers.formats.conductor_runs import Found
from tests.handlers.formats.lines import MESSAGES

pytest.importorskip("handlers._speedups", reason="installed without a C compiler")
from handlers import _speedups  # type: ignore[attr-defined]

SIZES: Final = (0, 1, 2, 8, 9, 10, 15, 16, 18, 19)
FILLERS: Final = (
    "",
    "a",
    " ",
    '"',
    "(",
    ")",
    ":",
    "é",
    "\r",
    "\x0b",
    ") completed in 7ms",
    '" completed',
    "Z 🎵 Beat ",
)

digits = st.sampled_from(SIZES).map(lambda size: "12345678901234567890"[:size])
words = st.one_of(
    st.lists(st.sampled_from(FILLERS), max_size=4).map("".join),
    st.sampled_from([498, 499, 500, 501, 502]).map(lambda size: "x" * size),
)
stamps = st.one_of(
    st.just("2026-11-22T16:10:58.813"),
    st.integers(0, 61_999).map(lambda at_ms: f"2026-11-22T16:10:{at_ms / 1000:06.3f}"),
    st.sampled_from(
        ["2026-11-22T16:11:00.000", "2026-11-22T16:10:5x.813", "2026-11-22T16:10:58,813", "58.8", ""]
    ),
)
figures = st.one_of(
    digits, st.builds("{}.{}".format, digits, digits), st.sampled_from(["3.10", "0.0005", "1.0015"])
)
requests = st.builds(
    "{}-{}-{}".format,
    st.sampled_from(["order-save", "é", "", "\x1f"]),
    st.sampled_from(["1795363858813", "179536385881", "17953638588133", "x795363858813"]),
    st.sampled_from(["ab12", "", "é", "a_b", "zz "]),
)


def _beat(draw: st.DrawFn) -> tuple[str, ...]:
    number, event, figure = draw(digits), draw(words), draw(figures)
    same = draw(st.integers(0, 9)) > 0
    return (
        f"🎵 Beat {number} Started: {draw(words)} ({event})",
        f"⏱️ PerformanceTracker: Beat {draw(digits)} completed in {figure}ms",
        f"✅ BeatExecutor: Beat {number} ({event if same else draw(words)}) completed in {draw(digits)}ms",
    )


@st.composite
def runs(draw: st.DrawFn) -> list[str]:
    """Messages of a run, of which any may be unlike the usual."""
    name = draw(st.one_of(st.just("Order Save"), words))
    request = draw(st.one_of(st.just("order-save-symphony-1795363858813-ab12"), requests))
    beats = [draw(st.one_of(st.just(BEAT), st.composite(_beat)())) for _ in range(draw(st.integers(0, 3)))]
    messages = [
        f'🎼 ExecutionQueue: Now executing "{name}"',
        f"🆔 Request ID: {request}",
        *(line for beat in beats for line in beat),
        f'✅ SequenceExecutor: Sequence "{name}" completed in 3ms',
    ]
    if draw(st.integers(0, 4)) == 0:
        messages.insert(draw(st.integers(0, len(messages))), draw(st.sampled_from(MESSAGES)))
    return messages


BEAT: Final = (
    "🎵 Beat 1 Started: Write (order:write)",
    "⏱️ PerformanceTracker: Beat 1 completed in 14.87ms",
    "✅ BeatExecutor: Beat 1 (order:write) completed in 15ms",
)


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """Runs whose times rise, as a rule, and whatever else may stand in a log."""
    lines: list[bytes] = []
    for messages in draw(st.lists(st.one_of(runs(), st.lists(st.sampled_from(MESSAGES))), max_size=4)):
        at_ms = draw(st.integers(0, 59_999))
        for message in messages:
            at_ms += draw(st.sampled_from([0, 0, 1, 500]))
            usual = f"2026-11-22T16:{10 + at_ms // 60_000}:{at_ms % 60_000 / 1000:06.3f}"
            stamp = draw(stamps) if draw(st.integers(0, 15)) == 0 else usual
            lead = draw(st.sampled_from(["Z "] * 12 + ["Z   ", "Z", " ", "", "Z x Z "]))
            lines.append(f"{stamp}{lead}{message}".encode("utf-8", "surrogatepass"))
            if draw(st.integers(0, 15)) == 0:
                lines.append(draw(st.binary(max_size=20)))
    end = draw(st.sampled_from([b"\n", b"\n", b"\r\n"]))
    data = end.join(lines) + draw(st.sampled_from([b"", end]))
    cut = draw(st.integers(0, 40)) if draw(st.booleans()) else 0
    return data[: len(data) - cut]


def plain(read: Callable[..., tuple[list[Found], int]], data: bytes, span_s: int) -> object:
    """What was found, as values that can be compared."""
    found, end = read(_STAMPED, data, 0, 1000, span_s)
    return [(line.span(), line.lastgroup) if isinstance(line, re.Match) else line for line in found], end


@given(data=logs(), span_s=st.sampled_from([1, 10, 60]))
@example(data=("Z 🎵 " * 50).encode(), span_s=1)
@example(data="Z 🎼 Initializing RenderX Evolution Communication System".encode(), span_s=1)
def test_lines_are_found_as_python_finds_them(data: bytes, span_s: int) -> None:
    assert plain(_speedups.stamped_lines, data, span_s) == plain(conductor_lines._stamped_lines, data, span_s)


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_is_known(message: str) -> None:
    data = f"2026-11-22T16:10:58.813Z {message}\n".encode()
    assert plain(_speedups.stamped_lines, data, 1) == plain(conductor_lines._stamped_lines, data, 1)


def usual(*times_ms: int) -> bytes:
    """A usual run of which the request, the start and end of its beat and its own end have these times."""
    begin, started, ended, end = (f"2026-11-22T16:10:{at_ms / 1000:06.3f}Z " for at_ms in times_ms)
    lines = (
        f'{begin}🎼 ExecutionQueue: Now executing "Order Save"',
        f"{begin}🆔 Request ID: order-save-symphony-1795363858813-ab12",
        *(stamp + line for stamp, line in zip((started, ended, ended), BEAT, strict=True)),
        f'{end}✅ SequenceExecutor: Sequence "Order Save" completed in 3ms',
    )
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize(
    "read", [_speedups.stamped_lines, conductor_lines._stamped_lines], ids=["C", "Python"]
)
class TestUsualRun:
    def test_says_what_its_lines_say(self, read: Callable[..., tuple[list[Found], int]]) -> None:
        data = usual(9_100, 9_105, 9_120, 9_123)
        [run], end = read(_STAMPED, data, 0, 1000, 10)
        place = data.index("Z ⏱️".encode())
        assert run == (
            data.index(b"Z "),
            len(data) - 1,
            data.index("Z 🆔".encode()),
            "2026-11-22T16:10:09.100Z",
            "order-save-symphony-1795363858813-ab12",
            b"order-save-symphony\n1\torder:write\n",
            (20, 23),
            (1000 + place,),
            (14_870,),
        )
        assert end == len(data)

    @pytest.mark.parametrize(
        ("times_ms", "span_s", "is_whole"),
        [
            pytest.param((9_990, 9_991, 9_992, 9_999), 1, True, id="within a second"),
            pytest.param((8_990, 8_991, 9_992, 9_999), 1, False, id="over a second"),
            pytest.param((8_990, 8_991, 9_992, 9_999), 10, True, id="over a second within a window"),
            pytest.param((9_990, 9_991, 9_992, 10_001), 10, False, id="over the end of a window"),
            pytest.param((9_990, 9_991, 9_992, 10_001), 60, True, id="within a minute"),
            pytest.param((9_990, 9_992, 9_991, 9_999), 10, False, id="back in time"),
        ],
    )
    def test_is_one_within_a_span_and_in_order(
        self,
        read: Callable[..., tuple[list[Found], int]],
        times_ms: tuple[int, ...],
        span_s: int,
        is_whole: bool,
    ) -> None:
        found, _ = read(_STAMPED, usual(*times_ms), 0, 0, span_s)
        assert (len(found) == 1) is is_whole


def test_what_makes_no_sense_is_refused() -> None:
    for arguments in (
        ("text", 0, 0, 1),
        (b"text", -1, 0, 1),
        (b"text", 5, 0, 1),
        (b"text", 0, 0, 0),
        (b"", 0, 0, 61),
    ):
        with pytest.raises((TypeError, ValueError)):
            _speedups.stamped_lines(_STAMPED, *arguments)


def test_what_the_pattern_raises_is_raised() -> None:
    class Broken:
        def match(self, *_: object) -> object:
            raise KeyError("broken")

    for data in (MESSAGES[1], MESSAGES[3]):
        with pytest.raises(KeyError):
            _speedups.stamped_lines(Broken(), f"Z {data}\n".encode(), 0, 0, 1)


def test_no_line_takes_quadratic_time() -> None:
    """It would take minutes."""
    for part in (
        "Z 🎵 Beat 1 Started: (",
        "Z 🧠 PluginManager: Handler execution failed for ",
        "Z ✅ BeatExecutor: Beat 1 (",
    ):
        _speedups.stamped_lines(_STAMPED, (part * 100_000).encode(), 0, 0, 1)
