"""Live settings: a saved file takes effect or is rejected as a whole."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from config.load import SettingsError
from daemon.checked import load_checked
from daemon.reload import POLL_S, SETTLE_S, LiveSettings
from tests.daemon.process import BOUND_S


def live(path: Path, text: str) -> LiveSettings:
    path.write_text(text)
    return LiveSettings(load_checked(path, {}), {})


@pytest.mark.anyio
async def test_a_valid_edit_gives_new_settings(tmp_path: Path) -> None:
    path = tmp_path / "selfheald.yaml"
    settings = live(path, "detect:\n  over_expected: 0.5\n")
    path.write_text("detect:\n  over_expected: 0.8\n")
    new = await settings.reload()
    assert new is not None
    assert new.detect.over_expected == 0.8
    assert settings.settings is new


def test_a_saved_file_is_noticed_within_a_second() -> None:
    assert POLL_S + SETTLE_S < 1


@pytest.mark.anyio
async def test_an_edit_that_changes_nothing_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "selfheald.yaml"
    settings = live(path, "detect:\n  over_expected: 0.5\n")
    path.write_text("# a comment\ndetect:\n  over_expected: 0.5\n")
    assert await settings.reload() is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text", ["", "detect: [", "detect:\n  over_expected: 0\n"], ids=["empty", "syntax", "range"]
)
async def test_an_invalid_edit_keeps_the_old_settings(tmp_path: Path, text: str) -> None:
    path = tmp_path / "selfheald.yaml"
    settings = live(path, "detect:\n  over_expected: 0.7\n")
    path.write_text(text)
    assert await settings.reload() is None
    assert settings.rejected != ()
    assert settings.settings.detect.over_expected == 0.7
    path.write_text("detect:\n  over_expected: 0.9\n")
    assert await settings.reload() is not None
    assert settings.rejected == ()


@pytest.mark.anyio
async def test_what_only_a_restart_can_change_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "selfheald.yaml"
    settings = live(path, "ingest:\n  window_s: 10\n")
    path.write_text("ingest:\n  window_s: 60\n  commit_interval_ms: 500\n")
    new = await settings.reload()
    assert new is not None
    assert new.ingest.window_s == 10
    assert new.ingest.commit_interval_ms == 500


def test_a_log_format_that_there_is_not_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "selfheald.yaml"
    path.write_text("logs:\n  format: syslog\n")
    with pytest.raises(SettingsError, match=r"selfheald.yaml:2: logs.format: must be one of auto, "):
        load_checked(path, {})


@pytest.mark.anyio
async def test_a_drop_in_that_is_saved_edited_or_removed_takes_effect(tmp_path: Path) -> None:
    path = tmp_path / "selfheald.yaml"
    settings = live(path, "detect:\n  over_expected: 0.5\n")
    drop_in = tmp_path / "conf.d" / "mine.yaml"
    drop_in.parent.mkdir()
    changes = settings.changes()
    for text in ("detect: {over_expected: 0.7}", "detect: {over_expected: 0.75}"):
        drop_in.write_text(text)
        with anyio.fail_after(BOUND_S):
            new = await anext(changes)
        assert new is not None
        assert text == f"detect: {{over_expected: {new.detect.over_expected}}}"
    drop_in.unlink()
    with anyio.fail_after(BOUND_S):
        new = await anext(changes)
    assert new is not None
    assert new.detect.over_expected == 0.5


@pytest.mark.anyio
async def test_a_drop_in_with_an_error_keeps_the_settings_and_is_told(tmp_path: Path) -> None:
    settings = live(tmp_path / "selfheald.yaml", "detect:\n  over_expected: 0.7\n")
    drop_in = tmp_path / "conf.d" / "mine.yaml"
    drop_in.parent.mkdir()
    drop_in.write_text("detect:\n  over_expected: 0\n")
    assert await settings.reload() is None
    assert settings.rejected == (f"{drop_in}:2: detect.over_expected: must be greater than 0 (got 0)",)
    assert settings.settings.detect.over_expected == 0.7
