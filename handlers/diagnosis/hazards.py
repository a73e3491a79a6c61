"""Calls in the code at fault that can take the added time by themselves."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.diagnosis.known import Known
from handlers.diagnosis.reach import callees, functions_of
from handlers.model import AnyAnomaly, Function, Hazard, Suspect

_WAITS: Final = {
    "sleep": "sleeps",
    "file": "reads or writes files",
    "network": "waits for the network",
    "database": "waits for a database",
    "process": "waits for another process",
    "wait": "waits for an asynchronous call",
    "growth": "",
}


class Found(msgspec.Struct, frozen=True):
    """A hazard with the function that it is in."""

    hazard: Hazard
    function: Function
    is_new: bool
    """The likeliest commit brought its very line."""

    @property
    def place(self) -> str:
        return f"{self.function.file}:{self.hazard.line}"

    @property
    def says(self) -> str:
        if self.hazard.kind == "growth":
            return (
                f"{self.function.qualified_name} goes through {self.hazard.call} again for each item of a "
                f"loop ({self.place}), work that grows with the product of both"
            )
        how = " in a loop" if self.hazard.in_loop else ""
        if self.function.is_async and self.hazard.blocks:
            how += ", which stops everything else of its event loop"
        what = _WAITS[self.hazard.kind]
        return f"{self.function.qualified_name} calls {self.hazard.call} ({self.place}), which {what}{how}"


def hazard_at_fault(
    anomaly: AnyAnomaly,
    known: Known,
    location: str,
    culprit: Suspect | None,
    brought: frozenset[int],
    *,
    grows: bool = False,
) -> Found | None:
    """The likeliest one, or None. What stands in its own function goes before what stands in a callee.

    `brought`: the lines of the file of `culprit` that are its doing. A call that was there before the
    beginning explains nothing by itself: without a commit that brought it, it must sleep, be in a loop or
    block an event loop to be told, or be work that grows where the time `grows`.
    """
    own = functions_of(anomaly, known, location)
    found = []
    for depth, functions in enumerate((own, callees(own, known))):
        for function in functions:
            for hazard in function.hazards:
                file = culprit.place.rpartition(":")[0] if culprit else ""
                is_new = function.file == file and hazard.line in brought
                telling = hazard.in_loop or hazard.kind == "sleep" or (function.is_async and hazard.blocks)
                if hazard.kind == "growth":
                    telling = grows
                if is_new or telling:
                    other = grows and hazard.kind != "growth"
                    rank = (not is_new, other, depth, not telling, function.file, hazard.line)
                    found.append((rank, Found(hazard, function, is_new)))
    return min(found, key=lambda each: each[0])[1] if found else None
