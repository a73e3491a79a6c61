"""Breaks the process that finds this on its path, as the variables say. Its children find it too.

FAULT_POISON: `where:how`. A line with "POISON" in it dies there: `extract` (in the format), `together` (the
same, but only in a block of several lines), `normalize` or `recognise` (the format of a file); `how` is kill,
exit, hang or raise. Each death of the daemon and of its children is a line in FAULT_LOG.
FAULT_HANG_S: the time limit of a rehearsed line.
FAULT_SLOW_COMMIT_S: every commit takes so long.
FAULT_NO_COUNTS_AFTER: after so many commits of counts the store is full for all further ones.
FAULT_SLOW_START_S: opening the store takes so long.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

WHERE, _, HOW = os.environ.get("FAULT_POISON", "").partition(":")


def die() -> None:
    with open(os.environ["FAULT_LOG"], "a") as log:  # noqa: PTH123
        log.write("child\n" if "rehearsal" in " ".join(sys.orig_argv) else "daemon\n")
    if HOW == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif HOW == "exit":
        os._exit(7)
    elif HOW == "hang":
        time.sleep(3600)
    raise TypeError("a defect")


def poison_format(module: ModuleType) -> None:
    original: Callable[..., Any] = module.scan_block

    def scan_block(reader: Any, block: Any) -> Any:
        if b"POISON" in block.data and (WHERE == "extract" or block.data.count(b"\n") > 1):
            die()
        return original(reader, block)

    module.scan_block = scan_block  # type: ignore[attr-defined]


def poison_recognition(module: ModuleType) -> None:
    original: Callable[..., Any] = module.detect_format

    def detect_format(head: bytes, *arguments: Any) -> Any:
        if b"POISON" in head:
            die()
        return original(head, *arguments)

    module.detect_format = detect_format  # type: ignore[attr-defined]


def poison_normalize(module: ModuleType) -> None:
    original: Callable[..., Any] = module.masked

    def masked(message: str) -> str:
        if "POISON" in message:
            die()
        result: str = original(message)
        return result

    module.masked = masked  # type: ignore[attr-defined]


def hasten(module: ModuleType) -> None:
    vars(module)["HANG_S"] = float(os.environ["FAULT_HANG_S"])


def slow_commits(module: ModuleType) -> None:
    original: Callable[..., Any] = module.Database._execute

    def execute(self: Any, sql: str) -> None:
        if sql == "COMMIT":
            time.sleep(float(os.environ["FAULT_SLOW_COMMIT_S"]))
        original(self, sql)

    module.Database._execute = execute


def refuse_counts(module: ModuleType) -> None:
    original: Callable[..., Any] = module.TelemetryRecords.commit
    left = [int(os.environ["FAULT_NO_COUNTS_AFTER"])]

    def commit(self: Any, *arguments: Any) -> Any:
        from daemon.database import StoreFullError

        if not left[0]:
            raise StoreFullError("the disk is full")
        left[0] -= 1
        return original(self, *arguments)

    module.TelemetryRecords.commit = commit


def slow_start(module: ModuleType) -> None:
    original: Callable[..., Any] = module.open_store

    def open_store(settings: Any) -> Any:
        time.sleep(float(os.environ["FAULT_SLOW_START_S"]))
        return original(settings)

    module.open_store = open_store  # type: ignore[attr-defined]


FAULTS: dict[str, tuple[bool, Callable[[ModuleType], None]]] = {
    "handlers.formats.scan": (WHERE in {"extract", "together"}, poison_format),
    "handlers.formats.registry": (WHERE == "recognise", poison_recognition),
    "handlers.templates.masking": (WHERE == "normalize", poison_normalize),
    "daemon.rehearsal": ("FAULT_HANG_S" in os.environ, hasten),
    "daemon.database": ("FAULT_SLOW_COMMIT_S" in os.environ, slow_commits),
    "daemon.telemetry_records": ("FAULT_NO_COUNTS_AFTER" in os.environ, refuse_counts),
    "daemon.cycle": ("FAULT_SLOW_START_S" in os.environ, slow_start),
}


class Breaker(importlib.abc.MetaPathFinder):
    """Breaks a module when it is imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        wanted, fault = FAULTS.get(name, (False, None))
        if not wanted or fault is None:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            fault(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Breaker())
