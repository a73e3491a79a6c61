"""Where settings come from, which source wins, and what a reload changes."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from config import load
from config.load import SYSTEM_CONFIG, Change, differences, find_config, load_settings
from config.settings import KEYS, Log, Settings, Store


@pytest.fixture(autouse=True)
def _without_a_system_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "SYSTEM_CONFIG", tmp_path / "etc" / "selfheald.yaml")


def written(content: str, path: Path = Path("selfheald.yaml")) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_without_a_file_and_variables_everything_is_the_default() -> None:
    loaded = load_settings(None, {"PATH": "/bin"})
    assert loaded.settings == Settings()
    assert loaded.path is None
    assert loaded.origins == dict.fromkeys(KEYS, "default")


def test_the_environment_wins_over_the_file_and_the_file_over_the_default() -> None:
    path = written("detect:\n  over_expected: 0.7\n  min_samples: 20\n")
    loaded = load_settings(path, {"SELFHEALD_DETECT__OVER_EXPECTED": "0.8"})
    assert loaded.settings.detect.over_expected == 0.8
    assert loaded.settings.detect.min_samples == 20
    assert loaded.settings.detect.confidence == Settings().detect.confidence
    assert loaded.origins["detect.over_expected"] == "SELFHEALD_DETECT__OVER_EXPECTED"
    assert loaded.origins["detect.min_samples"] == "selfheald.yaml:3"
    assert loaded.origins["detect.confidence"] == "default"


def test_a_variable_corrects_a_value_of_the_file_that_would_be_rejected() -> None:
    path = written("log:\n  level: LOUD\nlogs:\n  include: [5]\n")
    loaded = load_settings(path, {"SELFHEALD_LOG__LEVEL": "DEBUG", "SELFHEALD_LOGS__INCLUDE": '["*.log"]'})
    assert loaded.settings.log.level == "DEBUG"
    assert loaded.settings.logs.include == ("*.log",)


def test_variables_of_one_section_add_up() -> None:
    environ = {
        "SELFHEALD_LOG__LEVEL": "ERROR",
        "SELFHEALD_LOG__FORMAT": "json",
        "SELFHEALD_LOG__FILE": "a.log",
    }
    expected = Log(level="ERROR", format="json", file=Path("a.log"))
    assert load_settings(None, environ).settings.log == expected


def test_an_empty_variable_takes_the_log_file_away() -> None:
    path = written("log: {file: a.log}")
    assert load_settings(path, {}).settings.log.file == Path("a.log")
    assert load_settings(path, {"SELFHEALD_LOG__FILE": ""}).settings.log.file is None


def test_expected_durations_from_the_environment_replace_those_of_the_file() -> None:
    path = written('expected_ms:\n  "Canvas.*": 5\n')
    assert load_settings(path, {}).settings.expected_ms == {"Canvas.*": 5.0}
    loaded = load_settings(path, {"SELFHEALD_EXPECTED_MS": '{"a:b": 7.5}'})
    assert loaded.settings.expected_ms == {"a:b": 7.5}
    assert loaded.origins["expected_ms"] == "SELFHEALD_EXPECTED_MS"


def test_a_section_whose_settings_are_all_commented_out_has_its_defaults() -> None:
    path = written("detect:\n#  over_expected: 0.7\nexpected_ms:\nlog: {level: DEBUG}\n")
    assert load_settings(path, {}).settings == Settings(log=Log(level="DEBUG"))


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    path = Path("selfheald.yaml")
    path.write_bytes(b"\xef\xbb\xbflog:\r\n  level: DEBUG\r\n")
    loaded = load_settings(path, {})
    assert loaded.settings.log.level == "DEBUG"
    assert loaded.origins["log.level"] == "selfheald.yaml:2"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("536_870_913", 536_870_913, id="underscores between digits"),
        pytest.param('"536870913"', 536_870_913, id="a number in quotes"),
        pytest.param("536870913.0", 536_870_913, id="a fraction of nothing"),
        pytest.param("!!int 536870913", 536_870_913, id="a tag that says what it is"),
    ],
)
def test_a_number_that_can_mean_only_one_thing_is_read(text: str, value: int) -> None:
    assert load_settings(written(f"store: {{max_bytes: {text}}}"), {}).settings.store.max_bytes == value


def test_settings_made_in_code_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFHEALD_LOG__LEVEL", "ERROR")
    assert Settings().log.level == "INFO"
    assert load_settings(None, {}).settings.log.level == "INFO"


@pytest.mark.parametrize(
    ("content", "environ", "store_path", "origin"),
    [
        pytest.param("log: {}", {}, "/state/store.db", "STATE_DIRECTORY", id="replaces a default left out"),
        pytest.param(
            "store: {path: .selfheald/store.db}",
            {},
            "/state/store.db",
            "STATE_DIRECTORY",
            id="replaces the default that the shipped file spells out",
        ),
        pytest.param("store: {path: /a.db}", {}, "/a.db", "selfheald.yaml:1", id="does not replace a path"),
        pytest.param(
            "log: {}",
            {"SELFHEALD_STORE__PATH": ".selfheald/store.db"},
            ".selfheald/store.db",
            "SELFHEALD_STORE__PATH",
            id="does not replace a variable",
        ),
    ],
)
def test_the_state_directory_of_systemd(
    content: str, environ: dict[str, str], store_path: str, origin: str
) -> None:
    loaded = load_settings(written(content), environ | {"STATE_DIRECTORY": "/state:/second"})
    assert loaded.settings.store == Store(path=Path(store_path))
    assert loaded.origins["store.path"] == origin


def test_the_file_is_searched_from_the_explicit_to_the_general() -> None:
    named = {"SELFHEALD_CONFIG": "named.yaml"}
    assert find_config(None, {}) is None
    in_etc = written("log: {}", load.SYSTEM_CONFIG)
    assert find_config(None, {}) == in_etc
    here = written("log: {}")
    assert find_config(None, {}) == here
    assert find_config(None, {"SELFHEALD_CONFIG": ""}) == here
    assert find_config(None, named) == Path("named.yaml")
    assert find_config(Path("explicit.yaml"), named) == Path("explicit.yaml")


def test_a_file_that_leads_nowhere_is_found_so_that_it_is_reported() -> None:
    written("log: {}", load.SYSTEM_CONFIG)
    Path("selfheald.yaml").symlink_to("gone.yaml")
    assert find_config(None, {}) == Path("selfheald.yaml")


def test_the_system_file_is_where_packages_put_it() -> None:
    assert Path("/etc/selfheald/selfheald.yaml") == SYSTEM_CONFIG


def test_settings_that_are_equal_have_no_differences() -> None:
    assert differences(Settings(), load_settings(written("log: {level: INFO}"), {}).settings) == ()


def test_differences_are_in_the_order_of_the_settings_and_say_what_needs_a_restart() -> None:
    path = written(
        """\
store: {max_bytes: 2000000, path: a.db}
ingest: {window_s: 60, batch_bytes: 65536}
log: {level: DEBUG, file: a.log}
detect: {over_expected: 0.8, errors: no}
expected_ms: {"ü*": 5}
logs: {directories: [a, b]}
"""
    )
    assert differences(Settings(), load_settings(path, {}).settings) == (
        Change("logs.directories", '[".logs"]', '["a", "b"]', needs_restart=False),
        Change("ingest.window_s", "10", "60", needs_restart=True),
        Change("ingest.batch_bytes", "67108864", "65536", needs_restart=False),
        Change("detect.over_expected", "0.5", "0.8", needs_restart=False),
        Change("detect.errors", "true", "false", needs_restart=False),
        Change("expected_ms", "{}", '{"ü*": 5.0}', needs_restart=False),
        Change("store.path", ".selfheald/store.db", "a.db", needs_restart=True),
        Change("store.max_bytes", "536870912", "2000000", needs_restart=True),
        Change("log.level", "INFO", "DEBUG", needs_restart=False),
        Change("log.file", "null", "a.log", needs_restart=False),
    )


@pytest.mark.parametrize("key", KEYS)
def test_no_setting_can_be_changed_in_place(key: str) -> None:
    holder: BaseModel = Settings()
    *sections, name = key.split(".")
    for section in sections:
        holder = getattr(holder, section)
    before = getattr(holder, name)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(holder, name, before)


@pytest.mark.parametrize("key", [key for key in KEYS if "." in key])
def test_every_setting_can_be_given_by_its_variable(key: str) -> None:
    variable = f"SELFHEALD_{key.upper().replace('.', '__')}"
    section, name = key.split(".")
    default = Settings().model_dump(mode="json")[section][name]
    text = default if isinstance(default, str) else "" if default is None else json.dumps(default)
    loaded = load_settings(None, {variable: text})
    assert loaded.origins[key] == variable
    assert loaded.settings == Settings()
