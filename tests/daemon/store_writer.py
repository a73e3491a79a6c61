"""What the tests of the store share: short ways to fill one, and a process that writes one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinydb.table import Document

from daemon.store import Store

MAX_BYTES = 2**24

WRITER = """
import sys
from pathlib import Path
from tinydb.table import Document
from daemon.store import Store
with Store.open(Path(sys.argv[1]), max_bytes=2**24) as store:
    def commit(number):
        with store.transaction():
            for name in ("checkpoints", "windows"):
                store.table(name).put([Document({"n": number}, doc_id) for doc_id in range(600)])
    if sys.argv[2] == "write":
        commit(1)
    print("open", flush=True)
    number = 1
    while sys.argv[2] == "write":
        number += 1
        commit(number)
    sys.stdin.read()
"""


def numbered(*ids: int) -> list[Document]:
    return [Document({"n": doc_id}, doc_id) for doc_id in ids]


def open_store(path: Path, max_bytes: int = MAX_BYTES) -> Store:
    return Store.open(path, max_bytes=max_bytes)


def fill(path: Path, documents: int = 2000) -> None:
    with open_store(path) as store:
        store.table("windows").put([Document({"text": "x" * 500}, doc_id) for doc_id in range(documents)])


@contextmanager
def writer(path: Path, task: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), task],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()
