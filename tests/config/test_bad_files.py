"""A file that holds no settings is never taken for the defaults, and takes no time or memory to reject."""

import os
from pathlib import Path

import pytest

from config.document import MAX_BYTES, MAX_DEPTH, MAX_PROBLEMS

from .problems import NO_DECIMAL, UNKNOWN, problems_of, written


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            b"", "c.yaml: is empty; for the defaults, start without it", id="an empty file is no defaults"
        ),
        pytest.param(
            b" \n\n", "c.yaml: is empty; for the defaults, start without it", id="blank lines are empty"
        ),
        pytest.param(
            b"# only this\n",
            "c.yaml: holds no settings; for the defaults, start without it",
            id="a file of comments holds no settings",
        ),
        pytest.param(
            b"- a\n",
            "c.yaml:1: must hold sections such as detect: with settings below them",
            id="a list is none",
        ),
        pytest.param(
            b"\nsecret-token-of-another-file\n",
            "c.yaml:2: must hold sections such as detect: with settings below them",
            id="a file of something else is rejected without a word of it",
        ),
        pytest.param(
            b"log: {level: INFO}\nlog level\n",
            "c.yaml:3: could not find expected ':'",
            id="broken syntax is named with its line",
        ),
        pytest.param(
            b"log:\n\tlevel: INFO\n",
            "c.yaml:2: found character '\\t' that cannot start any token",
            id="a tab for indentation is named with its line",
        ),
        pytest.param(
            b"logs:\n  include: [*.log]\n",
            "c.yaml:2: text that starts with * or & must be in quotes",
            id="a glob without quotes is answered with what to do",
        ),
        pytest.param(
            b"logs:\n  include: [*log]\n",
            "c.yaml:2: text that starts with * must be in quotes",
            id="a glob that looks like an alias is answered with what to do",
        ),
        pytest.param(
            b"a: &a [x]\nb: *a\n",
            "c.yaml:2: text that starts with * must be in quotes",
            id="aliases do not expand",
        ),
        pytest.param(
            b"a: &a [*a]\n", "c.yaml:1: text that starts with * must be in quotes", id="a cycle does not hang"
        ),
        pytest.param(b"? [a]\n: 1\n", "c.yaml:1: a name must be plain text", id="a list is no name"),
        pytest.param(
            b"log: {}\n---\nlog: {}\n",
            "c.yaml:2: expected a single document in the stream but found another document",
            id="one document a file",
        ),
        pytest.param(
            b"log:\n  file: \xff\n", "c.yaml:2: is no UTF-8 text", id="other encodings are named by line"
        ),
        pytest.param(
            b"log:\n  file: \x01\n", "c.yaml:2: holds a control character", id="control characters too"
        ),
        pytest.param(
            b'log:\n  file: "\\UFFFFFFFF"\n',
            "c.yaml:2: a \\U escape names no character",
            id="an escape beyond Unicode is named with its line",
        ),
        pytest.param(
            b'jsonl:\n  event: "\\uD800"\n',
            "c.yaml:2: jsonl.event: must not contain control characters (got \\ud800)",
            id="half a surrogate pair is no text",
        ),
        pytest.param(
            b"a: " + b"[" * 100_000,
            f"c.yaml:1: is nested deeper than {MAX_DEPTH} levels",
            id="deep nesting does not exhaust the stack",
        ),
        pytest.param(
            b"#" * (MAX_BYTES + 1), f"c.yaml: is larger than {MAX_BYTES} bytes", id="a huge file is not read"
        ),
    ],
)
def test_a_file_that_cannot_be_used(content: bytes, problem: str) -> None:
    assert problems_of(written(content)) == [problem]


def test_a_file_that_was_named_and_is_missing_is_not_the_defaults() -> None:
    assert problems_of(Path("gone.yaml")) == ["gone.yaml: is not there"]


def test_a_directory_is_no_file() -> None:
    Path("d.yaml").mkdir()
    assert problems_of(Path("d.yaml")) == ["d.yaml: is a directory"]


def test_a_pipe_does_not_hang() -> None:
    os.mkfifo("p.yaml")
    assert problems_of(Path("p.yaml")) == ["p.yaml: is no regular file"]


def test_all_problems_come_at_once_in_the_order_of_the_file_and_then_the_variables() -> None:
    path = written(
        """\
        logs:
          hot_poll_ms: 0
          rescan: 5
        detect:
          min_samples: 1:30
          min_samples: 5
        logs: {}
        """
    )
    assert problems_of(path, {"SELFHEALD_LOG__LEVEL": "LOUD", "SELFHEALD_X": "1"}) == [
        "c.yaml:2: logs.hot_poll_ms: must be greater than or equal to 10 (got 0)",
        f"c.yaml:3: logs.rescan: {UNKNOWN}did you mean logs.rescan_s?",
        f"c.yaml:5: detect.min_samples: {NO_DECIMAL} (got 1:30)",
        "c.yaml:6: detect.min_samples: given twice, first in line 5; remove one",
        "c.yaml:7: logs: given twice, first in line 1; remove one",
        "SELFHEALD_X: unknown variable; the shipped selfheald.yaml lists all",
        "SELFHEALD_LOG__LEVEL: log.level: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR' (got LOUD)",
    ]


def test_a_variable_is_checked_even_where_the_file_is_broken() -> None:
    found = problems_of(written("a: [\n"), {"SELFHEALD_LOG__LEVEL": "LOUD"})
    assert [problem.partition(": ")[0] for problem in found] == ["c.yaml:2", "SELFHEALD_LOG__LEVEL"]


def test_a_flood_of_problems_is_cut_and_counted() -> None:
    found = problems_of(written("".join(f"nonsense{n}: 1\n" for n in range(MAX_PROBLEMS + 7))))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[0].startswith("c.yaml:1: nonsense0: ")
    assert found[-1] == "and 7 more problems"
