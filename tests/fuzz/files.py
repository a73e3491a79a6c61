"""What must hold for the other files that are read, whatever is in them."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from config.load import SettingsError, load_settings
from daemon.anomaly_records import AnomalyRecords
from daemon.baseline_records import BaselineRecords
from daemon.codebase.declared_files import DeclaredFiles
from daemon.codebase.git import Git, GitError
from daemon.codebase.history import read_history
from daemon.codebase.parse_file import parse_file
from daemon.order_kinds import decode_order
from daemon.orders import OrderBook, OrderRecords
from daemon.spool import Spool
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from daemon.unpack import MembersReader, UnpackError, compression_of

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT / "tests/daemon/data"
PLAIN: Final = ("*.json", "*.xml", "*.lcov")
MAX_UNPACKED_BYTES: Final = 1 << 26


def settings_seeds() -> list[bytes]:
    return [
        (ROOT / "config/selfheald.yaml").read_bytes(),
        *(path.read_bytes() for path in sorted(ROOT.glob("tests/samples/*/settings.yaml"))),
        b"detect_of:\n  'a*': {over_expected: 2}\nexpected_ms: {b: 1}\n",
        b"formats:\n  own: {pattern: '(?P<event>x)'}\n",
        b"alerts:\n  mail: {webhook: 'https://a.b/c', on: [open], quiet: '22:00-07:00', digest: '08:00'}\n",
    ]


def settings_are_told(data: bytes, folder: Path) -> None:
    """Settings, or lines for people; the same as file and as drop-in."""
    main, drop_in = folder / "any.yaml", folder / "conf.d/any.yaml"
    drop_in.parent.mkdir(exist_ok=True)
    for path, content in ((main, data), (drop_in, data)):
        path.write_bytes(content)
        problems: tuple[str, ...] | None = None
        try:
            load_settings(main, {})
        except SettingsError as error:
            problems = error.problems
        assert problems is None or (problems and all(problem.isprintable() for problem in problems))
        main.write_bytes(b"detect: {min_samples: 20}\n")
    drop_in.unlink()


def declared_seeds() -> list[bytes]:
    plain = [path.read_bytes() for glob in PLAIN for path in sorted(DATA.glob(glob))]
    packed = [gzip.decompress(path.read_bytes()) for path in sorted(DATA.glob("*.gz"))]
    definition = b"id: order\npluginId: P\nmovements:\n- beats:\n  - {event: 'a:b', handler: f, beat: 1}\n"
    return [*plain, *packed, definition]


def declared_is_told(data: bytes, folder: Path) -> None:
    """A sequence definition, a coverage report, or one problem with file and line."""
    path = folder / "any.json"
    path.write_bytes(data)
    declared = DeclaredFiles([path]).load()
    assert len(declared.definitions) + len(declared.reports) + len(declared.problems) == 1
    assert all(problem.startswith(f"{path}:") and "\n" not in problem for problem in declared.problems)


def source_seeds() -> list[bytes]:
    return [
        (ROOT / "daemon/unpack.py").read_bytes(),
        b"export class A {\n  async render(a) {\n    if (!a) { throw new Error('x') }\n  }\n}\n",
        b"class A { void f(int a) throws E { g(); } }\nfunc f() error { return nil }\nfn f() -> u8 { 1 }\n",
    ]


def source_is_told(data: bytes, folder: Path) -> None:
    """Functions with lines inside of the file, or a problem."""
    for name in ("any.py", "any.ts", "any.js", "any.java", "any.go", "any.cs"):
        (folder / name).write_bytes(data)
        parsed = parse_file(folder, name).parsed
        assert "\n" not in parsed.problem
        msgspec.json.encode(parsed)


def order_seeds() -> list[bytes]:
    by = b'"id":"o1","at_ms":1795363858813,"by":"me","why":"w"'
    return [
        b'{"kind":"ack","incident":"perf-1","note":"n",' + by + b"}",
        b'{"kind":"silence","incident":"perf-1","for_ms":1795363,' + by + b"}",
        b'{"kind":"accept","incident":"perf-1",' + by + b"}",
        b'{"kind":"baseline-pin","glob":"*","name":"n",' + by + b"}",
        b'{"kind":"baseline-reset","glob":"[a-",' + by + b"}",
    ]


def orders_are_told(data: bytes, folder: Path) -> None:
    """What waits is carried out, refused or set aside; nothing waits after it."""
    path = folder / "orders/store.db"
    with Store.open(path, max_bytes=1 << 24) as store:
        telemetry = TelemetryRecords(store, 10_000)
        records = OrderRecords(telemetry, AnomalyRecords(store, telemetry), BaselineRecords(store, telemetry))
        spool = Spool(path)
        spool.prepare()
        (spool.path / "000000000000001-a.json").write_bytes(data)
        told: list[object] = []
        OrderBook(store, records, decode_order, spool).carry_out_all(told.append, told.append)
        assert len(told) == 1
        assert not spool.waiting()
    shutil.rmtree(path.parent)


def history_seeds() -> list[bytes]:
    head = b"\0" + b"a" * 40 + b"\0" + b"b" * 40 + b"\x001795363858\0A Name\0Subject\n\n"
    change = (
        b"diff --git a/x y.py b/x y.py\nindex 1..2 100644\n--- a/x y.py\t\n+++ b/x y.py\t\n@@ -1,2 +1 @@\n"
        b"-a\n-b\n+c\n"
    )
    rename = b"diff --git a/a b/b\nrename from a\nrename to b\n@@ -0,0 +1,3 @@\n+a\n+b\n+c\n"
    return [head + change + head + rename + change]


class _Printed(Git):
    """A git that prints what it is told to."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @contextlib.contextmanager
    def stream(self, *arguments: str) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self._data)
        raise GitError("git log failed: 1")


def history_is_read(data: bytes, folder: Path) -> None:
    """Commits that can be stored and shown, whatever git printed."""
    history = read_history(_Printed(data), shallow=False)
    for commit in history.commits:
        assert commit.subject.isprintable()
        assert commit.author.isprintable()
        assert commit.at_ms >= 0


def archive_seeds() -> list[bytes]:
    import bz2
    import lzma

    content = (ROOT / "tests/samples/jsonl-default/input.log").read_bytes()
    return [gzip.compress(content), bz2.compress(content), lzma.compress(content), gzip.compress(content) * 2]


def archive_is_told(data: bytes, folder: Path) -> None:
    """Unpacked in small pieces, or told with its offset."""
    path = folder / "any.log.gz"
    path.write_bytes(data)
    if not (compression := compression_of(data[:32])):
        return
    descriptor = os.open(path, os.O_RDONLY)
    told = ""
    try:
        reader = MembersReader(descriptor, compression)
        unpacked = 0
        while unpacked < MAX_UNPACKED_BYTES and (piece := reader.read()):
            unpacked += len(piece)
    except UnpackError as error:
        told = str(error)
    finally:
        os.close(descriptor)
    assert told.isprintable()
