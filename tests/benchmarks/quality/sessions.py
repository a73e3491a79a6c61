"""Labelled sessions of simulated services whose events come from machines that work at the same time.

`storage_sessions` imitates a distributed file system that writes blocks to three replicas, reads, verifies,
moves and deletes them (after the fault classes of Xu et al., SOSP 2009); `machine_sessions` a cloud
controller that starts, polls and ends virtual machines. Both are seeded programs, no samples of a published
log.
"""

from __future__ import annotations

import random
from typing import Final

from tests.benchmarks.quality.processes import Case, Path, interleaved

_STORAGE_FAULTS: Final = {
    "delete fails": 27,
    "write fails": 20,
    "write never starts": 18,
    "deleted at once": 17,
    "owner unknown": 8,
    "stored twice": 6,
    "block is gone": 4,
    "empty packet": 3,
    "replica lost": 2,
    "transfer fails": 1,
}
_MACHINE_FAULTS: Final = (
    "no network",
    "start times out",
    "stuck",
    "out of order",
    "claim twice",
    "not ended",
)


def storage_sessions(seed: int, sessions: int, anomalous: float = 0.03) -> list[Case]:
    """Blocks of a file system with three replicas, about 29 kinds of events."""
    rng = random.Random(f"storage-{seed}")
    kinds, weights = list(_STORAGE_FAULTS), list(_STORAGE_FAULTS.values())
    cases: list[Case] = []
    for _ in range(sessions):
        fault = rng.choices(kinds, weights)[0] if rng.random() < anomalous else ""
        cases.append((_block(rng, fault), bool(fault)))
    return cases


def _block(rng: random.Random, fault: str) -> Path:
    if fault == "write never starts":
        return tuple(interleaved(rng, [["receiving"] * rng.choice((1, 1, 2)), ["allocate"]]))
    if fault == "write fails":
        failures = (
            ["write-exception"],
            ["receive-exception", "responder-exception"],
            ["responder-interrupted", "terminating"],
        )
        receivers = [["receiving", *rng.choice(failures)] for _ in range(rng.randint(1, 3))]
        return tuple(interleaved(rng, [*receivers, ["allocate"]]))
    write, finish = _written(rng, fault)
    if fault == "deleted at once":
        return tuple(write + interleaved(rng, [finish, ["invalidated"], ["deleting"]]))
    return tuple(write + finish + interleaved(rng, _life(rng, fault)) + _deletion(rng, fault))


def _written(rng: random.Random, fault: str) -> tuple[list[str], list[str]]:
    acks = [
        ["terminating", "received"] if rng.random() < 0.9 else ["received", "terminating"] for _ in range(3)
    ]
    stored = ["stored"] * 3
    if fault == "replica lost":
        acks.pop()
        stored.pop()
    if fault == "empty packet":
        acks[0].insert(0, "empty-packet")
    if fault == "stored twice":
        stored.append("stored-redundant")
    if fault == "owner unknown":
        stored[rng.randint(1, 2)] = "stored-orphan"
    write = interleaved(rng, [["receiving"], ["receiving"], ["receiving"], ["allocate"]])
    if write[0] == "allocate" and rng.random() < 0.8:
        write[0], write[1] = write[1], write[0]
    return write, interleaved(rng, [*acks, stored])


def _life(rng: random.Random, fault: str) -> list[list[str]]:
    life: list[list[str]] = []
    if rng.random() < 0.3:
        life.append(["verified"] * min(1 + int(rng.expovariate(1.2)), 5))
    if rng.random() < 0.25:
        times = min(1 + int(rng.paretovariate(1.1)), 120)
        life.append([rng.choice(("served", "served", "serve-exception")) for _ in range(times)])
    if rng.random() < 0.008 or fault == "transfer fails":
        moved = ["ask-replicate", "transfer-start", "receiving", "received-from", "transmitted", "stored"]
        if fault == "transfer fails":
            moved = [*moved[:2], "transfer-failed", *moved[:2], "pending-timeout"]
        elif rng.random() < 0.3:
            moved += ["ask-delete", "deleting"]
        life.append(moved)
    if rng.random() < 0.0004:
        life.append(["already-exists"])
    return life


def _deletion(rng: random.Random, fault: str) -> list[str]:
    if rng.random() >= 0.5 and fault not in {"delete fails", "block is gone"}:
        return []
    each = [["deleting"] for _ in range(3)]
    if fault == "delete fails":
        each = [["delete-unexpected"] if rng.random() < 0.5 else ["deleting"] for _ in range(2)]
        each.append(["delete-unexpected"])
    if fault == "block is gone":
        each[0] = ["deleting", "delete-unexpected"]
    return ["invalidated"] * 3 + interleaved(rng, each)


def machine_sessions(seed: int, sessions: int, anomalous: float = 0.1) -> list[Case]:
    """Virtual machines of a cloud: mostly one order, polls in between."""
    rng = random.Random(f"machine-{seed}")
    cases: list[Case] = []
    for _ in range(sessions):
        fault = rng.choice(_MACHINE_FAULTS) if rng.random() < anomalous else ""
        cases.append((_machine(rng, fault), bool(fault)))
    return cases


def _machine(rng: random.Random, fault: str) -> Path:
    claim = ["claim", "memory", "disk", "cpu", "claimed"]
    boot = ["image", "started", "paused", "plugged", "resumed", "spawned", "built"]
    end = ["terminate", "destroyed", "delete-files", "deleted-files", "unplugged", "freed"]
    poll = ["sync-power"] * rng.choice((0, 0, 1, 1, 2))
    images = ["image-in-use", "image-checked"] * rng.randint(1, 12)
    if fault == "claim twice":
        claim = claim[: rng.randint(2, 5)] + claim
    if fault == "no network":
        boot.remove("plugged")
    if fault == "start times out":
        boot[rng.randint(3, 5) :] = ["network-timeout", "build-failed"]
    if fault == "stuck":
        boot = boot[: rng.randint(1, 4)]
    if fault == "out of order":
        place = rng.randint(0, 4)
        boot[place], boot[place + 2] = boot[place + 2], boot[place]
    if fault == "not ended":
        end = end[: rng.randint(1, 4)]
    return tuple(claim + interleaved(rng, [boot, poll, images[:2]]) + images[2:] + end)
