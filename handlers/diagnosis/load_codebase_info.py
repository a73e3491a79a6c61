"""Beat 3 of the diagnosis: self-healing:diagnosis:load:codebase."""

from __future__ import annotations

from msgspec.structs import replace

from handlers.diagnosis.ports import CodebasePort
from handlers.diagnosis.subject import find_handler
from handlers.locate import at, candidates, functions_by_name
from handlers.model import AnyAnomaly, Codebase, Handler


async def load_codebase_info(anomalies: tuple[AnyAnomaly, ...] = (), *, port: CodebasePort) -> Codebase:
    """Loads handlers, sequences, tests, functions and history of the watched project.

    An anomaly's handler that no definition declares is added where the source has one function of its name.
    """
    codebase = await port.load_codebase()
    if not codebase.source:
        return codebase
    unknown = {
        Handler(each.sequence, each.event, each.plugin, each.handler, 0): None
        for each in anomalies
        if each.handler and find_handler(codebase.handlers, each) is None
    }
    by_name = functions_by_name(codebase.source) if unknown else {}
    found = [
        at(handler, functions[0], codebase.owners)
        for handler in unknown
        if len(functions := candidates(handler, by_name)) == 1
    ]
    return replace(codebase, handlers=(*codebase.handlers, *found))
