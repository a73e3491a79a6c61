"""Three faults at known times: the diagnosis names commit, file and line, and clears a fourth commit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from config.load import load_settings
from daemon.cli.app import run
from daemon.once import OnceReport, run_once
from handlers.model import AssessedDiagnosis, FixRecommendation
from tests.scenario.shop import BEGIN_S, DEPLOY_S, EVERY_S, HOUR_S, Commits, make_project, write_log


class World(NamedTuple):
    commits: Commits
    report: OnceReport
    settings: Path

    def first(self, kind: str) -> FixRecommendation:
        """The first recommendation for the one anomaly whose id begins so."""
        found = [each for each in self.report.recommendations if each.anomaly_id.startswith(kind)]
        assert len({each.anomaly_id for each in found}) == 1, [each.title for each in found]
        return found[0]

    def assessed(self, kind: str) -> AssessedDiagnosis:
        return self.first(kind).assessed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("scenario")
    commits = make_project(place / "shop")
    (place / "logs").mkdir()
    write_log(place / "logs" / "shop.jsonl")
    settings = place / "selfheald.yaml"
    settings.write_text(
        f"logs: {{directories: [{place / 'logs'}]}}\n"
        f"store: {{path: {place / 'store.db'}}}\n"
        f"project: {{root: {place / 'shop'}, sequences: [{place / 'shop' / 'sequences'}]}}\n"
        "detect: {coverage: false}\n"
        "log: {level: ERROR}\n"
    )
    return World(commits, run_once(load_settings(settings, {}), {}), settings)


FAULTS = pytest.mark.parametrize(
    ("kind", "commit", "hour", "place"),
    [
        pytest.param("perf", "slow", 1, "prices.py:5", id="the slow-down, in Python"),
        pytest.param("error", "bug", 2, "src/panel.ts:4", id="the bug, in TypeScript"),
        pytest.param("behav", "swapped", 3, "src/export.ts:7", id="the swapped beats"),
    ],
)


def test_exactly_the_three_faults_are_open(world: World) -> None:
    assert sorted(each.anomaly.id.partition("-")[0] for each in world.report.anomalies) == [
        "behav",
        "error",
        "perf",
    ]


@FAULTS
def test_the_commit_is_named_with_file_and_line(
    world: World, kind: str, commit: str, hour: int, place: str
) -> None:
    diagnosis = world.assessed(kind).diagnosis
    sha = getattr(world.commits, commit)
    assert diagnosis.suspects[0].sha == sha
    assert sha[:12] in diagnosis.cause
    assert (diagnosis.location, world.first(kind).location) == (place, place)


@FAULTS
def test_the_beginning_is_known_to_the_window(
    world: World, kind: str, commit: str, hour: int, place: str
) -> None:
    began_ms = world.assessed(kind).diagnosis.began_ms
    assert began_ms is not None
    live_ms = (BEGIN_S + hour * HOUR_S + DEPLOY_S) * 1000
    slack_ms = 10 * EVERY_S * 1000 if kind == "error" else EVERY_S * 1000
    assert began_ms[0] <= live_ms + slack_ms
    assert live_ms <= began_ms[1] <= live_ms + slack_ms


@FAULTS
def test_every_other_commit_is_ruled_out_by_name(
    world: World, kind: str, commit: str, hour: int, place: str
) -> None:
    diagnosis = world.assessed(kind).diagnosis
    others = set(msgspec.structs.astuple(world.commits)) - {getattr(world.commits, commit)}
    assert others.isdisjoint(each.sha for each in diagnosis.suspects)
    innocent = [each for each in diagnosis.ruled_out if world.commits.innocent[:12] in each]
    assert len(innocent) == 1
    assert "touches nothing" in innocent[0]


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        pytest.param("perf", "confirmed", id="confirmed, the commit brought the call in a loop"),
        pytest.param("error", "confirmed", id="confirmed, the commit brought the line that throws"),
        pytest.param("behav", "likely", id="likely, where nothing else speaks for the commit"),
    ],
)
def test_it_is_as_sure_as_the_facts_are_many(world: World, kind: str, verdict: str) -> None:
    assert world.assessed(kind).diagnosis.verdict == verdict


def test_the_call_in_a_loop_is_named_and_to_be_taken_out_of_it(world: World) -> None:
    assert "requests.get (prices.py:7)" in world.assessed("perf").diagnosis.cause
    assert "Take requests.get (prices.py:7) out of the loop" in world.first("perf").action


def test_the_definition_of_the_swapped_beats_is_cleared(world: World) -> None:
    assert world.assessed("behav").diagnosis.cause_kind == "program-changed"
    assert any("a changed definition" in each for each in world.assessed("behav").diagnosis.ruled_out)


@FAULTS
def test_the_command_diagnoses_anew_and_comes_to_the_same(
    world: World, capsys: pytest.CaptureFixture[str], kind: str, commit: str, hour: int, place: str
) -> None:
    before = (world.settings.parent / "store.db").read_bytes()
    capsys.readouterr()
    assert run(["diagnose", kind, "--config", str(world.settings), "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["diagnoses"]
    stored = world.assessed(kind).diagnosis
    assert found["anomaly"] == stored.anomaly.id
    assert found["diagnosis"]["cause"] == stored.cause
    assert found["diagnosis"]["location"] == place
    assert found["recommendations"][0]["action"] == world.first(kind).action
    assert (world.settings.parent / "store.db").read_bytes() == before


def test_the_command_says_all_that_is_open(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["diagnose", "--config", str(world.settings)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for kind in ("perf", "error", "behav"):
        assert world.assessed(kind).diagnosis.cause in text
        assert world.first(kind).title in text


@FAULTS
def test_the_chart_of_the_report_marks_the_commit(
    world: World, tmp_path: Path, kind: str, commit: str, hour: int, place: str
) -> None:
    page = tmp_path / "report.html"
    assert run(["report", "--html", str(page), "--since", "3650d", "--config", str(world.settings)]) == 0
    charts = re.findall(r"<svg.*?</svg>", page.read_text(), re.DOTALL)
    sha = getattr(world.commits, commit)
    assert sum(f"commit {sha[:12]}: " in chart for chart in charts) == 1


def test_the_line_is_shown_as_it_is_and_as_it_was(world: World) -> None:
    fix = world.first("error")
    assert "`const fields = panel.fields;` → `const fields = panel?.fields ?? [];`" in fix.action
    assert f"Or take back all of the commit: git revert {world.commits.bug[:12]}" in fix.steps
