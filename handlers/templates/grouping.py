"""Groups of templates: a word at a place where many words were seen is learned to be a variable."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from handlers.templates.masking import collapsed

_VAR: Final = "\0"
_WORDS: Final = re.compile(
    r'("[^"\0]{1,80}"|\0|[^\s\0,;:=()\[\]{}"\'<>|]+(?:,[^\s\0,;:=()\[\]{}"\'<>|]+)*)'
)
_MAX_PARTS: Final = 121
_MAX_HOLES: Final = 3

Parts = list[str]
"""A template cut into separator, word, separator, word, ..., separator."""


class TemplateBook(msgspec.Struct):
    """What was learned of the templates of a log."""

    groups: dict[str, str] = {}
    """Template -> the template that names its group, the one of the group that was seen first. In the order
    in which they were learned."""
    patterns: list[str] = []
    """Those of them in which a word was learned to be a variable."""


class Grouping:
    def __init__(self, book: TemplateBook, *, max_templates: int = 4000) -> None:
        self._max = max_templates
        self._groups: dict[str, str] = {}
        self._age: dict[str, int] = {}
        self._parts: dict[str, Parts] = {}
        self._patterns: set[str] = set()
        self._shapes: dict[int, list[tuple[int, ...]]] = defaultdict(list)
        self._alike: dict[tuple[str, ...], list[Parts]] = defaultdict(list)
        self._cache: dict[str, str] = {}

    def group(self, template: str) -> str:
        leaf = template.replace("<*>", _VAR)
        known = self._groups.get(leaf)
        if known is None:
            via = self._cache.get(leaf)
            if via is None:
                via = self._place(leaf)
                if len(self._cache) > 20000:
                    self._cache.clear()
                self._cache[leaf] = via
            known = self._groups.get(via, via)
        return known.replace(_VAR, "<*>")

    canonical = group

    def _matching(self, parts: Parts) -> list[str]:
        texts = [_holed(parts, shape) for shape in self._shapes.get(len(parts), ())]
        return [text for text in texts if text in self._patterns]

    def _place(self, leaf: str) -> str:
        parts = _WORDS.split(leaf)
        found = self._matching(parts)
        if found:
            self._unite(found)
            return found[0]
        if len(self._groups) < self._max:
            self._add(leaf, parts)
        return leaf

    def _add(self, leaf: str, parts: Parts) -> None:
        self._groups[leaf] = leaf
        self._age[leaf] = len(self._age)
        self._parts[leaf] = parts
        if len(parts) > _MAX_PARTS:
            return
        alike = self._alike[tuple(parts[::2])]
        holes = list(self._learned(parts, alike))
        alike.append(parts)
        for shape in holes:
            self._open(parts, shape)

    def _learned(self, parts: Parts, alike: list[Parts]) -> Iterator[tuple[int, ...]]:
        words = range(1, len(parts), 2)
        constants = sum(map(_is_content, parts[1::2]))
        by_holes: dict[tuple[int, ...], list[Parts]] = defaultdict(list)
        for other in alike:
            if len(differing := tuple(i for i in words if other[i] != parts[i])) <= _MAX_HOLES:
                by_holes[differing].append(other)
        for i in words:
            if not _may_vary(parts[i]):
                continue
            values = {o[i] for o in by_holes.get((i,), ()) if _may_vary(o[i])} | {parts[i]}
            if _VAR not in values and _holed(parts, (i,)) in self._groups:
                values.add(_VAR)
            weight = sum(map(_weight, values))
            if weight >= _needed(constants - _is_content(parts[i])):
                yield (i,)
        for holes in by_holes:
            if len(holes) < 2 or constants - len(holes) < len(holes):
                continue
            rows = [parts] + [o for d, os in by_holes.items() if set(d) <= set(holes) for o in os]
            if len(rows) >= 6 and all(sum(map(_weight, {r[i] for r in rows if _may_vary(r[i])})) >= 4 for i in holes):
                yield holes

    def _open(self, parts: Parts, shape: tuple[int, ...]) -> None:
        pattern = _holed(parts, shape)
        if pattern in self._patterns:
            return
        self._cache.clear()
        self._patterns.add(pattern)
        if shape not in self._shapes[len(parts)]:
            self._shapes[len(parts)].append(shape)
        covered = [t for t, p in self._parts.items() if len(p) == len(parts) and _holed(p, shape) == pattern]
        new = pattern not in self._groups
        if new:
            self._add(pattern, _WORDS.split(pattern))
        self._unite([*covered, pattern])

    def _unite(self, templates: Iterable[str]) -> None:
        names = {self._groups[t] for t in templates}
        if len(names) == 1:
            return
        oldest = min(names, key=self._age.__getitem__)
        for t, name in self._groups.items():
            if name in names:
                self._groups[t] = oldest


def _holed(parts: Parts, shape: tuple[int, ...]) -> str:
    filled = list(parts)
    for i in shape:
        filled[i] = '"\0"' if parts[i][0] == '"' else _VAR
    return collapsed("".join(filled))


def _is_word(word: str) -> bool:
    return any(map(str.isalpha, word))


_STOP = frozenset("a an and are as at be by for from has have in into is it its no not of on or out the this that to up was were will with".split())
def _is_content(word: str) -> bool:
    return word.lower() not in _STOP and _is_word(word)


def _may_vary(word: str) -> bool:
    """A word in capitals is a state or the name of an error: another one is another template."""
    return word == _VAR or word[0] == '"' or (_is_word(word) and not word.isupper())


def _weight(word: str) -> float:
    if word == _VAR:
        return 3
    if word[0] == '"' or re.search(r"[^\W_][._/$@,-]\w", word):
        return 1.4
    return 1


def _needed(constants: int) -> float:
    return {0: 99, 1: 8, 2: 5}.get(constants, 4)
