"""Each fault of the sample log has the right cause at the top, with type and file, by its definitions."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Final

import pytest

from config.load import load_settings
from daemon.once import run_once
from handlers.model import FixRecommendation

DATA: Final = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def advice(tmp_path_factory: pytest.TempPathFactory) -> list[FixRecommendation]:
    place = tmp_path_factory.mktemp("sample")
    logs = place / "logs"
    logs.mkdir()
    for name in ("healthy", "regressed"):
        packed = DATA / "conductor" / f"{name}.log.gz"
        (logs / f"{name}.log").write_bytes(gzip.decompress(packed.read_bytes()))
    settings = place / "selfheald.yaml"
    settings.write_text(
        f"logs: {{directories: [{logs}]}}\n"
        f"store: {{path: {place / 'store.db'}}}\n"
        f"project: {{sequences: [{DATA / 'sequences'}]}}\n"
        "detect: {coverage: false}\n"
        "log: {level: ERROR}\n"
    )
    return list(run_once(load_settings(settings, {}), {}).recommendations)


FAULTS = pytest.mark.parametrize(
    ("event", "kind", "cause_kind", "says", "type_", "file"),
    [
        pytest.param(
            "canvas:component:render-react",
            "perf",
            "own-work",
            "the added time is spent in CanvasComponentPlugin.renderReact itself",
            "code",
            "canvas-component/create.json",
            id="the slowed beat",
        ),
        pytest.param(
            "control:panel:ui:render",
            "error",
            "null-access",
            "when its 'fields' is used",
            "code",
            "/app/produce.mjs:119",
            id="the TypeError with its frame",
        ),
        pytest.param(
            "canvas:component:paste:create",
            "error",
            "limit",
            "a value is beyond a limit",
            "code",
            "/app/produce.mjs:119",
            id="the RangeError with its frame",
        ),
        pytest.param(
            "canvas:component:collect-css",
            "behav",
            "program-changed",
            "3 (canvas:component:collect-css) and 4 (canvas:component:collect-layout) are swapped",
            "code",
            "canvas-component/export.json",
            id="the swapped beats",
        ),
        pytest.param(
            "canvas:component:select:notify",
            "behav",
            "not-registered",
            "beat 2 (canvas:component:select:notify) does not run",
            "code",
            "canvas-component/select.json",
            id="the beat that never runs",
        ),
    ],
)


@FAULTS
def test_a_fault_has_the_right_cause_type_and_file(
    advice: list[FixRecommendation],
    event: str,
    kind: str,
    cause_kind: str,
    says: str,
    type_: str,
    file: str,
) -> None:
    first = next(
        each
        for each in advice
        if each.assessed.diagnosis.anomaly.event == event and each.anomaly_id.startswith(kind)
    )
    assert first.assessed.diagnosis.cause_kind == cause_kind
    assert says in first.assessed.diagnosis.cause
    assert first.type == type_
    assert file in first.location


def test_nothing_else_is_accused(advice: list[FixRecommendation]) -> None:
    accused = {each.assessed.diagnosis.anomaly.event for each in advice}
    truth = json.loads((DATA / "conductor" / "truth.json").read_text())
    assert len(accused) == len(truth)


def test_every_fault_began_with_the_second_log(advice: list[FixRecommendation]) -> None:
    began_ms = {each.assessed.diagnosis.began_ms for each in advice}
    assert began_ms == {(1_795_363_880_000, 1_795_363_890_000)}


def test_the_restart_at_which_it_began_is_told(advice: list[FixRecommendation]) -> None:
    for each in advice:
        assert any(
            "restarted at 2026-11-22 16:11:20 UTC" in fact for fact in each.assessed.diagnosis.evidence
        )
