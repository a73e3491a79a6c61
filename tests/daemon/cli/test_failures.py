"""What cannot be done is told in a line or two on standard error, with exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.cli.conftest import Cli

READERS = ["status", "sources", "anomalies", "recommendations", "show perf"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("frobnicate", "No such command 'frobnicate'", id="unknown command"),
        pytest.param("status --frob", "No such option: --frob", id="unknown option"),
        pytest.param("show", "Missing argument 'ID'", id="missing argument"),
        pytest.param("compare a", "Missing argument", id="second path is missing"),
        pytest.param("compare a b --fail-on bad", "'bad' is not one of 'low'", id="wrong choice"),
        pytest.param("anomalies --type slow", "'slow' is not one of 'performance'", id="wrong type"),
        pytest.param("compare a b", "a: there is no such file or directory", id="path that is not there"),
        pytest.param("status --config no.yaml", "no.yaml", id="settings file that is not there"),
        pytest.param("status --store no.db", "no.db: there is no store", id="store that is not there"),
        pytest.param("status", ".selfheald/store.db: there is no store", id="no store and no settings"),
        pytest.param("run --once --store /dev/null/x", "/dev/null/x", id="store that cannot be made"),
        pytest.param("run --once --store=", "--store: store.path: must not be empty", id="empty option"),
        pytest.param(
            "run --once --config no.yaml", "no.yaml", id="run with a settings file that is not there"
        ),
    ],
)
def test_it_says_what_is_wrong(arguments: str, said: str, cli: Cli) -> None:
    code, out, err = cli(*arguments.split())
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("selfheald: ")
    assert len(err.splitlines()) <= 2


@pytest.mark.parametrize("command", READERS)
def test_a_file_that_is_no_store_is_told_by(command: str, folder: Path, cli: Cli) -> None:
    (folder / "x.db").write_text("this is no database, but it is long enough to look at" * 100)
    code, out, err = cli(*command.split(), "--store", "x.db")
    assert (code, out) == (2, "")
    assert "x.db" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [*READERS, "run --once", "check-config", "compare a b"])
def test_bad_settings_are_told_with_file_and_line_by(command: str, folder: Path, cli: Cli) -> None:
    path = folder / "my.yaml"
    path.write_text("detect:\n  over_expected: fast\n  min_samples: 1\n")
    code, out, err = cli(*command.split(), "--config", path)
    assert (code, out) == (2, "")
    assert f"{path}:2: detect.over_expected: must be a number (got fast)" in err
    assert f"{path}:3: detect.min_samples" in err


def test_a_variable_that_is_wrong_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFHEALD_DETECT__MIN_SAMPLE", "7")
    code, _, err = cli("status")
    assert code == 2
    assert "SELFHEALD_DETECT__MIN_SAMPLE" in err
    assert "did you mean SELFHEALD_DETECT__MIN_SAMPLES?" in err


def test_an_own_log_that_cannot_be_opened_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFHEALD_LOG__FILE", "/dev/null/daemon.log")
    code, out, err = cli("run", "--once")
    assert (code, out) == (2, "")
    assert "/dev/null" in err


def test_the_state_can_be_read_while_the_settings_file_is_broken(folder: Path, cli: Cli) -> None:
    assert cli("run", "--once").code == 0
    (folder / "selfheald.yaml").write_text("detect:\n  over_expected: -1\n")
    code, out, err = cli("status")
    assert code == 0
    assert "open" in out
    assert "selfheald.yaml:2: detect.over_expected" in err
    assert "is passed over" in err
