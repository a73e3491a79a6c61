"""Objectives in the settings: exactly one promise each, with words for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import SettingsError, load_settings


def load(tmp_path: Path, objective: str) -> float:
    file = tmp_path / "selfheald.yaml"
    file.write_text(f"objectives:\n  fast: {objective}\n")
    return load_settings(file, {}).settings.objectives["fast"].allowed


@pytest.mark.parametrize(
    ("objective", "allowed"),
    [
        pytest.param('{match: "*", latency_ms: 200}', 0.01, id="latency, of 99 % if nothing else is said"),
        pytest.param('{match: "*", latency_ms: 200, target: 0.95}', 0.05, id="latency, of 95 %"),
        pytest.param('{match: "*", error_rate: 0.002}', 0.002, id="error rate"),
        pytest.param('{match: "*", availability: 0.999}', 0.001, id="availability"),
        pytest.param('{match: "*", throughput: 5, target: 0.9}', 0.1, id="throughput"),
    ],
)
def test_the_error_budget_follows(tmp_path: Path, objective: str, allowed: float) -> None:
    assert load(tmp_path, objective) == pytest.approx(allowed)


@pytest.mark.parametrize(
    ("objective", "problem"),
    [
        pytest.param("{latency_ms: 200}", "needs a match", id="no match"),
        pytest.param('{match: "*"}', "must have exactly one of latency_ms", id="no promise"),
        pytest.param(
            '{match: "*", latency_ms: 9, error_rate: 0.1}', "must have exactly one of", id="two promises"
        ),
        pytest.param(
            '{match: "*", availability: 0.9, target: 0.5}',
            "target belongs to latency_ms",
            id="target in vain",
        ),
        pytest.param('{match: "*", availability: 99.9}', "must be less than 1", id="percent for a share"),
        pytest.param('{match: "*", latency: 9}', "an objective has match, one of", id="unknown setting"),
        pytest.param("200", "must have a match and one of", id="a number"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, objective: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, objective)
    assert "selfheald.yaml:2: objectives.fast" in str(raised.value)
    assert problem in str(raised.value)
