"""Groups of templates: a name once given stays, groups only ever unite, and the older name wins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from handlers.templates.evidence import Parts, Places, in_parts, varying_places, with_variables
from handlers.templates.masking import MARK, VARIABLE

MAX_TEMPLATES: Final = 2_000
OTHER: Final = "…"
"""The group of the templates that come when there are `MAX_TEMPLATES`, and fit into no group."""
_MAX_PARTS: Final = 121
"""A template of more than 60 words is a group of its own."""
_MAX_ALIKE: Final = 256
"""The newest templates of the same separators that a new one is compared with."""
_MAX_CACHED: Final = 10_000


class TemplateBook(msgspec.Struct, frozen=True):
    """What a `Grouping` has learned, to be stored."""

    groups: dict[str, str] = {}
    """Template -> name of its group, which is the template of the group that was seen first. In the order in
    which they were learned."""
    variables: dict[str, tuple[str, Places]] = {}
    """Template with learned variables -> the template that they were learned from, and where in it they are.
    In the order in which they were learned."""


class Grouping:
    """Names the group of each template, and learns.

    The names depend on the order of the templates when they are seen first, not on how often they are seen or
    in how many calls, nor on whether the book was stored and loaded in between.
    """

    def __init__(self, book: TemplateBook | None = None) -> None:
        self._groups: dict[str, str] = {}
        self._age: dict[str, int] = {}
        self._alike: dict[tuple[str, ...], list[Parts]] = {}
        self._variables: dict[str, tuple[str, Places]] = {}
        self._places: dict[int, dict[Places, None]] = {}
        """Places of the learned variables by number of parts."""
        self._cache: dict[str, str] = {}
        self.learned = 0
        """Grows with all that is learned: while it stays, so does the book."""
        if book is not None:
            self._load(book)

    def group(self, template: str) -> str:
        """The name of the group of a template that `masked` made.

        A name that was given before is answered with the name of the group that it has become part of.
        """
        template = template.replace(VARIABLE, MARK)
        name = self._groups.get(template)
        if name is None:
            known = self._cache.get(template)
            if known is None:
                known = self._cache[template] = self._place(template)
                if len(self._cache) > _MAX_CACHED:
                    self._cache.clear()
            name = self._groups.get(known, known)
        return name.replace(MARK, VARIABLE)

    def widest(self, name: str) -> str:
        """The template of a group with the variables that were learned last, to be shown to people."""
        name = _in(name)
        of_group = (template for template in reversed(self._variables) if self._groups[template] == name)
        return _out(next(of_group, name))

    def shown(self) -> dict[str, str]:
        """What `widest` answers, for the groups of which it is not the name."""
        return {_out(self._groups[template]): _out(template) for template in self._variables}

    def book(self) -> TemplateBook:
        return TemplateBook(
            {_out(template): _out(name) for template, name in self._groups.items()},
            {_out(template): (_out(of), places) for template, (of, places) in self._variables.items()},
        )

    def _load(self, book: TemplateBook) -> None:
        for template, name in book.groups.items():
            self._remember(_in(template), _in(name))
        for template, (of, places) in book.variables.items():
            self._learn(_in(template), _in(of), places)

    def _remember(self, template: str, name: str) -> Parts:
        self._groups[template] = name
        self._age[template] = len(self._age)
        self.learned += 1
        parts = in_parts(template)
        if len(parts) <= _MAX_PARTS:
            self._alike.setdefault(tuple(parts[::2]), []).append(parts)
        return parts

    def _learn(self, template: str, of: str, places: Places) -> None:
        self._variables[template] = of, places
        self.learned += 1
        self._places.setdefault(len(in_parts(of)), {})[places] = None
        # A template that was found to belong elsewhere may belong here as well.
        self._cache.clear()

    def _place(self, template: str) -> str:
        """A template that names the group of this one: one with learned variables, else itself."""
        if fitting := self._fitting(in_parts(template)):
            self._unite(fitting)
            return fitting[0]
        if len(self._groups) >= MAX_TEMPLATES:
            return OTHER
        self._add(template)
        return template

    def _fitting(self, parts: Parts) -> list[str]:
        candidates = (with_variables(parts, places) for places in self._places.get(len(parts), ()))
        return [candidate for candidate in candidates if candidate in self._variables]

    def _add(self, template: str) -> None:
        parts = self._remember(template, template)
        if len(parts) > _MAX_PARTS:
            return
        *others, _ = self._alike[tuple(parts[::2])]
        for places in list(varying_places(parts, others[-_MAX_ALIKE:], self._groups)):
            wider = with_variables(parts, places)
            if wider not in self._variables:
                # What is as wide and was not stored has had its name from these.
                names = self._fitting(in_parts(wider))
                self._learn(wider, template, places)
                if wider not in self._groups:
                    self._add(wider)
                self._unite([wider, *names, *self._covered(parts, places)])

    def _covered(self, parts: Parts, places: Places) -> list[str]:
        fixed = [i for i in range(1, len(parts), 2) if i not in places]
        alike = self._alike[tuple(parts[::2])]
        return ["".join(other) for other in alike if all(other[i] == parts[i] for i in fixed)]

    def _unite(self, templates: Iterable[str]) -> None:
        names = {self._groups[template] for template in templates}
        if len(names) > 1:
            self.learned += 1
            oldest = min(names, key=self._age.__getitem__)
            for template, name in self._groups.items():
                if name in names:
                    self._groups[template] = oldest


def _in(template: str) -> str:
    return template.replace(VARIABLE, MARK)


def _out(template: str) -> str:
    return template.replace(MARK, VARIABLE)
