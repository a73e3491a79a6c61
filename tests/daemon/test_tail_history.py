"""Whatever happens, in whatever order: every byte is handed out once and only once, and in order."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Literal

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from daemon.block import Block
from daemon.identity import HEAD_BYTES
from tests.examples import examples

from .tail_driver import Driver, Logs, age, append

LINE_BYTES = 41
"""A few dozen lines make more than the head that identifies a file, a few lines make less."""

Outcome = Literal["commit", "fail", "die"]

WRITE = st.tuples(st.just("write"), st.integers(1, 60 * LINE_BYTES) | st.integers(1, 2 * LINE_BYTES))
LATE_WRITE = st.tuples(st.just("late write"), st.integers(1, 2 * LINE_BYTES))
ROTATE = st.tuples(st.just("rotate"))
COPYTRUNCATE = st.tuples(st.just("copytruncate"), st.sampled_from([None, "commit", "fail", "die"]))
LOOK = st.tuples(
    st.just("look"),
    st.sampled_from([1, 7, 100, 1000, 100_000]),
    st.sampled_from([1, 3, 1000]),
    st.booleans(),
    st.sampled_from(["commit", "commit", "fail", "die"]),
)
PACK_WHILE_DOWN = st.tuples(st.just("pack while down"), st.integers(0, 40 * LINE_BYTES))
HISTORY = st.lists(
    WRITE | LATE_WRITE | ROTATE | COPYTRUNCATE | PACK_WHILE_DOWN | LOOK, min_size=4, max_size=40
)


class World:
    """A log with its rotated files, one who writes it and one who reads it.

    The generation is the number of the file in the life of the log; the first byte of each line tells."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "a.log"
        self.written: defaultdict[int, bytes] = defaultdict(bytes)
        self.handed_out: defaultdict[int, bytes] = defaultdict(bytes)
        self.renamed: dict[int, Path] = {}
        self.generation = 0
        self.driver = Driver(Logs(directories=(directory,)))

    def write(self, count: int) -> None:
        self._append(self.generation, self.log, count)

    def late_write(self, count: int) -> None:
        """By a process that has not reopened the log since it was renamed."""
        if self.renamed:
            generation = max(self.renamed)
            self._append(generation, self.renamed[generation], count)

    def _append(self, generation: int, path: Path, count: int) -> None:
        start = len(self.written[generation])
        first, last = start // LINE_BYTES, (start + count) // LINE_BYTES
        text = b"".join(
            b"%c%s%015d\n" % (ord("!") + generation, b"." * (LINE_BYTES - 17), number)
            for number in range(first, last + 1)
        )
        data = text[start - first * LINE_BYTES :][:count]
        append(path, data)
        self.written[generation] += data

    def rotate(self) -> None:
        if self.log.exists():
            self._shift()
            self.log.rename(self._numbered(1))
            self.renamed[self.generation] = self._numbered(1)
            self.generation += 1

    def copytruncate(self, look: Outcome | None) -> None:
        if self.log.exists():
            self._shift()
            shutil.copy(self.log, self._numbered(1))
            # A short copy that is there before anything was read of the log proves nothing.
            if look and (self.handed_out[self.generation] or self.log.stat().st_size >= HEAD_BYTES):
                self.look(100_000, 1000, False, look)
            os.truncate(self.log, 0)
            self.generation += 1

    def pack_while_down(self, count: int) -> None:
        """Of a file that was never seen nobody knows whether it was read before."""
        if not self.log.exists() or not self.handed_out[self.generation]:
            return
        self.driver.restart()
        if count:
            self.write(count)
        self._shift()
        packed = Path(f"{self._numbered(1)}.gz")
        packed.write_bytes(gzip.compress(self.log.read_bytes()))
        self.log.unlink()
        self.generation += 1

    def _numbered(self, number: int) -> Path:
        return self.log.with_name(f"a.log.{number}")

    def _shift(self) -> None:
        for number in range(len(list(self.log.parent.iterdir())), 0, -1):
            for ending in ("", ".gz"):
                if (older := Path(f"{self._numbered(number)}{ending}")).exists():
                    older.rename(f"{self._numbered(number + 1)}{ending}")
        for generation, path in self.renamed.items():
            self.renamed[generation] = self._numbered(int(path.suffix[1:]) + 1)

    def look(
        self, max_bytes: int, max_blocks: int, hot: bool, outcome: Outcome, *, flush: bool = False
    ) -> None:
        blocks: list[Block] = []
        order: list[tuple[str, int]] = []
        for file in self.driver.tail.hot() if hot else self.driver.tail.scan():
            while len(blocks) < max_blocks and (block := self.driver.tail.read(file, max_bytes, flush=flush)):
                self.driver.tail.consumed(block)
                blocks.append(block)
                order.append((file.stream, block.data[0]))
        assert order == sorted(order), "older files come first"
        if outcome == "commit":
            self.driver.commit()
            for block in blocks:
                self._take(block)
        elif outcome == "fail":
            self.driver.tail.rolled_back()
        else:
            self.driver.restart()

    def _take(self, block: Block) -> None:
        data = block.data[: block.end - block.offset]
        assert block.final or data.endswith(b"\n")
        self.handed_out[data[0] - ord("!")] += data

    def close(self) -> None:
        """Everybody stops writing; what is left is read."""
        self.look(100_000, 1_000_000, False, "die")
        for path in self.log.parent.iterdir():
            if path.suffix != ".gz":  # an archive has the time of the last write
                age(path)
        self.look(100_000, 1_000_000, False, "commit", flush=True)
        self.driver.tail.close()


@given(HISTORY)
@example([("write", 100), ("look", 1000, 1000, False, "commit"), ("copytruncate", None), ("write", 3000)])
@hypothesis_settings(max_examples=examples(400))
def test_every_byte_is_handed_out_once_and_in_order(history: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        for name, *arguments in history:
            getattr(world, str(name).replace(" ", "_"))(*arguments)
        world.close()
        assert {generation: data for generation, data in world.handed_out.items() if data} == {
            generation: data for generation, data in world.written.items() if data
        }
        checkpoints = world.driver.checkpoints()
        assert sum(at.bytes_read for at in checkpoints) == sum(map(len, world.written.values()))
        assert sum(at.bytes_lost for at in checkpoints) == 0
