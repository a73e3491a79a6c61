"""A handler that production runs needs a test; what is not known is not claimed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from config.settings import Detect
from handlers.anomaly.baseline import Baseline, Learned, Recent
from handlers.anomaly.detect_coverage_gaps import detect_coverage_gaps
from handlers.model import (
    BeatStats,
    Codebase,
    Commit,
    CoverageAnomaly,
    CoveredFunction,
    FileChange,
    Handler,
    Hunk,
    Skip,
)
from tests.handlers.anomaly.builders import BEAT, WINDOW_MS, beat, learned, metrics, of_beat


def declared(test_file: str = "", event: str = "cart:add", sequence: str = "cart-symphony") -> Handler:
    return Handler(
        sequence=sequence,
        event=event,
        plugin="CartPlugin",
        name="addItem",
        beat=1,
        test_file=test_file,
        definition_file="cart.json",
    )


def function(name: str, executed: bool) -> CoveredFunction:
    return CoveredFunction(name, "src/cart.js", 7, executed, "coverage.lcov")


def method(owner: str, executed: bool) -> CoveredFunction:
    return CoveredFunction(f"{owner}.addItem", f"src/{owner}.js", 7, executed, "coverage.lcov")


def gaps(
    codebase: Codebase, stats: BeatStats | None = None, limits: Detect | None = None
) -> tuple[CoverageAnomaly, ...]:
    now = of_beat(stats or beat([20.0] * 40), start_ms=70_000)
    return detect_coverage_gaps(
        now, baseline=Baseline(), codebase=codebase, limits=limits or Detect()
    ).anomalies


@pytest.mark.parametrize(
    ("codebase", "kind"),
    [
        pytest.param(Codebase(), None, id="without report and declaration nothing is known"),
        pytest.param(Codebase(handlers=(declared("cart.spec.ts"),)), None, id="a declared test covers"),
        pytest.param(Codebase(handlers=(declared(),)), "untested", id="declared without a test is a gap"),
        pytest.param(
            Codebase(handlers=(replace(declared("cart.spec.ts"), test_skip=Skip("it.skip")),)),
            "untested",
            id="a declared test that is skipped covers nothing",
        ),
        pytest.param(
            Codebase(handlers=(replace(declared("test_cart.py"), test_skip=Skip("@x", True)),)),
            None,
            id="a declared test that runs under a condition covers",
        ),
        pytest.param(
            Codebase(handlers=(declared("cart.spec.ts", event="cart:pay"),)),
            "untested",
            id="the test of another beat covers nothing here",
        ),
        pytest.param(
            Codebase(handlers=(declared("cart.spec.ts", sequence="wish-symphony"),)),
            "untested",
            id="the test of another sequence covers nothing here",
        ),
        pytest.param(
            Codebase(functions=(function("addItem", True),)), None, id="a report that executed it covers"
        ),
        pytest.param(
            Codebase(functions=(function("Cart.addItem", True),)),
            None,
            id="a report that names the method covers",
        ),
        pytest.param(
            Codebase(functions=(function("addItem", False),)), "unreached", id="never executed is a gap"
        ),
        pytest.param(
            Codebase(handlers=(declared("cart.spec.ts"),), functions=(function("addItem", False),)),
            "unreached",
            id="the report decides over a declared test that does not reach it",
        ),
        pytest.param(
            Codebase(handlers=(declared(),), functions=(function("addItem", True),)),
            None,
            id="the report decides over a declaration without a test",
        ),
        pytest.param(
            Codebase(handlers=(declared("cart.spec.ts"),), functions=(function("removeItem", False),)),
            None,
            id="a report that does not list it leaves the declaration to decide",
        ),
        pytest.param(
            Codebase(functions=(function("addItem", False), function("addItem", True))),
            None,
            id="executed in one of two reports covers",
        ),
        pytest.param(
            Codebase(functions=(method("Wish", True), method("CartPlugin", False))),
            "unreached",
            id="the method of the plug-in decides over that of another class",
        ),
        pytest.param(
            Codebase(functions=(method("Wish", True), method("Cart", False))),
            None,
            id="of namesakes that are not told apart nothing is claimed",
        ),
        pytest.param(
            Codebase(
                handlers=(replace(declared(), file="src/cart.js", line=5, end_line=9),),
                functions=(function("addItem", False), replace(function("addItem", True), file="wish.js")),
            ),
            "unreached",
            id="where the place of the handler is known a namesake elsewhere is another function",
        ),
        pytest.param(
            Codebase(handlers=(declared(),), tested_names=frozenset({"addItem"})),
            None,
            id="a test that calls a function of this name may cover it",
        ),
    ],
)
def test_what_covers_a_handler(codebase: Codebase, kind: str | None) -> None:
    assert [gap.kind for gap in gaps(codebase)] == ([kind] if kind else [])


def test_a_gap_is_told_with_its_use_and_what_was_looked_at() -> None:
    (gap,) = gaps(Codebase(handlers=(declared("cart.spec.ts"),), functions=(function("addItem", False),)))
    assert (gap.executions, gap.failures, gap.samples) == (40, 0, 40)
    assert (gap.actual, gap.expected, gap.unit) == (0.0, 1.0, "tests")
    assert gap.evidence == (
        "coverage.lcov lists addItem at src/cart.js:7 as never executed, "
        "although cart.spec.ts is declared to test it"
    )
    assert gap.description == "addItem ran 40 times in production and no test covers it"
    assert (gap.first_seen_ms, gap.last_seen_ms) == (70_000, 70_000 + WINDOW_MS)
    assert len(gap.origins) == 3
    assert gap.confidence == 1.0


def test_a_declaration_is_weaker_evidence_than_a_measurement() -> None:
    (gap,) = gaps(Codebase(handlers=(declared(),)))
    assert gap.confidence < 1.0
    assert gap.evidence == "cart.json declares addItem without a test"


def test_an_untested_handler_that_fails_is_graver() -> None:
    untested = Codebase(handlers=(declared(),))
    (healthy,), (failing,) = gaps(untested), gaps(untested, beat([20.0] * 40, failed=1))
    assert (healthy.severity, failing.severity) == ("low", "medium")
    assert failing.severity_reason == "1 of 41 executions failed (medium from 1)"


def test_a_beat_that_only_started_did_not_run() -> None:
    assert gaps(Codebase(handlers=(declared(),)), BeatStats(started=1)) == ()


def test_switched_off_nothing_is_told() -> None:
    assert gaps(Codebase(handlers=(declared(),)), limits=Detect(coverage=False)) == ()


def test_what_ran_before_counts_too_and_has_a_time() -> None:
    """Each execution once: learned, waiting to be learned, or new."""
    baseline = learned()
    baseline.beats[BEAT] = Learned(beat([20.0] * 5), 1, [Recent(0, beat([20.0] * 3), tainted=True)])
    baseline.judged_until_ms = 70_000
    untested = Codebase(handlers=(declared(),))
    limits = Detect()
    (gap,) = detect_coverage_gaps(metrics(), baseline=baseline, codebase=untested, limits=limits).anomalies
    assert (gap.executions, gap.first_seen_ms, gap.last_seen_ms) == (8, 70_000, 70_000)
    now = of_beat(beat([20.0] * 2), start_ms=70_000)
    (gap,) = detect_coverage_gaps(now, baseline=baseline, codebase=untested, limits=limits).anomalies
    assert (gap.executions, gap.first_seen_ms, gap.last_seen_ms) == (10, 70_000, 80_000)
    assert baseline.beats[BEAT].reference.completed == 5


DAY_MS = 86_400_000
LOCATED = replace(declared(), file="src/cart.js", line=5, end_line=9)


def changed(at_ms: int, first: int = 6) -> Commit:
    change = FileChange("src/cart.js", "src/cart.js", (Hunk(first, 1, first, 1),))
    return Commit("0123456789abcdef", "Ada", at_ms, "Add twice", (change,))


@pytest.mark.parametrize(
    ("commit", "severity"),
    [
        pytest.param(changed(60_000), "medium", id="changed lately"),
        pytest.param(changed(60_000, first=20), "low", id="another function of the file changed"),
        pytest.param(changed(60_000 - 14 * DAY_MS), "low", id="changed long ago"),
        pytest.param(changed(90_000), "low", id="changed after the windows"),
    ],
)
def test_an_untested_handler_that_changed_lately_is_graver(commit: Commit, severity: str) -> None:
    (gap,) = gaps(Codebase(handlers=(LOCATED,), commits=(commit,)))
    assert gap.severity == severity
    assert gap.changed_ms == (60_000 if severity == "medium" else 0)
    assert ("commit 0123456789ab changed it" in gap.severity_reason) == (severity == "medium")


def test_gaps_are_ranked_by_change_then_failures_then_use() -> None:
    beats = {
        "cart:rare": beat([20.0] * 5),
        "cart:often": beat([20.0] * 50),
        "cart:failing": beat([20.0] * 2, failed=1),
        "cart:changed": beat([20.0]),
    }
    now = of_beat(beats["cart:rare"], start_ms=70_000)
    (window,) = now.windows.values()
    window.beats = {("cart-symphony", event): stats for event, stats in beats.items()}
    handlers = tuple(declared(event=event) for event in beats)
    known = Codebase(
        handlers=(*handlers[:3], replace(handlers[3], file="src/cart.js", line=5, end_line=9)),
        commits=(changed(60_000),),
    )
    found = detect_coverage_gaps(now, baseline=Baseline(), codebase=known, limits=Detect()).anomalies
    assert [gap.event for gap in found] == ["cart:changed", "cart:failing", "cart:often", "cart:rare"]
