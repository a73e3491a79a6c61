"""Masks the variables of one message: a pure function, the same for every log."""

from __future__ import annotations

import re
from typing import Final

MAX_MESSAGE_CHARS: Final = 600
"""What comes after is not looked at."""
VARIABLE: Final = "<*>"
_VAR: Final = "\0"
"""Stands for a variable while a message is masked: one character, which is in no pattern by accident."""

_STOP: Final = r"\s\0,;:=()\[\]{}\"'<>|`"
"""Characters that end a value."""
_MONTHS: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_UNITS: Final = (
    r"[KMGTP]?i?B|[kmgt]b|bytes?|[KMG]?bps|[kKMG]?Hz|%|[nuµm]?s|[mun]?secs?|(?:milli|micro|nano)?seconds?"
    r"|min(?:ute)?s?|h|hrs?|hours?|days?|AM|PM"
)
_HOST_ENDS: Final = "com|net|org|edu|gov|mil|int|info|local|internal|localdomain|lan|arpa|[a-z][a-z]"

_FIRST: Final = (
    # (only where this is in the message, pattern)
    ("://", re.compile(r"\b[A-Za-z][A-Za-z+.-]{1,20}://[^\s\0\"'<>,;()\[\]{}]*[^\s\0\"'<>,;:.()\[\]{}]")),
    ("@", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@\w[\w-]*(?:\.[\w-]+)+")),
    ("\\", re.compile(r"(?:(?<!\w)[A-Za-z]:|\\\\)\\?[^\s\0\"'<>,;|()]*")),
    ("/", re.compile(r"(?<![\w.*\0)\]/-])/(?:[^\s\0\"'<>,;|()\[\]{}]*[^\s\0\"'<>,;:.|()\[\]{}])?(?!>)")),
    (".", re.compile(rf"(?<![\w.@$-])(?!com\.|org\.|net\.|java)(?:[a-z0-9][a-z0-9_-]*\.){{2,}}(?:{_HOST_ENDS})\.?(?![\w.$(-])")),
    (".", re.compile(r"(?<![\w.@$-])[a-z0-9][a-z0-9_-]*\.(?:com|net|org|edu|gov)(?![\w.$(-])")),
)
_OF_DIGITS: Final = (
    re.compile(
        rf"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},? )?(?:\d\d? )?{_MONTHS},? +\d{{1,4}}\b"
        r"(?:(?:,? \d{4})?(?: \d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: [A-Z]{3,4}\b)?(?: \d{4}\b)?)?"
    ),
    # Hardware and IPv6 addresses: their groups may be letters alone.
    re.compile(r"(?<![\w:])(?=[a-fA-F:]*\d)[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,}(?![\w:])"),
    re.compile(rf"(?:<(?![^\s<>]*>))?(?<![^{_STOP}])[^{_STOP}\d]*\d[^{_STOP}]*"),
    re.compile(rf"\0 ?(?:{_UNITS})(?:/s)?(?![\w/])"),
)
_HEX_WORD: Final = re.compile(r"(?<![\w-])[0-9a-f]{8,}(?![\w-])")
_LITERAL: Final = re.compile(r"([=:(\[,] ?)(?:null|nil|none|nan)(?=[\s,;)\]}]|$)", re.IGNORECASE)
_TRUTH: Final = re.compile(r"(?<![\w.'-])(?:[Tt]rue|[Ff]alse|TRUE|FALSE)(?![\w'-])")
_EMPTY_PAIR: Final = re.compile(r"(?<=\s)\(\)")
_LEADER: Final = re.compile(r"\.{3,}|\.\.(?!/)")
_HOST_LIST: Final = re.compile(r"(?<![\w.-])[\w.-]*-\[\0\]")
_EMPTY: Final = re.compile(r"(?<=\w)=(?=[\s,;)\]}]|$)")
_WORD_LIST: Final = re.compile(r"\[[\w.\0-]+(?:, ?[\w.\0-]+)+\]")
_OBJECT: Final = re.compile(r"\{[^{}]*[:=,][^{}]*\}")
_RUN: Final = re.compile(r"\0(?:[\s:,/.|@#+&_~*-]*\0)+")
_AGAIN: Final = re.compile(r"\0 ?\(\0\)")
_SPACES: Final = re.compile(r"\s+")
_DIGIT: Final = re.compile(r"\d")


def masked(message: str) -> str:
    """The first line of a message with `<*>` for each value: number, id, time, address, path, host, list.

    A quantity is one value with its unit, a list of alike items is one value.
    """
    return masked_line(message).replace(_VAR, VARIABLE)


def masked_line(message: str) -> str:
    line = message.lstrip()[:MAX_MESSAGE_CHARS].partition("\n")[0].replace(_VAR, " ").replace(VARIABLE, _VAR)
    if ".." in line:
        line = _LEADER.sub(" ... ", line)
    for hint, pattern in _FIRST:
        if hint in line:
            line = pattern.sub(_VAR, line)
    if _DIGIT.search(line):
        for pattern in _OF_DIGITS:
            line = pattern.sub(_VAR, line)
        if "-[" in line:
            line = _HOST_LIST.sub(_VAR, line)
    line = _HEX_WORD.sub(_VAR, line)
    line = _TRUTH.sub(_VAR, line)
    line = _LITERAL.sub(r"\1" + _VAR, line)
    if " ()" in line:
        line = _EMPTY_PAIR.sub("(" + _VAR + ")", line)
    if "=" in line:
        line = _EMPTY.sub("=" + _VAR, line)
    if "{" in line:
        line = _OBJECT.sub("{" + _VAR + "}", line)
    if "[" in line:
        line = _WORD_LIST.sub("[" + _VAR + "]", line)
    return collapsed(_SPACES.sub(" ", line)).strip()


def collapsed(line: str) -> str:
    """A run of variables is one, and so is a value with another form of it in parentheses."""
    if line.count(_VAR) < 2:
        return line
    line = _AGAIN.sub(_VAR, _RUN.sub(_VAR, line))
    pieces = line.split(_VAR)
    kept = [pieces[0]]
    kept += [piece for before, piece in zip(pieces, pieces[1:], strict=False) if piece.strip() != before.strip()]
    return _VAR.join(kept)
