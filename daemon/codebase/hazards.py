"""Which calls wait for something outside of the function, by language.

A name ends in "." where all that begins with it is meant, and begins with "." where only the method is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handlers.model import HazardKind

PYTHON: Final[Mapping[HazardKind, tuple[str, ...]]] = {
    "sleep": ("time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep", "gevent.sleep"),
    "file": (
        "open",
        "io.open",
        "os.listdir",
        "os.scandir",
        "os.walk",
        "os.stat",
        "os.remove",
        "os.rename",
        "os.fsync",
        "shutil.",
        "glob.",
        "tempfile.",
        "aiofiles.",
        ".read_text",
        ".read_bytes",
        ".write_text",
        ".write_bytes",
    ),
    "network": (
        "requests.",
        "urllib.request.",
        "urllib3.",
        "http.client.",
        "httpx.",
        "aiohttp.",
        "socket.create_connection",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "smtplib.",
        "ftplib.",
        "paramiko.",
        ".sendall",
        ".recv",
    ),
    "database": (
        "sqlite3.",
        "psycopg.",
        "psycopg2.",
        "pymysql.",
        "pymongo.",
        "asyncpg.",
        "redis.",
        ".execute",
        ".executemany",
        ".fetchone",
        ".fetchall",
    ),
    "process": ("subprocess.", "os.system", "os.popen", "asyncio.create_subprocess_exec"),
    "wait": ("asyncio.run", ".run_until_complete"),
}
JAVASCRIPT: Final[Mapping[HazardKind, tuple[str, ...]]] = {
    "sleep": ("setTimeout", "sleep", "delay", "Atomics.wait"),
    "file": ("fs.", "fsPromises.", "readFile", "writeFile", "readFileSync", "writeFileSync", "existsSync"),
    "network": (
        "fetch",
        "axios",
        "axios.",
        "http.get",
        "http.request",
        "https.get",
        "https.request",
        "got",
        "got.",
    ),
    "database": ("localStorage.", "sessionStorage.", ".query", ".execute", ".findOne", ".findMany"),
    "process": ("execSync", "spawnSync", "execFileSync", "child_process.", "childProcess."),
}
C_SHARP: Final[Mapping[HazardKind, tuple[str, ...]]] = {
    "sleep": ("Thread.Sleep", "Task.Delay"),
    "file": ("File.", "Directory.", "System.IO."),
    "network": (
        ".GetAsync",
        ".PostAsync",
        ".PutAsync",
        ".DeleteAsync",
        ".SendAsync",
        ".GetStringAsync",
        ".DownloadString",
        ".GetResponse",
        "Dns.",
    ),
    "database": (
        ".ExecuteReader",
        ".ExecuteNonQuery",
        ".ExecuteScalar",
        ".ExecuteReaderAsync",
        ".ExecuteNonQueryAsync",
        ".ExecuteScalarAsync",
        ".SaveChanges",
        ".SaveChangesAsync",
        ".ToListAsync",
        ".FirstOrDefaultAsync",
    ),
    "process": ("Process.Start", ".WaitForExit"),
    "wait": (".Result", ".Wait", ".GetResult", "Task.WaitAll", "Task.WaitAny"),
}


class Hazards:
    """Finds the kind of a call in constant time."""

    def __init__(self, names: Mapping[HazardKind, tuple[str, ...]]) -> None:
        self._exact: dict[str, HazardKind] = {}
        self._prefixes: dict[str, HazardKind] = {}
        self._methods: dict[str, HazardKind] = {}
        for kind, each in names.items():
            for name in each:
                if name.startswith("."):
                    self._methods[name[1:]] = kind
                elif name.endswith("."):
                    self._prefixes[name] = kind
                else:
                    self._exact[name] = kind

    def kind_of(self, call: str) -> HazardKind | None:
        """`call`: a dotted name."""
        if kind := self._exact.get(call):
            return kind
        owner, dot, method = call.rpartition(".")
        if not dot:
            return None
        if kind := self._methods.get(method):
            return kind
        while owner:
            if kind := self._prefixes.get(f"{owner}."):
                return kind
            owner = owner.rpartition(".")[0]
        return None
