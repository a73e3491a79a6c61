"""Masks the values in one message: a pure function, the same for every log."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

VARIABLE: Final = "<*>"
MARK: Final = "\0"
"""Stands for a variable inside this package: one character, so that patterns stay short and linear."""
MAX_TEMPLATE_CHARS: Final = 300
"""Counted with one character a variable."""
_MAX_MESSAGE_CHARS: Final = 1000

_END: Final = r"\s\0,;:=()\[\]{}\"'`<>|"
"""Characters that end a value."""
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_CLOCK: Final = r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?"
_UNIT: Final = (
    r"(?:[KMGTP]?i?B|[kmg]b|bytes?|[KMG]?bps|[kKMG]?Hz|%|[nuµm]?s|[mun]?secs?|(?:milli|micro|nano)?seconds?"
    r"|min(?:ute)?s?|h|hrs?|hours?|days?|AM|PM)(?:/s)?"
)
_TOP_LEVEL: Final = "com|net|org|edu|gov|mil|int|info|local|internal|localdomain|lan|arpa|[a-z][a-z]"

_LABEL: Final = r"[a-z0-9][a-z0-9_-]{0,63}"
_NAMED: Final = (
    # (what a message with such a value has in it, the value); what has a digit is masked below.
    ("://", re.compile(rf"\b[A-Za-z][A-Za-z+.-]{{1,20}}://[^{_END}]*(?:[:=|][^{_END}]+)*")),
    ("@", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@\w[\w-]{0,63}(?:\.[\w-]{1,63}){1,9}")),
    ("\\", re.compile(rf"(?:(?<!\w)[A-Za-z]:\\|\\\\)[^{_END}]*")),
    ("/", re.compile(rf"(?<![\w.*\0)\]/-])/(?!>)[^{_END}]*(?:[:=][^{_END}]+)*")),
    ("/", re.compile(r"(?<![\w.@/-])[\w.@-]{1,100}/(?:[\w@%+~-]*\.\w|[\w.@%+~-]+/)[\w.@%+~/-]*")),
    ("/", re.compile(r"(?<![\w.@/-])[\w-]{1,64}(?:\.[\w-]{1,64}){1,9}/[\w.@%+~-]+")),
    (
        ".",
        re.compile(
            rf"(?<![\w.@$-])(?!(?:com|org|net|java)\.){_LABEL}(?:\.{_LABEL}){{1,9}}\.(?:{_TOP_LEVEL})\.?"
            rf"(?![\w.$(-])(?:/[^{_END}]*)?"
        ),
    ),
    (".", re.compile(rf"(?<![\w.@$-]){_LABEL}\.(?:com|net|org|edu|gov)(?![\w.$(-])(?:/[^{_END}]*)?")),
)
_WITH_DIGITS: Final = (
    re.compile(
        rf"\b(?:{_DAY},? )?(?:\d\d? )?{_MONTH},? +\d{{1,4}}\b"
        rf"(?:,? \d{{4}})?(?: {_CLOCK})?(?: [A-Z]{{3,4}}\b)?(?: \d{{4}}\b)?"
    ),
    # Hardware and IPv6 addresses: a group of them may be letters alone.
    re.compile(
        r"(?<![\w:.])(?=[a-fA-F:]*\d)[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){1,20}:[0-9a-fA-F]{1,4}(?![\w:])"
    ),
    # Whatever has a digit. "<1 sec" is a duration, "<5>" is not.
    re.compile(rf"(?:<(?![^\s<>]{0, 64}>))?(?<![^{_END}])[^{_END}\d]*\d[^{_END}]*"),
    re.compile(rf"\0 ?{_UNIT}(?![\w/])"),
    # Host lists of clusters: node-[1-3,7].
    re.compile(r"(?<![\w.-])[\w.-]{1,64}-\[\0(?:[ ,]+\0)*\]"),
)
_DIGIT: Final = re.compile(r"\d")
_HEX_LETTERS: Final = re.compile(r"(?<![\w-])[a-f]{8,}(?![\w-])")
_TRUTH: Final = re.compile(r"(?<![\w.'-])(?:[Tt]rue|[Ff]alse|TRUE|FALSE)(?![\w'-])")
_NOTHING: Final = re.compile(r"([=:(\[,] ?)(?:null|nil|none|nan)(?=[\s,;)\]}]|$)", re.IGNORECASE)
_LEADER: Final = re.compile(r"\.{3,}|\.\.(?!/)")
_NO_VALUE: Final = re.compile(r"(?<=\w)=(?=[\s,;)\]}]|$)")
_WORD_LIST: Final = re.compile(r"\[[\w.\0-]+(?:, ?[\w.\0-]+)+\]")
_OBJECT: Final = re.compile(r"\{(?:\0|[^{}:=,]*[:=,][^{}]*)\}")
_MAX_DEPTH: Final = 4
_SPACES: Final = re.compile(r"\s+")
_RUN: Final = re.compile(r"\0(?:[\s:;=,/.|@#+&_~*-]*\0)+")
_OTHER_FORM: Final = re.compile(r"\0\s?\(\0\)")


def masked(message: str) -> str:
    """The first line of a message with `<*>` for each value: number, id, time, address, path, host, list.

    A quantity is one value with its unit, a list of alike items is one value. A word with a digit in it is a
    value: `node-7`, `blk_12`, but also `utf8`.
    """
    return _masked(message)[:MAX_TEMPLATE_CHARS].replace(MARK, VARIABLE)


def _masked(message: str) -> str:
    line = message.lstrip().partition("\n")[0]
    if len(line) > _MAX_MESSAGE_CHARS:
        # Not within a value: half of it may look like a word.
        line = line[:_MAX_MESSAGE_CHARS].rpartition(" ")[0] or line[:_MAX_MESSAGE_CHARS]
    line = line.replace(MARK, " ").replace(VARIABLE, MARK)
    if ".." in line:
        # "enabled.......0": the dots would tie the word to the value.
        line = _LEADER.sub(" ... ", line)
    for hint, pattern in _NAMED:
        if hint in line:
            line = pattern.sub(MARK, line)
    if _DIGIT.search(line):
        for pattern in _WITH_DIGITS:
            line = pattern.sub(MARK, line)
    line = _HEX_LETTERS.sub(MARK, _TRUTH.sub(MARK, _NOTHING.sub(r"\1" + MARK, line)))
    if "=" in line:
        line = _NO_VALUE.sub("=" + MARK, line)
    if "{" in line:
        for _ in range(_MAX_DEPTH):
            line = _OBJECT.sub(MARK, line)
    if "[" in line:
        line = _WORD_LIST.sub("[" + MARK + "]", line)
    line = line.replace(" ()", f" ({MARK})")
    return collapsed(_SPACES.sub(" ", line)).strip()


def collapsed(line: str) -> str:
    """A run of variables is one, and so is a value with another form of it in parentheses: 2048 (2 KB).

    Of alike items, each with a variable, the first is kept: "node 1 ok node 2 ok" is "node <*> ok".
    """
    if line.count(MARK) < 2:
        return line
    pieces = _OTHER_FORM.sub(MARK, _RUN.sub(MARK, line)).split(MARK)
    others = (there for here, there in pairwise(pieces) if there.strip() != here.strip() or not there.strip())
    return MARK.join((pieces[0], *others))
