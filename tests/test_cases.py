"""Every case in tests/cases gives the anomaly that it gave when it was written (`selfheald case`).

`python -m tests.test_cases` writes what comes of them anew, after a change of the rules, and says in what it
differs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from daemon.case_files import EXPECTED, INPUTS, SETTINGS, CaseError, read_case, write_case
from handlers.anomaly.case import differing, replayed
from handlers.model import type_of

CASES: Final = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
EACH: Final = pytest.mark.parametrize("folder", CASES, ids=[path.name for path in CASES])


@EACH
def test_the_verdict_is_the_same(folder: Path) -> None:
    case = read_case(folder)
    assert replayed(case) == case.anomaly


@EACH
def test_what_is_written_is_read_again(folder: Path, tmp_path: Path) -> None:
    files = write_case(read_case(folder), tmp_path / "new" / "folder")
    assert [file.name for file in files] == [EXPECTED, SETTINGS, INPUTS]
    assert read_case(tmp_path / "new" / "folder") == read_case(folder)


def test_there_is_one_of_each_type() -> None:
    types = {type_of(read_case(folder).anomaly) for folder in CASES}
    assert types == {"performance", "behavioral", "coverage", "error"}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        pytest.param(INPUTS, "{", "inputs.json: cannot be understood", id="a broken file"),
        pytest.param(SETTINGS, "- a\n", "settings.yaml: must be a mapping", id="a list of settings"),
        pytest.param(
            SETTINGS, "detect: {over_expected: -1}\n", "is no case of this version", id="a bad limit"
        ),
        pytest.param(EXPECTED, "{}", "is no case of this version", id="no anomaly"),
        pytest.param(EXPECTED, None, "expected.json: cannot be read", id="a missing file"),
    ],
)
def test_what_is_no_case_is_told_with_its_file(
    name: str, text: str | None, says: str, tmp_path: Path
) -> None:
    write_case(read_case(CASES[0]), tmp_path)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    with pytest.raises(CaseError, match=says):
        read_case(tmp_path)


if __name__ == "__main__":
    for place in CASES:
        before = read_case(place)
        now = replayed(before)
        if now is None:
            print(f"{place}: {before.anomaly.id} is found no more; remove the case, or mend what lost it")
        elif fields := differing(before.anomaly, now):
            print(f"{place}: other {', '.join(fields)}")
            write_case(replace(before, anomaly=now), place)
