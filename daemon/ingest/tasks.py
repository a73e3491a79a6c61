"""Cuts what was planned into tasks for several processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Final

import msgspec
from msgspec.structs import replace

from daemon.content import open_content
from daemon.identity import Pread
from daemon.ingest.plan import PlannedFile, PlannedStream
from daemon.ingest.reader import Segment, uncounted

_STEP_BYTES: Final = 1 << 18
_UNPACKED: Final = 8
"""What a log packed by gzip is unpacked to, about; a guess that only decides what is read together."""


class Task(msgspec.Struct, frozen=True):
    stream: str
    segments: tuple[Segment, ...]
    first: bool
    """The state before it is that in the store; before all others it is what the one before comes to."""


def weight(file: PlannedFile) -> int:
    """About how many bytes are to be read."""
    return file.size_bytes * _UNPACKED if file.end < 0 else file.end - file.checkpoint.offset


def tasks_of(streams: Iterable[PlannedStream], formats: Mapping[int, str], task_bytes: int) -> Iterator[Task]:
    """The tasks in the order in which their results belong, each about `task_bytes` long or one archive."""
    for stream in streams:
        parts: list[Segment] = []
        size = 0
        first = True
        for file in stream.files:
            last = stream.ends and file is stream.files[-1]
            for segment, part_bytes in _segments(file, formats, task_bytes, last):
                if parts and size + part_bytes > task_bytes:
                    yield Task(stream.name, tuple(parts), first)
                    parts, size, first = [], 0, False
                parts.append(segment)
                size += part_bytes
        yield Task(stream.name, tuple(parts), first)


def _segments(
    file: PlannedFile, formats: Mapping[int, str], task_bytes: int, last: bool
) -> Iterator[tuple[Segment, int]]:
    known = formats.get(file.checkpoint.source, "")
    whole = Segment(
        uncounted(file.checkpoint),
        file.compression,
        file.size_bytes,
        file.end,
        known,
        last,
    )
    start = whole.at.offset
    if file.end - start <= task_bytes:  # an archive too: it can be read from its start only
        yield whole, weight(file)
        return
    with closing(open_content(file.checkpoint.path, unpack=False)) as content:
        while start < file.end:
            border = _line_end(content.pread, start + task_bytes, file.end)
            at = whole.at
            if start > at.offset:
                at = replace(at, offset=start, marks=(), skipping=False)
            yield replace(whole, at=at, end=border, last=last and border == file.end), border - start
            start = border


def _line_end(pread: Pread, offset: int, end: int) -> int:
    """The end of the first line that ends behind `offset`; `end` if none does."""
    while offset < end:
        data = pread(min(_STEP_BYTES, end - offset), offset)
        newline = data.find(b"\n")
        if newline >= 0:
            return offset + newline + 1
        if not data:
            break
        offset += len(data)
    return end
