"""What the subject of an anomaly runs: the lines and files whose change can be its cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from handlers.diagnosis.known import Known
from handlers.diagnosis.subject import find_handler
from handlers.model import AnyAnomaly, BehavioralAnomaly, Codebase, Function, Handler, Sequence, Touch

_SETTINGS: Final = (".cfg", ".conf", ".env", ".ini", ".properties", ".toml", ".yaml", ".yml")
_PLAYS: Final = 2
"""A function that calls so many handlers of a sequence plays it."""


class Place(msgspec.Struct, frozen=True):
    """Lines of a file, from the root of the project; all of it where `last` is 0."""

    touch: Touch
    file: str
    first: int = 0
    last: int = 0
    name: str = ""


def functions_of(anomaly: AnyAnomaly, known: Known, location: str) -> tuple[Function, ...]:
    """The functions at fault: the one at `location`, else those of the handlers of the beats concerned."""
    file, _, line = location.rpartition(":")
    if line.isdecimal() and (there := _around(known, file, int(line))):
        return (there,)
    handlers = [find_handler(known.codebase.handlers, anomaly)]
    if isinstance(anomaly, BehavioralAnomaly):
        handlers = [each for each in _declared(anomaly, known.codebase) if each.event in anomaly.beats]
    found = (_around(known, each.file, each.line) for each in handlers if each and each.file)
    return tuple(dict.fromkeys(each for each in found if each))


def callees(functions: Iterable[Function], known: Known) -> tuple[Function, ...]:
    """What they call, as far as one function alone has the name; one level deep."""
    names = {name.rpartition(".")[2] for each in functions for name in each.calls}
    alike = (known.by_name.get(name, []) for name in sorted(names))
    return tuple(each[0] for each in alike if len(each) == 1)


def reach_of(anomaly: AnyAnomaly, known: Known, location: str) -> tuple[Place, ...]:
    """The places, those whose change explains most first; empty where no source of it is known."""
    functions = functions_of(anomaly, known, location)
    sequence = sequence_of(anomaly, known.codebase)
    definition = sequence.path_in_root if sequence else ""
    players = _players(anomaly, known.codebase)
    places: list[Place] = []
    if isinstance(anomaly, BehavioralAnomaly):
        if definition:
            places.append(Place("definition", definition, name="its definition"))
        places += _places("caller", players)
    places += _places("function", functions)
    places += _places("callee", (each for each in callees(functions, known) if each not in functions))
    if definition:
        places.append(Place("definition", definition, name="its definition"))
    places += (Place("file", each.file, name=each.file) for each in (*functions, *players))
    return tuple(dict.fromkeys(places))


def is_located(places: Iterable[Place]) -> bool:
    """Whether the source is among them: else nothing can be said of a commit that touches none of them."""
    return any(each.touch in {"function", "caller"} for each in places)


def is_settings(file: str) -> bool:
    """Whether a file of this name holds settings of the project."""
    return file.endswith(_SETTINGS)


def sequence_of(anomaly: AnyAnomaly, codebase: Codebase) -> Sequence | None:
    """The declaration of the sequence that the anomaly is in."""
    return next((each for each in codebase.sequences if anomaly.sequence in (each.id, each.name)), None)


def _declared(anomaly: AnyAnomaly, codebase: Codebase) -> Iterator[Handler]:
    sequence = sequence_of(anomaly, codebase)
    wanted = sequence.id if sequence else anomaly.sequence
    return (each for each in codebase.handlers if each.sequence == wanted)


def _players(anomaly: AnyAnomaly, codebase: Codebase) -> tuple[Function, ...]:
    """The functions that call the handlers of the beats concerned, one after the other."""
    if not isinstance(anomaly, BehavioralAnomaly):
        return ()
    handlers = list(_declared(anomaly, codebase))
    names = {each.name for each in handlers if each.name}
    concerned = {each.name for each in handlers if each.name and each.event in anomaly.beats}
    found = []
    for each in codebase.source:
        called = {name.rpartition(".")[2] for name in each.calls}
        if not each.is_test and len(called & names) >= _PLAYS and (called & concerned or not concerned):
            found.append(each)
    return tuple(found)


def _places(touch: Touch, functions: Iterable[Function]) -> list[Place]:
    return [Place(touch, each.file, each.line, each.end_line, each.qualified_name) for each in functions]


def _around(known: Known, file: str, line: int) -> Function | None:
    """The innermost function around a line."""
    around = [each for each in known.by_file.get(file, []) if each.line <= line <= each.end_line]
    return max(around, key=lambda each: each.line, default=None)
