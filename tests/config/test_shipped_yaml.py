"""The shipped selfheald.yaml is the reference: every setting, its default, its unit and its meaning."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import config
from config.descriptions import descriptions
from config.load import load_settings
from config.settings import KEYS, Settings

SHIPPED = Path(config.__file__).with_name("selfheald.yaml")
LINES = SHIPPED.read_text(encoding="utf-8").splitlines()


def default_of(key: str) -> Any:
    value: Any = Settings().model_dump(mode="json")
    for name in key.split("."):
        value = value[name]
    return value


def comment_above(line_number: int) -> str:
    above: list[str] = []
    for line in reversed(LINES[: line_number - 1]):
        if not line.lstrip().startswith("#"):
            break
        above.insert(0, line.strip().removeprefix("# "))
    return " ".join(above)


def test_the_first_line_says_what_the_file_is_and_that_saving_is_enough() -> None:
    assert "settings of selfheald" in LINES[0]
    assert "takes effect within a second" in LINES[0]
    assert "no restart" in LINES[0]


def test_it_holds_exactly_the_defaults_in_the_order_of_the_settings() -> None:
    written = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    defaults = Settings().model_dump(mode="json")
    assert json.dumps(written) == json.dumps(defaults)


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_has_a_comment_with_its_description_and_default(key: str) -> None:
    origin = load_settings(SHIPPED, {}).origins[key]
    assert origin.startswith(f"{SHIPPED}:")
    line_number = int(origin.rpartition(":")[2])
    assert LINES[line_number - 1].strip().startswith(f"{key.rpartition('.')[2]}:")
    default = default_of(key)
    shown = default if isinstance(default, str) else json.dumps(default)
    description = " ".join(descriptions()[key].split())
    assert len(description) > 20
    assert comment_above(line_number) == f"{description} Default: {shown}."


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="in a shell"),
        pytest.param({"STATE_DIRECTORY": "/var/lib/selfheald"}, id="under systemd"),
    ],
)
def test_reading_it_is_the_same_as_having_no_file(environ: dict[str, str]) -> None:
    assert load_settings(SHIPPED, environ).settings == load_settings(None, environ).settings
