"""The encoding of logs: UTF-8, with or without a byte order mark. What is not is counted, not guessed at."""

from __future__ import annotations

import codecs
import re
from typing import Final

from handlers.speedups import either

UTF8_MARK: Final = codecs.BOM_UTF8
_CHECK_BYTES: Final = 24_576
"""Decoded, text with emoji takes four times as much; from 128 KiB on malloc maps new pages (measured)."""
LOOK_BYTES: Final = 4096
"""As much of a file as tells UTF-16 from UTF-8."""
UTF16_ADVICE: Final = "UTF-16 is not read; convert it: iconv -f UTF-16 -t UTF-8"

_GARBLED: Final = re.compile(rb"^[^\n]*?[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f][^\n]*", re.MULTILINE)
"""Escape is missing, which colours lines; so are the controls that move within a text."""


def is_utf16(head: bytes) -> bool:
    """Whether a file that begins so is UTF-16: by its byte order mark, or because every other byte is NUL.

    A quarter of the characters is ASCII in any log, while NUL bytes that a crash or a truncation left in a
    UTF-8 file stand side by side.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    head = head[:LOOK_BYTES]
    few, many = sorted((head[0::2].count(0), head[1::2].count(0)))
    return len(head) >= 8 and many * 8 > len(head) and few * 8 < many


def without_mark(head: bytes) -> bytes:
    """The beginning of a file without the byte order mark that some editors write."""
    return head.removeprefix(UTF8_MARK)


def _undecodable_lines(data: bytes) -> int:
    """How many of the lines are no UTF-8 text, or hold NUL bytes."""
    undecodable, start = 0, 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _CHECK_BYTES) + 1 or data.find(b"\n", start) + 1 or len(data)
        part = data[start:end]
        if not _is_text(part):
            undecodable += sum(not _is_text(line) for line in part.split(b"\n"))
        start = end
    return undecodable


def garbled_lines(data: bytes) -> list[int]:
    """Offsets of the lines that are no text in any encoding, since they hold what none has: a torn write or a
    crash of the machine left them, and events may be missing there. A line in Latin-1, or with a character
    that was cut in two, is none of them."""
    return [line.start() for line in _GARBLED.finditer(data)]


def _count_lines(data: bytes) -> int:
    """How many lines end in the data."""
    return data.count(b"\n")


def _is_text(data: bytes) -> bool:
    """Whether it is UTF-8 without NUL bytes."""
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


count_lines: Final = either(_count_lines, "count_lines")
undecodable_lines: Final = either(_undecodable_lines, "undecodable_lines")
