"""`check-config`: which file, what is wrong with it, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemon.cli.conftest import Cli


def test_it_says_which_file_is_valid_and_where_values_come_from(
    folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "selfheald.yaml").write_text("detect:\n  min_samples: 20\n  confidence: 0.95\n")
    monkeypatch.setenv("SELFHEALD_LOG__LEVEL", "DEBUG")
    code, out, err = cli("check-config")
    assert (code, err) == (0, "")
    assert out.startswith("selfheald.yaml: valid (2 set by the file, 1 by variables, ")


def test_without_a_file_it_says_so(cli: Cli) -> None:
    code, out, _ = cli("check-config")
    assert code == 0
    assert out.startswith("no settings file")


def test_the_file_with_problems_is_named_first(folder: Path, cli: Cli) -> None:
    (folder / "selfheald.yaml").write_text("detekt: {}\n")
    code, out, err = cli("check-config")
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first == "selfheald: selfheald.yaml: cannot be used"
    assert second.startswith("selfheald: selfheald.yaml:1: detekt: unknown setting; did you mean detect?")


def test_a_log_format_that_is_unknown_is_a_problem(folder: Path, cli: Cli) -> None:
    (folder / "selfheald.yaml").write_text("logs:\n  format: xml\n")
    code, _, err = cli("check-config")
    assert code == 2
    assert "selfheald.yaml:2: logs.format: must be one of auto" in err


def test_as_json_it_says_the_same(folder: Path, cli: Cli) -> None:
    (folder / "selfheald.yaml").write_text("detect:\n  min_samples: 20\n")
    found = cli("check-config", "--format", "json").json()
    assert (found["file"], found["valid"], found["problems"]) == ("selfheald.yaml", True, [])
    assert found["origins"]["file"] == 1
    (folder / "selfheald.yaml").write_text("detekt: {}\n")
    code, out, err = cli("check-config", "--format", "json")
    assert code == 2
    found = json.loads(out)
    assert not found["valid"]
    assert [f"selfheald: {problem}" for problem in found["problems"]] == err.splitlines()[1:]


class TestBacktest:
    def test_as_json_it_names_the_incidents(self, folder: Path, cli: Cli, judged: Path) -> None:
        (folder / "new.yaml").write_text("detect:\n  over_expected: 1.5\n")
        options = ("--config", "new.yaml", "--store", judged, "--backtest", "--format", "json")
        found = cli("check-config", *options).json()["backtest"]
        assert found["changes"] == [{"key": "detect.over_expected", "old": "0.5", "new": "1.5"}]
        assert [each["id"][:5] for each in found["vanish"]] == ["perf-"]
        assert (found["before"], found["after"], found["appear"], found["refused"]) == (5, 4, [], "")

    def test_it_says_what_the_file_would_have_changed(self, folder: Path, cli: Cli, judged: Path) -> None:
        (folder / "new.yaml").write_text("detect:\n  over_expected: 1.5\n")
        code, out, err = cli("check-config", "--config", "new.yaml", "--store", judged, "--backtest")
        assert (code, err) == (0, "")
        assert "detect.over_expected: 0.5 -> 1.5\n5 -> 4 incidents in 1.0 min of stored history" in out
        assert "Would vanish\nmedium    perf-" in out
        assert "Would appear" not in out

    def test_the_required_gate_decides_the_exit_code(self, folder: Path, cli: Cli, judged: Path) -> None:
        (folder / "new.yaml").write_text("detect:\n  errors: false\n  reload_gate: require\n")
        code, out, _ = cli("check-config", "--config", "new.yaml", "--store", judged, "--backtest")
        assert code == 1
        assert "save it with detect.reload_gate: warn" in " ".join(out.split())

    def test_a_span_chooses_the_newest_part(self, folder: Path, cli: Cli, judged: Path) -> None:
        (folder / "new.yaml").write_text("detect:\n  errors: false\n")
        code, out, _ = cli("check-config", "--config", "new.yaml", "--store", judged, "--since", "30s")
        assert code == 0
        assert "incidents in 30.0 s of stored history" in out

    def test_settings_that_judge_alike_need_none(self, cli: Cli, judged: Path) -> None:
        code, out, _ = cli("check-config", "--store", judged, "--backtest")
        assert code == 0
        assert "Nothing that takes part in verdicts differs" in out

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            pytest.param(["--since", "soon"], "--since: must be a span such as 90m", id="no span"),
            pytest.param(["--backtest"], "there is no store", id="no store"),
        ],
    )
    def test_what_cannot_be_done_is_told(self, cli: Cli, options: list[str], reason: str) -> None:
        code, _, err = cli("check-config", *options)
        assert code == 2
        assert reason in err
