"""The handlers are those of the specification (handlers.md): names, order, kinds, inputs and outputs."""

import importlib
import inspect
import re
import typing
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from handlers.anomaly.sequence import ANOMALY
from handlers.diagnosis.sequence import DIAGNOSIS
from handlers.stage import Beat, SequenceDefinition
from handlers.telemetry.sequence import TELEMETRY

FOLDER: Final = Path(__file__).parent
PACKAGE: Final = FOLDER.parents[1] / "handlers"
SECTIONS: Final[dict[str, tuple[str, SequenceDefinition]]] = {
    "1. Telemetry Parsing Handlers": ("telemetry", TELEMETRY),
    "2. Anomaly Detection Handlers": ("anomaly", ANOMALY),
    "3. Diagnosis Handlers": ("diagnosis", DIAGNOSIS),
}
TYPES: Final = {"Pure": "pure", "Stage-Crew (Async)": "stage-crew"}
ENTRY: Final = re.compile(
    r"### (?P<name>\w+)\n\*\*Type\*\*: (?P<type>[^\n]+?) *\n"
    r"\*\*Input\*\*: `\{(?P<input>[^\n]*)\}` *\n\*\*Output\*\*: `\{(?P<output>[^\n]*)\}` *\n"
)
FIELD: Final = re.compile(r"(?P<name>\w+): (?P<type>[^,]+)")


class Specified(NamedTuple):
    """One handler as the specification has it. Fields: type by name in snake_case."""

    section: str
    number: int
    name: str
    kind: str
    inputs: dict[str, str]
    outputs: dict[str, str]


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def fields(text: str) -> dict[str, str]:
    return {snake_case(match["name"]): match["type"].strip() for match in FIELD.finditer(text)}


def read_specification() -> list[Specified]:
    text = (FOLDER / "handlers.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^## (?=\d)", text, flags=re.MULTILINE)
    return [
        Specified(
            part.partition("\n")[0],
            number,
            snake_case(match["name"]),
            TYPES[match["type"]],
            fields(match["input"]),
            fields(match["output"]),
        )
        for part in parts
        for number, match in enumerate(ENTRY.finditer(part), 1)
    ]


SPECIFICATION: Final = read_specification()


def beat_of(specified: Specified) -> Beat:
    return SECTIONS[specified.section][1].beats[specified.number - 1]


def result_of(specified: Specified) -> type[Any]:
    result = typing.get_type_hints(beat_of(specified).handler)["return"]
    assert isinstance(result, type)
    return result


def test_the_specification_has_three_sequences_of_7_9_and_11_handlers() -> None:
    counts = [sum(each.section == section for each in SPECIFICATION) for section in SECTIONS]
    assert counts == [7, 9, 11]
    assert len(SPECIFICATION) == 27


@pytest.mark.parametrize("section", SECTIONS)
def test_a_sequence_plays_exactly_its_handlers_in_the_order_of(section: str) -> None:
    definition = SECTIONS[section][1]
    assert [beat.name for beat in definition.beats] == [
        each.name for each in SPECIFICATION if each.section == section
    ]
    assert [beat.number for beat in definition.beats] == list(range(1, len(definition.beats) + 1))


@pytest.mark.parametrize("section", SECTIONS)
def test_beats_report_under_topics_of_their_own_that_begin_with_the_name_of(section: str) -> None:
    subject, definition = SECTIONS[section]
    topics = [beat.topic for beat in definition.beats]
    assert [topic for topic in topics if not topic.startswith(f"self-healing:{subject}:")] == []
    assert len(set(topics)) == len(topics)


@pytest.mark.parametrize("specified", SPECIFICATION, ids=lambda each: each.name)
class TestHandler:
    def test_is_a_plain_function_if_pure_and_a_coroutine_if_stage_crew(self, specified: Specified) -> None:
        handler = beat_of(specified).handler
        assert inspect.isfunction(handler)
        assert inspect.iscoroutinefunction(handler) == (specified.kind == "stage-crew")

    def test_takes_every_input_by_its_name(self, specified: Specified) -> None:
        parameters = inspect.signature(beat_of(specified).handler).parameters
        assert list(parameters)[: len(specified.inputs)] == list(specified.inputs)

    def test_returns_a_frozen_record_with_every_output(self, specified: Specified) -> None:
        result = result_of(specified)
        assert issubclass(result, msgspec.Struct)
        assert result.__struct_config__.frozen
        assert set(specified.outputs) <= set(result.__struct_fields__)

    def test_has_outputs_of_the_specified_types(self, specified: Specified) -> None:
        result = result_of(specified)
        hints = typing.get_type_hints(result)
        for name, wanted in specified.outputs.items():
            assert is_a(hints[name], wanted), f"{name}: {hints[name]} is no {wanted}"

    def test_is_the_one_public_function_of_its_file(self, specified: Specified) -> None:
        module = module_of(specified)
        public = [
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
        ]
        assert public == [specified.name]


def module_of(specified: Specified) -> ModuleType:
    subject, _ = SECTIONS[specified.section]
    module = importlib.import_module(f"handlers.{subject}.{specified.name}")
    assert beat_of(specified).handler is getattr(module, specified.name)
    return module


def is_a(hint: Any, wanted: str) -> bool:
    """Whether a type hint is what the specification calls `wanted`."""
    if wanted.startswith("'"):
        return bool(hint == typing.Literal[wanted.strip("'")])
    if wanted.endswith("[]"):
        if typing.get_origin(hint) not in (tuple, list):
            return False
        member = typing.get_args(hint)[0]
        # A record of columns, one entry an event in each, holds several of them, and so does a packed one.
        return names(f"{wanted[:-2]}s", member) or names(wanted[:-2], member)
    plain = {"string": str, "number": int, "boolean": bool}.get(wanted)
    return hint is plain if plain else names(wanted, hint)


def names(wanted: str, hint: Any) -> bool:
    """The record of that name, or a union of those that the specification calls by one name."""
    members = typing.get_args(hint)
    if members:
        return all(member.__name__.endswith(wanted) for member in members)
    return bool(hint.__name__ == wanted)


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        pytest.param(typing.Literal["done"], "'completed'", id="another status"),
        pytest.param(str, "'completed'", id="a text in place of a status"),
        pytest.param(str, "number", id="a text in place of a number"),
        pytest.param(tuple[str, ...], "Anomaly[]", id="a list of something else"),
        pytest.param(str, "string[]", id="one in place of several"),
    ],
)
def test_the_check_of_types_refuses(hint: Any, wanted: str) -> None:
    assert not is_a(hint, wanted)


@pytest.mark.parametrize("section", SECTIONS)
def test_there_is_no_further_handler_beside_those_of(section: str) -> None:
    """The file of a handler says at its head which beat it is."""
    subject, definition = SECTIONS[section]
    found = {
        path.stem: int(match[1])
        for path in (PACKAGE / subject).glob("*.py")
        if (match := re.match(r'"""Beat (\d+)', path.read_text(encoding="utf-8")))
    }
    assert found == {beat.name: beat.number for beat in definition.beats}
