"""Everything that is fuzzed: what it is made from, and what must hold for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from hypothesis import strategies as st

from tests.fuzz import files, logs, whole
from tests.fuzz.mutations import mutated


class Target(NamedTuple):
    seeds: Callable[[], list[bytes]]
    check: Callable[[bytes, Path], None]
    """Raises what is wrong. The folder is empty, or as the call before left it."""
    whole: bool = False
    """Seeds are begun with as a whole, not with some of their lines."""

    def inputs(self) -> st.SearchStrategy[bytes]:
        return mutated(self.seeds(), whole=self.whole)


TARGETS: Final[Mapping[str, Target]] = {
    **{f"log {name}": Target(logs.seeds, logs.counts_add_up(name)) for name in logs.FORMATS},
    "trial": Target(logs.seeds, logs.trial_is_told),
    "settings": Target(files.settings_seeds, files.settings_are_told),
    "declared files": Target(files.declared_seeds, files.declared_is_told, whole=True),
    "source files": Target(files.source_seeds, files.source_is_told),
    "orders": Target(files.order_seeds, files.orders_are_told),
    "git log": Target(files.history_seeds, files.history_is_read, whole=True),
    "archives": Target(files.archive_seeds, files.archive_is_told, whole=True),
    "judged log": Target(whole.log_seeds, whole.log_is_judged, whole=True),
    "store": Target(whole.store_seeds, whole.store_is_told, whole=True),
}
