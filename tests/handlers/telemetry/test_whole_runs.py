"""A run that is told as one event counts as it does step by step."""

from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.formats.conductor import Conductor
from handlers.formats.scan import extract_block
from handlers.model import Block, ParserState, TelemetryEvents
from handlers.telemetry.aggregate_telemetry_metrics import (
    AggregatedTelemetry,
    aggregate_telemetry_metrics,
)
from handlers.telemetry.normalize_telemetry_data import normalize_telemetry_data
from tests.examples import examples

BEATS = ("order:validate", "order:write", "order:notify")


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """Runs that mostly go as runs go, at times across a second, with failures and missing lines."""
    at_ms = draw(st.integers(1_795_363_858_000, 1_795_363_861_000))
    told = []
    name = "h"

    def tell(text: str) -> None:
        nonlocal at_ms
        at_ms += draw(st.sampled_from((0, 1, 7, 40, 700)))
        second, millisecond = divmod(at_ms, 1000)
        told.append(f"2026-11-22T16:{second // 60 % 60:02}:{second % 60:02}.{millisecond:03}Z {text}")

    for number in range(draw(st.integers(1, 12))):
        if not draw(st.integers(0, 9)):  # perhaps with other handlers than before
            tell("🎼 Initializing RenderX Evolution Communication System...")
            name = f"h{number}"
        tell('🎼 ExecutionQueue: Now executing "Order Save"')
        tell(f"🆔 Request ID: order-save-symphony-{at_ms}-r{number}")
        for beat, event in enumerate(BEATS[: draw(st.integers(1, 3))], 1):
            tell(f"🎵 Beat {beat} Started: Title ({event})")
            if draw(st.integers(0, 2)):
                tell(f"🎽 DataBaton: No changes | seq=Order Save beat=? event={event} handler={name}")
            if not draw(st.integers(0, 9)):
                tell("🧠 PluginManager: Handler execution failed for OrderPlugin.h: TypeError: x")
            tell(f"⏱️ PerformanceTracker: Beat {beat} completed in {draw(st.sampled_from(DURATIONS))}ms")
            if draw(st.integers(0, 9)):
                tell(f"✅ BeatExecutor: Beat {beat} ({event}) completed in 15ms")
        if draw(st.integers(0, 9)):
            tell('✅ SequenceExecutor: Sequence "Order Save" completed in 31ms')
    return told


DURATIONS = ("0", "0.00", "3.10", "14.87", "999999999")


def counted(
    log_format: Conductor, data: bytes, window_s: int = 2
) -> tuple[AggregatedTelemetry, ParserState, TelemetryEvents]:
    extraction = extract_block(log_format, Block(1, 0, len(data), data), ParserState(), at_end=True)
    normalized = normalize_telemetry_data(
        [extraction.events],
        stream_of={1: "log"},
        names={},
        arrival_ms=1_795_400_000_000,
        zone=ZoneInfo("UTC"),
        max_skew_ms=0,
    )
    aggregated = aggregate_telemetry_metrics(
        normalized.normalized_events,
        runs={},
        watermarks_ms={},
        window_ms=window_s * 1000,
        run_timeout_ms=60_000,
        at_end=False,
    )
    return aggregated, extraction.state, extraction.events


@settings(max_examples=examples(400))
@given(lines(), st.sampled_from([1, 2, 7, 10, 60, 120]))
def test_the_counts_and_the_state_are_the_same(told: list[str], window_s: int) -> None:
    data = "".join(f"{line}\n" for line in told).encode()
    whole, whole_state, whole_events = counted(Conductor(window_s=window_s), data, window_s)
    each, state, events = counted(Conductor(whole_runs=False), data, window_s)
    assert whole == each
    assert whole_state == state
    assert whole_events.count == events.count


def test_an_ordinary_log_is_nearly_all_whole_runs() -> None:
    run = [
        '🎼 ExecutionQueue: Now executing "Order Save"',
        "🆔 Request ID: order-save-symphony-1795363858000-r{}",
        "🎵 Beat 1 Started: Title (order:write)",
        "🎽 DataBaton: No changes | seq=Order Save beat=? event=order:write handler=write",
        "⏱️ PerformanceTracker: Beat 1 completed in 3.1ms",
        "✅ BeatExecutor: Beat 1 (order:write) completed in 3ms",
        '✅ SequenceExecutor: Sequence "Order Save" completed in 3ms',
    ]
    data = "".join(
        f"2026-11-22T16:10:58.813Z {line.format(number)}\n" for number in range(50) for line in run
    ).encode()
    _, _, events = counted(Conductor(), data)
    assert len(events.whole) == 49  # in the first one the handler was not known yet
