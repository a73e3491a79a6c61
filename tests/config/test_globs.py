"""Settings of single files: the first glob that matches the path, or its end from a folder on."""

import pytest

from config.globs import matching
from config.load import load_settings
from tests.config.problems import problems_of, written

PATH = "/var/log/shop/legacy/2026/app.log"


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (["*.log"], "*.log"),
        (["app.*"], "app.*"),
        (["legacy/*"], "legacy/*"),
        (["/var/log/*/app.log"], "/var/log/*/app.log"),
        (["pp.log", "egacy/*", "legacy", "/log/*", "*.LOG"], "default"),
        (["*.txt", "2026/*.log", "*.log"], "2026/*.log"),
        ([], "default"),
    ],
    ids=[
        "the name",
        "part of the name",
        "all below a folder",
        "the whole path, with a star for many folders",
        "neither parts of names, nor a folder itself, nor another case",
        "of several the first",
        "none",
    ],
)
def test_a_file_has_the_value_of(globs: list[str], expected: str) -> None:
    assert matching(PATH, {glob: glob for glob in globs}, "default") == expected


def test_the_zone_and_the_format_of_single_files_can_be_set() -> None:
    text = "logs:\n  format_of: {'a/*': logfmt}\ningest:\n  timezone_of: {'a/*': Asia/Tokyo}\n"
    settings = load_settings(written(text), {}).settings
    assert settings.logs.format_of == {"a/*": "logfmt"}
    assert settings.ingest.timezone_of == {"a/*": "Asia/Tokyo"}
    environ = {"SELFHEALD_INGEST__TIMEZONE_OF": '{"b/*": "Asia/Tokyo"}'}
    assert load_settings(None, environ).settings.ingest.timezone_of == {"b/*": "Asia/Tokyo"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "ingest:\n  timezone_of:\n    legacy/*: Europe/Berln\n",
            "c.yaml:3: ingest.timezone_of.legacy/*: must be an IANA time zone such as Europe/Berlin; did you "
            "mean Europe/Berlin? (got Europe/Berln)",
            id="an unknown zone",
        ),
        pytest.param(
            "ingest:\n  timezone_of: Europe/Berlin\n",
            'c.yaml:2: ingest.timezone_of: must be globs with names, such as {"legacy/*": "Europe/Berlin"} '
            "(got Europe/Berlin)",
            id="no glob",
        ),
        pytest.param(
            "logs:\n  format_of: [logfmt]\n",
            'c.yaml:2: logs.format_of: must be globs with names, such as {"legacy/*": "logfmt"}',
            id="a list",
        ),
    ],
)
def test_what_is_wrong_with_them_is_told_with_its_line(text: str, problem: str) -> None:
    assert problems_of(written(text)) == [problem]
