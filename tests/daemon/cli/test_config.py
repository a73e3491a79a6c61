"""`config`: the settings in force, where they come from, and their schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import load_settings
from config.schema import schema_text
from tests.daemon.cli.conftest import Cli


@pytest.fixture
def settings_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings from all places."""
    path = folder / "selfheald.yaml"
    path.write_text(
        'detect:\n  over_expected: 0.8\nexpected_ms: {"a/*": 5, "ü: #": 7}\nlogs: {include: ["*.log"]}\n'
    )
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "local.yaml").write_text("log:\n  file: 'a: b'\n")
    monkeypatch.setenv("SELFHEALD_DETECT__MIN_SAMPLES", "20")
    return path


def test_each_value_has_its_origin(settings_file: Path, cli: Cli) -> None:
    code, out, err = cli("config", "show", "--origin")
    assert (code, err) == (0, "")
    assert "  over_expected: 0.8  # selfheald.yaml:2\n" in out
    assert "  min_samples: 20  # SELFHEALD_DETECT__MIN_SAMPLES\n" in out
    assert '  file: "a: b"  # conf.d/local.yaml:2\n' in out
    assert "  confidence: 0.99  # default\n" in out


@pytest.mark.parametrize("origin", [(), ("--origin",)], ids=["alone", "with origins"])
def test_what_is_shown_gives_the_same_settings_again(
    origin: tuple[str, ...], settings_file: Path, cli: Cli, tmp_path: Path
) -> None:
    shown = tmp_path / "shown.yaml"
    shown.write_text(cli("config", "show", *origin).out)
    environ = {"SELFHEALD_DETECT__MIN_SAMPLES": "20"}
    assert load_settings(shown, {}).settings == load_settings(settings_file, environ).settings


def test_programs_get_value_and_origin_by_key(settings_file: Path, cli: Cli) -> None:
    shown = cli("config", "show", "--format", "json").json()
    assert shown["detect.over_expected"] == {"value": 0.8, "origin": "selfheald.yaml:2"}
    assert shown["logs.include"] == {"value": ["*.log"], "origin": "selfheald.yaml:4"}
    assert shown["store.path"] == {"value": ".selfheald/store.db", "origin": "default"}


def test_settings_with_an_error_are_told_with_file_and_line(settings_file: Path, cli: Cli) -> None:
    settings_file.with_name("conf.d").joinpath("z.yaml").write_text("detect: {confidence: 1}")
    code, out, err = cli("config", "show")
    assert (code, out) == (2, "")
    assert err == "selfheald: conf.d/z.yaml:1: detect.confidence: must be less than 1 (got 1)\n"


def test_the_schema_is_printed(cli: Cli) -> None:
    assert cli("config", "schema") == (0, schema_text(), "")


@pytest.mark.parametrize("group", ["config", "service"])
def test_a_group_without_a_command_is_its_help(group: str, cli: Cli) -> None:
    assert cli(group) == cli(group, "--help")


def test_check_config_counts_what_drop_ins_set(settings_file: Path, cli: Cli) -> None:
    code, out, _ = cli("check-config")
    assert code == 0
    assert out.startswith(
        "selfheald.yaml and conf.d/local.yaml: valid (3 set by the file, 1 by drop-ins, 1 by "
    )
