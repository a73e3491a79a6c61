"""Beat 2: find the log files that have grown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from handlers.model import LogFile
from handlers.telemetry.ports import LogPort


class LoadedLogFiles(msgspec.Struct, frozen=True):
    files: tuple[LogFile, ...]
    count: int
    total_size: int
    """Unread bytes in all of them."""


async def load_log_files(logs_directory: Sequence[str], *, port: LogPort) -> LoadedLogFiles:
    """Lists the files under the log directories with bytes that no commit holds yet."""
    files = await port.list_files(logs_directory)
    return LoadedLogFiles(files, len(files), sum(file.size_bytes - file.offset for file in files))
