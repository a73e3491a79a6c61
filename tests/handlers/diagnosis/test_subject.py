"""The name and the declaration of what an anomaly is about."""

from __future__ import annotations

import pytest

from handlers.diagnosis.subject import find_handler, place, subject
from handlers.model import Handler
from tests.handlers.diagnosis.builders import declared, slow

EXACT = declared("e", "notifyUi", "s", "Plugin", line=1)
ELSEWHERE = declared("e", "notifyUi", "other", "Plugin", line=2)
AGAIN = declared("e", "notifyUi", "third", "Plugin", line=3)
FOREIGN = declared("e", "notifyUi", "fourth", "ForeignPlugin", line=4)


@pytest.mark.parametrize(
    ("handlers", "sequence", "found"),
    [
        pytest.param((FOREIGN, ELSEWHERE, EXACT), "s", EXACT, id="sequence and event are the identity"),
        pytest.param((FOREIGN, ELSEWHERE), "", ELSEWHERE, id="no sequence: one declaration fits"),
        pytest.param((ELSEWHERE, AGAIN), "", None, id="no sequence: two declarations fit, so none is chosen"),
        pytest.param(
            (FOREIGN,), "s", None, id="the same function name in another plug-in is another handler"
        ),
    ],
)
def test_a_declaration_is_found_only_when_it_is_the_one(
    handlers: tuple[Handler, ...], sequence: str, found: Handler | None
) -> None:
    anomaly = slow(event="e", handler="notifyUi", sequence=sequence, plugin="Plugin")
    assert find_handler(handlers, anomaly) is found


@pytest.mark.parametrize(
    ("event", "handler", "plugin", "name"),
    [("e", "h", "P", "P.h"), ("e", "h", "", "h"), ("e", "", "P", "e"), ("", "", "", "s")],
)
def test_the_subject_is_the_handler_else_the_event_else_the_sequence(
    event: str, handler: str, plugin: str, name: str
) -> None:
    assert subject(slow(event=event, handler=handler, plugin=plugin, sequence="s")) == name


def test_a_place_without_a_known_line_is_the_file() -> None:
    assert place(EXACT) == "sequences/s.json:1"
    assert place(declared("e", "h", "s", "P", line=0)) == "sequences/s.json"
    assert place(None) == ""
