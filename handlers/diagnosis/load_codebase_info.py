"""Beat 3 of the diagnosis: self-healing:diagnosis:load:codebase."""

from __future__ import annotations

from handlers.diagnosis.ports import CodebasePort
from handlers.model import Codebase


async def load_codebase_info(*, port: CodebasePort) -> Codebase:
    """Loads handlers, sequences, tests and covered functions of the watched project."""
    return await port.load_codebase()
