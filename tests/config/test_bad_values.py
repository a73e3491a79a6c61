"""A value that no setting accepts is named with its line, what is wanted and what was given."""

import sys
from pathlib import Path

import pytest

from .problems import NO_DECIMAL, UNKNOWN, problems_of, written

PLAIN_QUOTES = "must be text; if it is, put it in quotes"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            "# thresholds\n\ndetect:\n  over_expected: -1\n",
            "c.yaml:4: detect.over_expected: must be greater than 0 (got -1)",
            id="a value below its limit is named with its line, its limit and what was given",
        ),
        pytest.param(
            "detect: {min_samples: 4}",
            "c.yaml:1: detect.min_samples: must be greater than or equal to 5 (got 4)",
            id="a limit that is allowed itself is said to be",
        ),
        pytest.param(
            "detect:\n  confidence: 1\n",
            "c.yaml:2: detect.confidence: must be less than 1 (got 1)",
            id="a value above its limit is rejected",
        ),
        pytest.param(
            "detect:\n  over_expectd: 1\n",
            f"c.yaml:2: detect.over_expectd: {UNKNOWN}did you mean detect.over_expected?",
            id="a misspelt setting is answered with the nearest one",
        ),
        pytest.param(
            "\ndetects:\n  min_samples: 5\n",
            f"c.yaml:2: detects: {UNKNOWN}did you mean detect?",
            id="a misspelt section is answered with the nearest one",
        ),
        pytest.param(
            "over_expected: 1\n",
            f"c.yaml:1: over_expected: {UNKNOWN}did you mean detect.over_expected?",
            id="a setting outside of its section is answered with its full key",
        ),
        pytest.param(
            "ingest:\n  level: INFO\n",
            f"c.yaml:2: ingest.level: {UNKNOWN}did you mean log.level?",
            id="a setting in the wrong section is answered with the right one",
        ),
        pytest.param(
            "qqqqqqqq: 1\n",
            f"c.yaml:1: qqqqqqqq: {UNKNOWN}the shipped selfheald.yaml lists all",
            id="a name that is near to nothing is answered with where the names are",
        ),
        pytest.param(
            "_env_file: /etc/passwd\n",
            f"c.yaml:1: _env_file: {UNKNOWN}the shipped selfheald.yaml lists all",
            id="an argument of pydantic-settings is no setting",
        ),
        pytest.param(
            "detect:\n  min_samples: 10\n  interval_s: 1\n  min_samples: 20\n",
            "c.yaml:4: detect.min_samples: given twice, first in line 2; remove one",
            id="a setting that is given twice is named with both lines",
        ),
        pytest.param(
            "log: {level: INFO}\ndetect: {}\nlog: {level: DEBUG}\n",
            "c.yaml:3: log: given twice, first in line 1; remove one",
            id="a section that is given twice is named with both lines",
        ),
        pytest.param(
            'expected_ms:\n  "A.b": 1\n  A.b: 2\n',
            "c.yaml:3: expected_ms.A.b: given twice, first in line 2; remove one",
            id="a pattern that is given twice is one even where only one is quoted",
        ),
        pytest.param(
            "detect:\n  interval_s: 1:30\n",
            f"c.yaml:2: detect.interval_s: {NO_DECIMAL} (got 1:30)",
            id="1:30 is not read as 90",
        ),
        pytest.param(
            "jsonl:\n  event: 1:30\n",
            f"c.yaml:2: jsonl.event: {NO_DECIMAL} (got 1:30)",
            id="1:30 is no text without quotes",
        ),
        pytest.param(
            "detect:\n  min_samples: 010\n",
            f"c.yaml:2: detect.min_samples: {NO_DECIMAL} (got 010)",
            id="010 is not read as 8",
        ),
        pytest.param(
            "detect:\n  interval_s: .inf\n",
            f"c.yaml:2: detect.interval_s: {NO_DECIMAL} (got .inf)",
            id="infinity is no number of seconds",
        ),
        pytest.param(
            "expected_ms:\n  a: !!float 1e999\n",
            "c.yaml:2: expected_ms.a: must be a finite number (got 1e999)",
            id="a number too large for any setting is not infinity",
        ),
        pytest.param(
            "jsonl:\n  event: no\n",
            f"c.yaml:2: jsonl.event: {PLAIN_QUOTES} (got no)",
            id="no is a truth value, where text is wanted",
        ),
        pytest.param(
            "detect:\n  min_samples: no\n",
            "c.yaml:2: detect.min_samples: must be a number; YAML reads this as true or false (got no)",
            id="no is not read as 0",
        ),
        pytest.param(
            "detect:\n  interval_s: on\n",
            "c.yaml:2: detect.interval_s: must be a number; YAML reads this as true or false (got on)",
            id="on is not read as 1",
        ),
        pytest.param(
            "jsonl:\n  event: 1.10\n",
            f"c.yaml:2: jsonl.event: {PLAIN_QUOTES} (got 1.10)",
            id="1.10 is a number, where text is wanted",
        ),
        pytest.param(
            "log:\n  file: 2026-01-01\n",
            "c.yaml:2: log.file: YAML reads this as timestamp; put text in quotes (got 2026-01-01)",
            id="a date is no text without quotes",
        ),
        pytest.param(
            "log:\n  file: !!python/name:os.system x\n",
            "c.yaml:2: log.file: YAML reads this as python/name:os.system; put text in quotes (got x)",
            id="a tag makes no Python object",
        ),
        pytest.param(
            "logs:\n  include: !!set {a, b}\n",
            "c.yaml:2: logs.include: must not be tagged set",
            id="a tagged collection is no list",
        ),
        pytest.param(
            "detect:\n  min_samples: 7.5\n",
            "c.yaml:2: detect.min_samples: must be a whole number (got 7.5)",
            id="a fraction is no count",
        ),
        pytest.param(
            "detect:\n  min_samples:\n",
            "c.yaml:2: detect.min_samples: must be a whole number (got nothing)",
            id="a setting without a value is not its default",
        ),
        pytest.param(
            "detect:\n  errors: maybe\n",
            "c.yaml:2: detect.errors: must be true or false (got maybe)",
            id="a word is no truth value",
        ),
        pytest.param(
            "log:\n  level: info\n",
            "c.yaml:2: log.level: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR' (got info)",
            id="a choice is answered with all there are",
        ),
        pytest.param(
            "logs:\n  directories: .logs\n",
            'c.yaml:2: logs.directories: must be a list, such as ["a", "b"] (got .logs)',
            id="a single value is no list",
        ),
        pytest.param(
            "logs:\n  directories:\n    - a\n    - 5\n",
            "c.yaml:4: logs.directories[1]: must be a path; if it is one, put it in quotes (got 5)",
            id="an entry of a list is named with its own line",
        ),
        pytest.param(
            "logs:\n  include: []\n",
            "c.yaml:2: logs.include: must have at least one entry",
            id="a list that would match nothing is rejected",
        ),
        pytest.param(
            'logs:\n  directories: [""]\n',
            "c.yaml:2: logs.directories[0]: must not be empty (got nothing)",
            id="an empty path does not mean the working directory",
        ),
        pytest.param(
            'store:\n  path: "a\\0b"\n',
            "c.yaml:2: store.path: must not contain control characters (got a\\x00b)",
            id="a NUL is in no path, and is shown escaped",
        ),
        pytest.param(
            'expected_ms:\n  a: 0\n  "b*": 5\n',
            "c.yaml:2: expected_ms.a: must be greater than 0 (got 0)",
            id="an expected duration of nothing is rejected",
        ),
        pytest.param(
            "expected_ms: 5\n",
            "c.yaml:1: expected_ms: must be a section with settings below it",
            id="a number for all handlers is no section",
        ),
        pytest.param(
            "detect: 5\n",
            "c.yaml:1: detect: must be a section with settings below it",
            id="a value in place of a section is rejected",
        ),
        pytest.param(
            "jsonl:\n  timestamp: kind\n",
            "c.yaml:1: jsonl: timestamp and kind must not both be named kind",
            id="two fields cannot have the same name",
        ),
        pytest.param(
            "jsonl:\n  event: 'a\"b'\n",
            'c.yaml:2: jsonl.event: must not contain " or \\ (got a"b)',
            id="a field name that JSON would escape is rejected",
        ),
        pytest.param(
            "ingest:\n  timezone: Europe/Berln\n",
            "c.yaml:2: ingest.timezone: must be an IANA time zone such as Europe/Berlin; "
            "did you mean Europe/Berlin? (got Europe/Berln)",
            id="a misspelt time zone is answered with the nearest one",
        ),
        pytest.param(
            "ingest:\n  timezone: ../etc/passwd\n",
            "c.yaml:2: ingest.timezone: must be an IANA time zone such as Europe/Berlin (got ../etc/passwd)",
            id="a path is no time zone",
        ),
    ],
)
def test_a_value_that_cannot_be_used(content: str, problem: str) -> None:
    assert problems_of(written(content)) == [problem]


def test_a_folder_of_time_zones_is_no_time_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11 raises IsADirectoryError where the zones come from the package tzdata, made up here."""
    for folder in ("tzdata", "tzdata/zoneinfo", "tzdata/zoneinfo/Folder"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    with monkeypatch.context() as patch:
        for module in ("tzdata", "tzdata.zoneinfo"):
            patch.setitem(sys.modules, module, None)
            del sys.modules[module]  # what is imported from here on is forgotten afterwards
        patch.syspath_prepend(tmp_path)
        (problem,) = problems_of(written("ingest: {timezone: Folder}"))
    assert problem.startswith("c.yaml:1: ingest.timezone: must be an IANA time zone such as Europe/Berlin")
    assert problem.endswith(" (got Folder)")
