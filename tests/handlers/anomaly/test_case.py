"""A verdict can be made again from what is kept of its inputs, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from config.settings import DetectOf
from daemon import case_files
from handlers.anomaly import case_inputs
from handlers.anomaly.case import differing, replayed
from tests.handlers.anomaly import histories
from tests.handlers.anomaly.histories import TROUBLES, as_json, played

CYCLES = st.lists(st.lists(st.sampled_from(TROUBLES), min_size=1, max_size=6), max_size=6)
OWN_LIMITS = {"play-1*": DetectOf(over_expected=1.0, rate_drop=0.5), "Log.*": DetectOf(min_samples=20)}


@settings(max_examples=25)
@given(CYCLES, st.sampled_from([{}, OWN_LIMITS]))
def test_whatever_happens_each_verdict_is_made_again_from_its_case(
    cycles: list[list[str]], detect_of: dict[str, DetectOf]
) -> None:
    for case in played(cycles, detect_of).cases:
        stored = case_files.from_builtins(msgspec.json.decode(as_json(case)))
        assert stored == case
        assert replayed(stored) == case.anomaly, case.anomaly
        assert replayed(stored) == case.anomaly, "a replay changes nothing of its case"


def test_the_histories_hold_every_kind_of_anomaly() -> None:
    cases = played([*([trouble] * 4 for trouble in TROUBLES), ["stops"] * 40]).cases
    kinds = {case.anomaly.kind for case in cases}
    assert kinds >= {"slow", "slow-tail", "silent", "new", "out-of-order", "untested", "unreached"}
    members = {(case.anomaly.id[:4], member.type) for case in cases for member in case.anomaly.members}
    assert members == {("perf", "performance"), ("erro", "error"), ("erro", "behavioral")}
    assert all(replayed(case) == case.anomaly for case in cases)


def test_what_no_report_lists_is_made_again_without_any_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "CODEBASE", replace(histories.CODEBASE, handlers=()))
    cases = [each for each in played([[""] * 4]).cases if each.anomaly.kind == "untested"]
    assert cases
    assert all(replayed(case) == case.anomaly for case in cases)


@pytest.mark.parametrize("trouble", ["slow", "failing", "moved"])
def test_a_case_holds_its_own_subjects_alone(trouble: str) -> None:
    cases = [each for each in played([[trouble] * 4]).cases if not each.anomaly.id.startswith("cover-")]
    assert cases
    for case in cases:
        about = {case.anomaly.sequence, *case.anomaly.affected}
        baseline = case.baseline
        sequences = {key[0] for key, _ in (*baseline.beats, *baseline.errors, *baseline.long_term)}
        assert sequences <= about
        learned = {name for name, known in baseline.runs.items() if known.recent}
        assert learned <= about
        assert len(as_json(case)) < 64_000


def test_other_inputs_give_another_verdict_and_it_is_told_in_what() -> None:
    [case] = [
        each
        for each in played([["slow"] * 4]).cases
        if each.anomaly.sequence == "play-0" and each.anomaly.kind == "slow"
    ]
    less = replace(case, windows=case.windows[:-1])
    now = replayed(less)
    assert now is not None
    assert {"actual", "samples", "last_seen_ms"} & set(differing(case.anomaly, now))
    assert replayed(replace(case, windows=())) is None


def test_what_stands_for_too_many_is_kept_without_its_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_inputs, "MAX_SUBJECTS", 3)
    [group] = [each for each in played([["all-slow"] * 4]).cases if each.anomaly.members]
    assert group.cut == f"it stands for {len(group.anomaly.members)} others, too many to keep"
    assert not group.windows


def test_the_order_of_hashes_has_no_part_in_it() -> None:
    def printed(seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "tests.handlers.anomaly.histories"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first = printed("1")
    assert len(first) > 10_000
    assert printed("2") == printed("77") == first
