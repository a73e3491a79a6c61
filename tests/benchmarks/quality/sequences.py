"""Scores sessions by the learned model of sequences.

    python -m tests.benchmarks.quality.sequences TRAIN TEST OUT

TRAIN and TEST hold one session a line, its event names separated by blanks; TRAIN `-` learns from TEST
itself, anomalies included. OUT gets one score a line, in order of TEST; from 1.0 on a session is an anomaly.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from handlers.anomaly.sequence_verdict import SequenceJudge
from handlers.model import SequenceModel
from handlers.sequence_model import learn


def main(train: str, test: str, out: str) -> None:
    """Learns, judges each distinct session once and writes the scores."""
    sessions = Path(test).read_text(encoding="utf-8").splitlines()
    judge = judge_of(
        Counter(sessions if train == "-" else Path(train).read_text(encoding="utf-8").splitlines())
    )
    scores = {session: f"{judge.judge(tuple(session.split())).score!r}\n" for session in set(sessions)}
    with Path(out).open("w", encoding="utf-8") as file:
        file.writelines(scores[session] for session in sessions)


def judge_of(sessions: Counter[str]) -> SequenceJudge:
    """Learned from sessions, events separated by blanks."""
    model = SequenceModel()
    for session, runs in sessions.items():
        learn(model, tuple(session.split()), runs)
    return SequenceJudge(model)


if __name__ == "__main__":
    main(*sys.argv[1:4])
