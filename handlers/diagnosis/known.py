"""What is known besides the anomalies of one diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from handlers.locate import functions_by_name
from handlers.model import Codebase, Function, Past


class Known(msgspec.Struct, frozen=True, dict=True):
    """Source, commits and the past, with what is looked up in them for every anomaly."""

    codebase: Codebase = Codebase()
    pasts: Mapping[str, Past] = {}
    """By id of the anomaly."""

    @cached_property
    def by_file(self) -> dict[str, list[Function]]:
        """The functions of each source file, tests left out."""
        found: dict[str, list[Function]] = {}
        for each in self.codebase.source:
            if not each.is_test:
                found.setdefault(each.file, []).append(each)
        return found

    @cached_property
    def by_name(self) -> dict[str, list[Function]]:
        """The functions of each name, tests left out."""
        return functions_by_name(self.codebase.source)
