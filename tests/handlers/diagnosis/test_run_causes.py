"""What is said, and advised, of runs that hang, beats that come late and sequences that nothing knows."""

from __future__ import annotations

import msgspec
import pytest

from handlers.diagnosis.analyze_behavioral_issues import analyze_behavioral_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import BehavioralAnomaly, Sequence
from tests.handlers.diagnosis.builders import EXPORT, PATH, declared, deviating

SEQUENCE = Sequence(EXPORT, "Canvas Component Export", "ExportPlugin", PATH, "sequences/export.json")
HANDLERS = (declared("build", "Build", EXPORT, "ExportPlugin", 5, 14),)


def gone_wrong(kind: str, beats: tuple[str, ...] = ("build",)) -> BehavioralAnomaly:
    anomaly = deviating(observed=(), beats=beats, share=0.25, kind=kind, expected_from="baseline")
    if kind == "too-late":
        return msgspec.structs.replace(anomaly, actual=120.0, expected=20.0, limit=30.0, unit="ms")
    return anomaly


@pytest.mark.parametrize(
    ("kind", "beats", "cause", "evidence", "affected", "title"),
    [
        pytest.param(
            "unfinished",
            ("build",),
            "beat 5 (build) is the last that these runs tell",
            "100 of 400 runs (25 %) never ended",
            100,
            f"Make every run of {EXPORT} end",
            id="a handler hangs",
        ),
        pytest.param(
            "unfinished",
            (),
            "its beginning is the last that these runs tell",
            "100 of 400 runs (25 %) never ended",
            100,
            f"Make every run of {EXPORT} end",
            id="nothing plays the first beat",
        ),
        pytest.param(
            "too-late",
            ("build",),
            "beat 5 (build) is played late",
            "median wait 120 ms, 20.0 ms or less in healthy runs",
            200,  # a median proves half of them
            f"Play build in {EXPORT} in time again",
            id="a beat comes late",
        ),
        pytest.param(
            "unknown-sequence",
            ("build",),
            "the sequence is new",
            "400 runs, none in the baseline",
            100,
            f"Declare {EXPORT}, or keep it from running",
            id="a sequence is not known",
        ),
    ],
)
def test_it_is_diagnosed_and_something_can_be_done(
    kind: str, beats: tuple[str, ...], cause: str, evidence: str, affected: int, title: str
) -> None:
    anomaly = gone_wrong(kind, beats)
    diagnosed = analyze_behavioral_issues((anomaly,), (SEQUENCE,), handlers=HANDLERS).diagnosis
    assert diagnosed[0].cause.startswith(cause)
    assert diagnosed[0].evidence[0].startswith(evidence)
    assert diagnosed[0].location == (f"sequences/{EXPORT}.json:14" if beats else "sequences/export.json")
    (assessed,) = assess_impact(diagnosed).assessed_diagnosis
    assert assessed.impact.affected == affected
    (fix,) = recommend_fixes((assessed,)).recommendations
    assert fix.title == title
    assert "{" not in "".join((fix.action, *fix.steps, fix.title))
