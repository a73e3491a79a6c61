"""The very lines that prove an anomaly, read again from the files in which they stand.

The store keeps no log lines, only where they are; so a line can be shown for as long as its file exists.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec
from msgspec.structs import replace

from daemon.checkpoint import Checkpoint
from daemon.content import open_content
from daemon.identity import Pread, begins_with, holds
from daemon.unpack import UnpackError
from handlers.model import Origin
from handlers.redaction import redacted

MAX_LINE_BYTES: Final = 1000
"""A longer line is cut: what it is about stands at its beginning."""
MAX_LEAD_BYTES: Final = 256
"""What can stand in a line before its event."""


class EvidenceLine(msgspec.Struct, frozen=True):
    """One line of a log file, or why it cannot be shown."""

    path: str
    offset: int
    """Where the line begins; where the event in it does, if the line cannot be read."""
    at_ms: int
    text: str = ""
    cut: bool = False
    """There is more of the line in the file than `text`."""
    missing: str = ""
    """Why there is no text; "" if there is."""


def lines_in_store(
    origins: Iterable[Origin], checkpoints: Mapping[int, Checkpoint], *, redact: bool
) -> tuple[EvidenceLine, ...]:
    """The lines at `origins` of files that the store knows, by source number.

    A file is read at the path where it was seen last, or in a copy of it, and only if head and consumed end
    are still those that were read: what rotation put in its place is not shown for it. `redact` takes
    secrets out of the texts.
    """
    return tuple(_shown(_in_store(origin, checkpoints), redact) for origin in origins)


def lines_in_files(
    origins: Iterable[Origin], paths: Mapping[int, str], *, redact: bool
) -> tuple[EvidenceLine, ...]:
    """The lines at `origins` of files that were read by this process just now, by source number."""
    return tuple(_shown(_in_file(origin, paths[origin.source]), redact) for origin in origins)


def _shown(line: EvidenceLine, redact: bool) -> EvidenceLine:
    return replace(line, text=redacted(line.text)) if redact else line


def _in_store(origin: Origin, checkpoints: Mapping[int, Checkpoint]) -> EvidenceLine:
    original = checkpoints.get(origin.source)
    if original is None:
        missing = "the file was deleted long ago"
        return EvidenceLine(f"file {origin.source}", origin.offset, origin.at_ms, missing=missing)
    found = _in_file(origin, original.path, original)
    for copy in checkpoints.values():
        if not found.missing:
            break
        if copy.stream == original.stream and copy.path != original.path:
            elsewhere = _in_file(origin, copy.path, original)
            found = found if elsewhere.missing else elsewhere
    return found


def _in_file(origin: Origin, path: str, expected: Checkpoint | None = None) -> EvidenceLine:
    line = EvidenceLine(path, origin.offset, origin.at_ms)
    try:
        with _opened(path, expected) as pread:
            if pread is None or not (expected is None or _is_same(pread, expected)):
                return replace(line, missing="another file stands there now")
            return _read(pread, line)
    except FileNotFoundError:
        return replace(line, missing="the file is gone")
    except OSError as error:
        return replace(line, missing=f"the file cannot be read ({error.strerror})")
    except UnpackError as error:
        return replace(line, missing=f"the file {error}")


@contextmanager
def _opened(path: str, expected: Checkpoint | None) -> Iterator[Pread | None]:
    """What reads it, or None for what is no regular file: a pipe would be waited for, for ever."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (paths stay strings)
        yield None
        return
    content = open_content(path, unpack=expected is not None and expected.state == "archive")
    try:
        yield content.pread
    finally:
        content.close()


def _is_same(pread: Pread, expected: Checkpoint) -> bool:
    return begins_with(pread, expected.identity) and (
        # An archive would be unpacked to its end for it; its head was written once and for all.
        expected.state == "archive" or all(holds(pread, mark) for mark in expected.marks[-1:])
    )


def _read(pread: Pread, line: EvidenceLine) -> EvidenceLine:
    """The line in which the event at `line.offset` stands: indentation and time may come before it."""
    before = pread(min(line.offset, MAX_LEAD_BYTES), max(0, line.offset - MAX_LEAD_BYTES))
    lead = len(before) - before.rfind(b"\n") - 1
    start = line.offset - lead if lead < MAX_LEAD_BYTES else line.offset
    data, newline, _ = pread(MAX_LINE_BYTES + 1, start).partition(b"\n")
    cut = not newline and len(data) > MAX_LINE_BYTES
    # Of a line that is cut, the character at its end may be incomplete: it is left out.
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    text = decoder.decode(data[:MAX_LINE_BYTES], final=not cut).rstrip("\r")
    return replace(line, offset=start, text=text, cut=cut)
