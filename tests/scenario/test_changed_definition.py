"""The definition of a sequence is committed in another order, and the program goes on as it did."""

from __future__ import annotations

import json

import pytest

from config.load import load_settings
from daemon.once import run_once
from handlers.model import FixRecommendation
from tests.daemon.codebase.project import Project
from tests.scenario.shop import BEATS, BEGIN_S, COLLECT, DEFINITION, EXPORT, HOUR_S, write_log


@pytest.fixture(scope="module")
def advice(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, tuple[FixRecommendation, ...]]:
    place = tmp_path_factory.mktemp("definition")
    project = Project(place / "shop")
    project.write("src/collect.ts", COLLECT)
    project.write("src/export.ts", EXPORT)
    project.write("sequences/export.json", DEFINITION)
    project.commit("The shop", BEGIN_S - 24 * HOUR_S)
    (place / "logs").mkdir()
    settings = place / "selfheald.yaml"
    settings.write_text(
        f"logs: {{directories: [{place / 'logs'}]}}\n"
        f"store: {{path: {place / 'store.db'}}}\n"
        f"project: {{root: {place / 'shop'}, sequences: [{place / 'shop' / 'sequences'}]}}\n"
        "detect: {coverage: false, performance: false, errors: false}\n"
        "log: {level: ERROR}\n"
    )
    write_log(place / "logs" / "shop.jsonl", hours=2)
    definition = json.loads(DEFINITION)
    beats = definition["movements"][0]["beats"]
    beats[1], beats[2] = beats[2] | {"beat": 2}, beats[1] | {"beat": 3}
    project.write("sequences/export.json", json.dumps(definition, indent=2))
    sha = project.commit("Layout before style", BEGIN_S + HOUR_S)
    return sha, run_once(load_settings(settings, {}), {}).recommendations


def test_the_definition_is_blamed_and_its_commit_named(
    advice: tuple[str, tuple[FixRecommendation, ...]],
) -> None:
    sha, recommendations = advice
    diagnosis = recommendations[0].assessed.diagnosis
    assert (diagnosis.cause_kind, diagnosis.verdict) == ("definition-changed", "confirmed")
    assert sha[:12] in diagnosis.cause
    assert any("a changed program" in each for each in diagnosis.ruled_out)


def test_the_definition_is_to_be_brought_up_to_date_first(
    advice: tuple[str, tuple[FixRecommendation, ...]],
) -> None:
    first = advice[1][0]
    assert first.type == "sequence"
    assert "sequences/export.json" in first.location
    assert " → ".join(BEATS) in first.action
