"""`check-config`: which file, what is wrong with it, and where."""

from __future__ import annotations

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
