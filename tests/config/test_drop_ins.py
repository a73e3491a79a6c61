"""Drop-ins: `conf.d/*.yaml` beside the settings file, in the order of their names, the last one wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.load import load_settings, settings_files
from tests.config.problems import problems_of, written


def drop_in(name: str, content: str) -> Path:
    path = Path("conf.d", name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_the_last_file_wins_setting_by_setting() -> None:
    path = written("detect: {over_expected: 0.1, min_samples: 11, confidence: 0.9}")
    drop_in("20-b.yaml", "detect: {over_expected: 0.3}")
    drop_in("10-a.yaml", "detect: {over_expected: 0.2, min_samples: 12}\nlog:\n  level: DEBUG\n")
    loaded = load_settings(path, {})
    detect = loaded.settings.detect
    assert (detect.over_expected, detect.min_samples, detect.confidence) == (0.3, 12, 0.9)
    assert loaded.origins["detect.over_expected"] == "conf.d/20-b.yaml:1"
    assert loaded.origins["detect.min_samples"] == "conf.d/10-a.yaml:1"
    assert loaded.origins["detect.confidence"] == "c.yaml:1"
    assert loaded.origins["log.level"] == "conf.d/10-a.yaml:3"


def test_a_variable_wins_over_all_files() -> None:
    path = written("log: {level: INFO}")
    drop_in("a.yaml", "log: {level: ERROR}")
    loaded = load_settings(path, {"SELFHEALD_LOG__LEVEL": "DEBUG"})
    assert loaded.settings.log.level == "DEBUG"
    assert loaded.origins["log.level"] == "SELFHEALD_LOG__LEVEL"


def test_names_with_values_are_replaced_and_not_joined() -> None:
    path = written("expected_ms: {a: 1, b: 2}")
    drop_in("a.yaml", "expected_ms: {b: 3}")
    loaded = load_settings(path, {})
    assert loaded.settings.expected_ms == {"b": 3.0}
    assert loaded.origins["expected_ms"] == "conf.d/a.yaml:1"


def test_all_problems_are_told_in_the_order_of_the_files() -> None:
    path = written("detect:\n  min_samples: 1\n")
    drop_in("z.yaml", "detect:\n  min_sample: 20\nlog: {level: LOUD}\n")
    drop_in("b.yaml", "\nlog:\n  file: [\n")
    drop_in("a.yaml", "detect: 5\n")
    assert problems_of(path) == [
        "c.yaml:2: detect.min_samples: must be greater than or equal to 5 (got 1)",
        "conf.d/a.yaml:1: detect: must be a section with settings below it",
        "conf.d/b.yaml:4: expected the node content, but found '<stream end>'",
        "conf.d/z.yaml:2: detect.min_sample: unknown setting; did you mean detect.min_samples?",
        "conf.d/z.yaml:3: log.level: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR' (got LOUD)",
    ]


def test_a_value_that_a_later_file_corrects_is_no_problem() -> None:
    path = written("detect: {min_samples: 1}\n")
    drop_in("a.yaml", "detect: {min_samples: [7]}\n")
    assert problems_of(path) == ["conf.d/a.yaml:1: detect.min_samples: must be a whole number"]
    drop_in("b.yaml", "detect: {min_samples: 7}\n")
    assert load_settings(path, {}).settings.detect.min_samples == 7


@pytest.mark.parametrize("name", [".a.yaml", ".#a.yaml", "a.yaml~", "a.yaml.shipped", "a.yml"])
def test_a_file_of_another_name_is_no_drop_in(name: str) -> None:
    path = written("log: {}")
    drop_in(name, "nonsense")
    assert settings_files(path) == [path]
    assert load_settings(path, {}).settings.log.level == "INFO"


def test_without_a_settings_file_there_are_no_drop_ins() -> None:
    drop_in("a.yaml", "log: {level: ERROR}")
    assert load_settings(None, {}).settings.log.level == "INFO"


def test_a_link_that_leads_nowhere_is_reported() -> None:
    path = written("log: {}")
    drop_in("a.yaml", "").unlink()
    Path("conf.d/a.yaml").symlink_to("gone.yaml")
    assert problems_of(path) == ["conf.d/a.yaml: is not there"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list any folder")
def test_a_folder_that_cannot_be_listed_is_reported() -> None:
    path = written("log: {}")
    drop_in("a.yaml", "log: {}")
    Path("conf.d").chmod(0)
    try:
        assert problems_of(path) == ["conf.d: cannot be listed: Permission denied"]
    finally:
        Path("conf.d").chmod(0o700)
