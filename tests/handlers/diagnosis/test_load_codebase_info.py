"""A recommendation names the file and line of the function at fault, if there is only one that it can be."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.diagnosis.load_codebase_info import load_codebase_info
from handlers.model import AnyAnomaly, Codebase, Function
from tests.handlers.diagnosis.builders import declared, failing, slow, untested
from tests.handlers.diagnosis.test_diagnose import Memory, played


def function(name: str, file: str, line: int = 7, *, is_test: bool = False) -> Function:
    last = name.rpartition(".")[2]
    return Function(last, name, file, line, line + 1, line + 9, "()", False, 1, (), (), is_test)


RENDER = function("renderReact", "src/create.ts")


async def places(codebase: Codebase, *anomalies: AnyAnomaly) -> list[str]:
    known = await load_codebase_info(anomalies, port=Memory((), codebase))
    return [f"{each.file}:{each.line}-{each.end_line}" for each in known.handlers]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("functions", "found"),
    [
        pytest.param((RENDER,), ["src/create.ts:7-16"], id="the one function of this name"),
        pytest.param((RENDER, function("renderReact", "src/b.ts")), [], id="two of them: none is taken"),
        pytest.param(
            (RENDER, function("CreatePlugin.renderReact", "src/b.ts")),
            ["src/b.ts:7-16"],
            id="the method of the plug-in goes before others",
        ),
        pytest.param(
            (RENDER, function("renderReact", "tests/b.ts", is_test=True)),
            ["src/create.ts:7-16"],
            id="a function of a test is no handler",
        ),
        pytest.param((function("render", "src/b.ts"),), [], id="no function of this name"),
        pytest.param((), [], id="no source"),
    ],
)
async def test_a_handler_that_no_definition_declares_is_found_by_its_name(
    functions: tuple[Function, ...], found: list[str]
) -> None:
    assert await places(Codebase(source=functions), slow(), slow()) == found


@pytest.mark.anyio
async def test_a_declared_handler_is_not_added_again() -> None:
    handler = declared("render-react", "renderReact", "create-symphony", "CreatePlugin")
    codebase = Codebase(handlers=(handler,), source=(RENDER,))
    assert (await load_codebase_info((slow(),), port=Memory((), codebase))).handlers == (handler,)


@pytest.mark.anyio
async def test_the_owners_of_the_file_come_with_it() -> None:
    codebase = Codebase(source=(RENDER,), owners={"src/create.ts": ("@canvas",)})
    (handler,) = (await load_codebase_info((slow(),), port=Memory((), codebase))).handlers
    assert handler.owners == ("@canvas",)


@pytest.mark.anyio
async def test_recommendations_name_the_file_and_line_of_the_function() -> None:
    anomalies = (slow(), replace(failing(), frame=""), untested())
    functions = tuple(function(each.handler, f"src/{number}.ts") for number, each in enumerate(anomalies))
    memory = Memory(anomalies, Codebase(source=functions))
    await played(memory)
    located = {each.anomaly_id: each.location for each in reversed(memory.stored[0])}
    assert located == {each.id: f"src/{number}.ts:7" for number, each in enumerate(anomalies)}


@pytest.mark.anyio
async def test_a_declared_handler_is_named_by_its_function_and_not_by_its_declaration() -> None:
    handler = declared("render-react", "renderReact", "create-symphony", "CreatePlugin", line=42)
    memory = Memory((slow(),), Codebase(handlers=(replace(handler, file="src/a.ts", line=3, end_line=5),)))
    await played(memory)
    assert memory.stored[0][0].location == "src/a.ts:3"
