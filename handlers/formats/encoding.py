"""The encoding of logs: UTF-8, with or without a byte order mark. What is not is counted, not guessed at."""

from __future__ import annotations

import codecs
import re
from typing import Final

UTF8_MARK: Final = codecs.BOM_UTF8
UTF16_ADVICE: Final = "UTF-16 is not read; convert it: iconv -f UTF-16 -t UTF-8"

_GARBLED: Final = re.compile(rb"^[^\n]*?[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f][^\n]*", re.MULTILINE)
"""Escape is missing, which colours lines; so are the controls that move within a text."""


def is_utf16(head: bytes) -> bool:
    """Whether a file that begins so says by its byte order mark that it is UTF-16."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def without_mark(head: bytes) -> bytes:
    """The beginning of a file without the byte order mark that some editors write."""
    return head.removeprefix(UTF8_MARK)


def undecodable_lines(data: bytes) -> int:
    """How many of the lines are no UTF-8 text, or hold NUL bytes."""
    if _is_text(data):
        return 0
    return sum(not _is_text(line) for line in data.split(b"\n"))


def garbled_lines(data: bytes) -> list[int]:
    """Offsets of the lines that are no text in any encoding, since they hold what none has: a torn write or a
    crash of the machine left them, and events may be missing there. A line in Latin-1, or with a character
    that was cut in two, is none of them."""
    return [line.start() for line in _GARBLED.finditer(data)]


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
