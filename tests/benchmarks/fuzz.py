"""Fuzzes everything that is read, for as long as it is given.

    python -m tests.benchmarks.fuzz --minutes 60 [NAME...] [--keep FOLDER] [--seed 1]

Plays the targets of `tests.fuzz.targets` in turn, with other inputs each time. What breaks a promise, takes
more than 20 s or more than 3 GB is told, and the input that did it kept in the folder; that target is left
out from then on. Prints how many inputs each had. Exits with 1 if something was found.
"""

from __future__ import annotations

import argparse
import faulthandler
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.targets import TARGETS, Target

HANG_S: Final = 20
MEMORY_BYTES: Final = 3 << 30
TURN_INPUTS: Final = 20
MAX_TOLD: Final = 2000


def main() -> None:
    """Fuzzes, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--seed", type=int, default=time.time_ns() // 10**9)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, _tell_hang)
    until = time.monotonic() + 60 * arguments.minutes
    number = arguments.seed
    left = {name: TARGETS[name] for name in arguments.names or TARGETS}
    inputs: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    found: list[str] = []
    while left and time.monotonic() < until:
        # The one that had the least time: slow targets do not take all of it.
        name = min(left, key=lambda each: seconds[each])
        began = time.monotonic()
        number += 1
        problem = play(left[name], number, inputs, name)
        seconds[name] += time.monotonic() - began  # type: ignore[assignment]
        if problem is not None:
            data, told = problem
            arguments.keep.mkdir(exist_ok=True)
            kept = arguments.keep / f"{name.replace(' ', '-')}-{number}"
            kept.write_bytes(data)
            print(f"{name}: found with seed {number}, kept as {kept}:\n{told}", flush=True)
            found.append(name)
            del left[name]
    for name in arguments.names or TARGETS:
        print(f"{name:24} {inputs[name]:>9,} inputs in {seconds[name]:6.0f} s{'  FOUND' * (name in found)}")
    raise SystemExit(bool(found))


def play(target: Target, number: int, inputs: Counter[str], name: str) -> tuple[bytes, str] | None:
    """An input that breaks a promise, and how, or None."""
    last = b""

    @seed(number)
    @settings(
        max_examples=TURN_INPUTS,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # to shrink may take longer than all the rest
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=target.inputs())
    def check(data: bytes) -> None:
        nonlocal last
        last = data
        inputs[name] += 1
        faulthandler.dump_traceback_later(3 * HANG_S, exit=True)
        signal.alarm(HANG_S)
        try:
            with tempfile.TemporaryDirectory() as folder:
                target.check(data, Path(folder))
        finally:
            signal.alarm(0)
            faulthandler.cancel_dump_traceback_later()

    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        return last, "".join(traceback.format_tb(error.__traceback__)[-6:]) + repr(error)[:MAX_TOLD]
    return None


def _tell_hang(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"took more than {HANG_S} s")


if __name__ == "__main__":
    main()
