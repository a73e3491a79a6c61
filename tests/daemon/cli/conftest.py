"""Commands run in this process, on real logs and on the store that `run --once` makes of them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from daemon.cli.app import run

DATA = Path(__file__).parents[2] / "data"


class Result(NamedTuple):
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code in {0, 1}, self.err
        return msgspec.json.decode(self.out)


Cli = Callable[..., Result]


class Logs(NamedTuple):
    folder: Path
    healthy: Path
    regressed: Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, no settings of whoever runs the tests, and a narrow terminal."""
    for name in os.environ:
        if name.startswith("SELFHEALD_") or name in {"NO_COLOR", "STATE_DIRECTORY", "JOURNAL_STREAM"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs one command."""

    def call(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """A healthy log and one with faults, see tests/data/conductor/ORIGIN.md."""
    place = tmp_path_factory.mktemp("logs")
    made = Logs(place, place / "healthy.log", place / "regressed.log")
    for path in made[1:]:
        path.write_bytes(gzip.decompress((DATA / "conductor" / f"{path.name}.gz").read_bytes()))
    return made


@pytest.fixture(scope="session")
def judged(logs: Logs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which both logs were read and judged. Only to be read."""
    path = tmp_path_factory.mktemp("judged") / "store.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)
        patch.setenv("SELFHEALD_LOG__LEVEL", "ERROR")
        assert run(["run", "--once", "--logs", str(logs.folder), "--store", str(path)]) == 0
    return path
