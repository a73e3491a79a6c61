"""Which words of alike templates are variables: those at a place where enough different ones were seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import ne
from typing import Final

from handlers.templates.masking import MARK, collapsed

Parts = Sequence[str]
"""A template in parts: separator, word, separator, word, ..., separator."""
Places = tuple[int, ...]
"""Indices of words in the parts."""

_CHAR: Final = r"""[^\s\0,;:=()\[\]{}"'`<>|]"""
_WORD: Final = re.compile(rf'("[^"\0]{{1,80}}"|\0|{_CHAR}+(?:,{_CHAR}+)*)')
"""A quoted text is one word, and so is a list without spaces."""
_MAX_VARYING: Final = 3
"""So many words may vary together."""
_ENOUGH: Final = {1: 8.0, 2: 5.0}
"""Different words that make a place a variable, by the number of other words in the template; `_ENOUGH_ELSE`
for more of them. Without any other word nothing holds the group together."""
_ENOUGH_ELSE: Final = 4.0
_ENOUGH_ROWS: Final = 5
"""Other templates that make two or three places variables at once."""
_OF_A_VARIABLE: Final = 3.0
"""What it counts that a masked value was seen at the place: as much as three words."""
_OF_A_NAME: Final = 1.4
"""What a quoted text counts, or a name of more than one part such as `java.io.File`."""
_NAME: Final = re.compile(r"[^\W_][._/$@,-]\w")
_FUNCTION_WORD: Final = re.compile(
    r"an?|and|are|a[st]|b[ey]|for|from|ha[sv]e?|in|into|i[st]|its|not?|o[fn]|or|out|that|the|this|to|up|was|were"
    r"|will|with",
    re.IGNORECASE,
)
"""They say nothing of what a message is about."""


def in_parts(template: str) -> Parts:
    return _WORD.split(template)


def with_variables(parts: Parts, places: Places) -> str:
    """The template with variables for the words at these places."""
    filled = list(parts)
    for place in places:
        filled[place] = f'"{MARK}"' if parts[place][0] == '"' else MARK
    return collapsed("".join(filled))


def varying_places(parts: Parts, others: Sequence[Parts], known: dict[str, str]) -> Iterator[Places]:
    """Places at which this template and others of the same separators vary, alone or two or three together.

    `known` has all templates, also those of other separators.
    """
    differing: dict[Places, list[Parts]] = {}
    for other in others:
        if sum(map(ne, parts, other)) <= _MAX_VARYING:
            places = tuple(i for i in range(1, len(parts), 2) if parts[i] != other[i])
            differing.setdefault(places, []).append(other)
    content = sum(map(_is_content, parts[1::2]))
    for place in range(1, len(parts), 2):
        values = {other[place] for other in differing.get((place,), ())} | {parts[place]}
        if MARK not in values and with_variables(parts, (place,)) in known:
            values.add(MARK)
        if _may_vary(parts[place]) and _is_enough(parts, place, values, content - _is_content(parts[place])):
            yield (place,)
    for places in differing:
        fixed = content - len(places)
        if len(places) > 1 and fixed >= len(places):
            rows = [row for some, rows in differing.items() if set(some) <= set(places) for row in rows]
            if len(rows) >= _ENOUGH_ROWS and all(
                _is_enough(parts, place, {parts[place], *(row[place] for row in rows)}, fixed)
                for place in places
            ):
                yield places


def _is_enough(parts: Parts, place: int, values: set[str], others: int) -> bool:
    if others < 1:
        return False
    enough = _ENOUGH.get(others, _ENOUGH_ELSE)
    if parts[place - 1].endswith("="):
        enough -= 1
    return sum(_weight(value) for value in values if _may_vary(value)) >= enough


def _may_vary(word: str) -> bool:
    """A word in capitals is a state or the name of an error: another one is another template."""
    return word == MARK or word[0] == '"' or (_has_letter(word) and (len(word) == 1 or not word.isupper()))


def _weight(word: str) -> float:
    if word == MARK:
        return _OF_A_VARIABLE
    return _OF_A_NAME if word[0] == '"' or _NAME.search(word) else 1.0


def _is_content(word: str) -> bool:
    return _has_letter(word) and _FUNCTION_WORD.fullmatch(word) is None


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))
