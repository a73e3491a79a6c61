"""Whatever is in the file or the environment: it is settings, or a SettingsError for people."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.load import LoadedSettings, SettingsError, load_settings
from config.settings import KEYS, Settings
from tests.examples import examples

SECTIONS = list(Settings.model_fields)
NAMES = [key.rpartition(".")[2] for key in KEYS]
SYNTAX = [
    ":",
    ": ",
    "\n",
    "\n  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "*",
    "&a ",
    "!",
    "? ",
    "|\n",
    ">\n",
    "'",
    '"',
]
TAGS = ["!!int ", "!!str ", "!!float ", "!!bool ", "!!binary ", "<<", "=", "%", "---", "...", "#", "~", "no"]
NUMBERS = [
    "1:30",
    "010",
    "0x1f",
    ".inf",
    ".nan",
    "1e400",
    "9" * 400,
    "._5",
    ".e5",
    "2026-99-99",
    "2026-01-01",
]
CHARACTERS = ["\\U00110000", "\\x00", "\\uD800", "\x00", "\x85", "\u2028", "\ufeff", "é", "🎵", "\t", "\r"]
FRAGMENTS = st.sampled_from([*SECTIONS, *NAMES, *SYNTAX, *TAGS, *NUMBERS, *CHARACTERS])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
JSON = st.sampled_from(["[]", "{}", '[""]', '{"a": 1}', "[[[[1]]]]", "9" * 5000])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def load_or_problems(path: Path | None, environ: dict[str, str]) -> LoadedSettings | None:
    problems: tuple[str, ...] | None = None
    loaded: LoadedSettings | None = None
    try:
        loaded = load_settings(path, environ)
    except SettingsError as error:
        problems = error.problems
    if loaded is None:
        assert problems
        assert all(problem.isprintable() for problem in problems), "one line each that a terminal can show"
    else:
        assert loaded.origins.keys() == KEYS.keys()
    return loaded


@settings(max_examples=examples(150))
@given(
    content=st.binary(max_size=200)
    | st.lists(FRAGMENTS, max_size=25).map(lambda parts: "".join(parts).encode())
)
@example(b"a: " + b"[" * 50_000)
@example(b"- " * 50_000)
@example(b"detect: {min_samples: !!float .e5}")
@example(b"detect: {min_samples: !!int }")
@example(b"detect: {min_samples: !!bool maybe}")
@example(b"jsonl: {? !!null : 1}")
@example(b"detect: {<<: {min_samples: 7}}")
def test_any_bytes(folder: Path, content: bytes) -> None:
    path = folder / "any.yaml"
    path.write_bytes(content)
    load_or_problems(path, {})


@settings(max_examples=examples(150))
@given(
    values=st.dictionaries(
        st.sampled_from(SECTIONS),
        st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4) | VALUES,
        max_size=4,
    )
)
def test_any_values_where_settings_are_wanted(folder: Path, values: dict[str, object]) -> None:
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8", errors="surrogatepass")
    load_or_problems(path, {})


@settings(max_examples=examples(150))
@given(
    environ=st.dictionaries(
        st.sampled_from([f"SELFHEALD_{key.upper().replace('.', '__')}" for key in KEYS])
        | st.text(max_size=8).map(lambda text: f"SELFHEALD_{text}"),
        st.text(max_size=12) | FRAGMENTS | JSON,
        max_size=3,
    )
)
@example({"SELFHEALD_LOGS__DIRECTORIES": "[" * 20_000})
@example({"SELFHEALD_EXPECTED_MS": '{"a":' * 500 + "1" + "}" * 500})
@example({"SELFHEALD_LOG__FILE": "\udcff"})
def test_any_environment(environ: dict[str, str]) -> None:
    load_or_problems(None, environ)


@settings(max_examples=examples(100))
@given(
    over_expected=st.floats(min_value=1e-9, max_value=1000),
    names=st.lists(
        st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1), min_size=1, max_size=4
    ),
)
def test_what_was_written_is_what_is_read(folder: Path, over_expected: float, names: list[str]) -> None:
    path = folder / "written.yaml"
    content = {"detect": {"over_expected": over_expected}, "logs": {"include": names}}
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    loaded = load_or_problems(path, {})
    assert loaded is not None
    assert loaded.settings.detect.over_expected == over_expected
    assert list(loaded.settings.logs.include) == names
