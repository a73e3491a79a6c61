"""Settings that only the daemon can check."""

from pathlib import Path

import pytest

from config.load import SettingsError
from daemon.checked import load_checked


@pytest.mark.parametrize("name", ["auto", "jsonl", "musical-conductor"])
def test_a_declared_format_cannot_take_the_name_of_one_that_is_built_in(tmp_path: Path, name: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"formats:\n  {name}: {{pattern: '(?P<event>x)'}}\n")
    with pytest.raises(SettingsError) as caught:
        load_checked(path, {})
    where = f"{path}:1: formats.{name}"
    assert caught.value.problems == (f"{where}: is the name of a format that is built in; take another",)


def test_a_declared_format_can_be_forced(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("logs: {format: shop}\nformats: {shop: {pattern: '(?P<event>x)'}}\n")
    assert load_checked(path, {}).settings.logs.format == "shop"


def test_the_format_of_a_single_file_must_be_one_that_there_is(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("logs:\n  format_of: {'a/*': shop, 'b/*': jsonl, 'c/*': xml}\n")
    with pytest.raises(SettingsError) as caught:
        load_checked(path, {})
    problems = [problem.partition(", ")[0] for problem in caught.value.problems]
    assert problems == [f"{path}:2: logs.format_of.{glob}: must be one of auto" for glob in ("a/*", "c/*")]
