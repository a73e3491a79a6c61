"""What the names of rotated files say: which log they belong to, and which is older.

Names of logrotate (`app.log.1`, `app.log-20260131`), Python and loguru (`app.log.2026-01-31`) and people
(`app.log.old`), compressed or not (`app.log.2.gz`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from .checkpoint import Checkpoint

ARCHIVE_ENDINGS: Final = ("gz", "bz2", "xz", "zst")
_ARCHIVE: Final = re.compile(rf"\.(?:{'|'.join(ARCHIVE_ENDINGS)})$")
_SUFFIX: Final = re.compile(r"(?:[._-](?:(?P<number>\d{1,3})|(?P<date>\d[\d_:T.-]*)|old|bak|prev))$")


def unpacked(path: str) -> str:
    """The path without the ending of an archive."""
    return _ARCHIVE.sub("", path)


def log_of(path: str) -> str:
    """The path of the log that `path` would be a rotated file of; `path` itself if its name says nothing."""
    base = _SUFFIX.sub("", unpacked(path))
    return path if base.endswith("/") else base


def is_beside(own: Path, name: str) -> bool:
    """Whether a file of this name in the folder of `own` is what `own` became or a file that goes with it:
    a rotated log (loguru: `app.2026-01-31_10-00-00_000000.log`), a write-ahead log, a damaged store."""
    if name.startswith(own.name):
        rest = name[len(own.name) :]
        return (
            rest.startswith((".damaged-", ".lock"))
            or rest in {"-wal", "-shm"}
            or log_of("/" + name) == f"/{own.name}"
        )
    return (
        re.fullmatch(rf"{re.escape(own.stem)}\.\d{{4}}-\d\d-\d\d[\w.-]*", name.removesuffix(own.suffix))
        is not None
    )


def reading_order(at: Checkpoint, mtime_ns: int) -> tuple[str, bool, bool, int, str, int, int]:
    """Sorts files so that within a stream the older one comes first: rotated ones by number (.2 before .1)
    or date and age, then what is gone from the path of the log, then what is there now."""
    match = _SUFFIX.search(unpacked(at.path))
    number = int(match["number"]) if match and match["number"] else 0
    date = re.sub(r"\D", "", match["date"]) if match and match["date"] else ""
    return at.stream, at.path == at.stream, at.state == "active", -number, date, mtime_ns, at.source
