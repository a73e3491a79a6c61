"""When an anomaly began and what changed then, added to its diagnosis."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from handlers.diagnosis.happenings import Happenings, happenings
from handlers.diagnosis.known import Known
from handlers.diagnosis.onset import Onset, load_factor, onset
from handlers.diagnosis.reach import is_located, reach_of
from handlers.diagnosis.suspects import Verdicts, told, weigh_commits
from handlers.diagnosis.wording import utc
from handlers.model import AnyAnomaly, AnyDiagnosis, Past, Suspect, Touch

LOAD_FACTOR: Final = 1.5
"""From this on more work can be what makes it slow."""
_EXPLAINS: Final[frozenset[Touch]] = frozenset({"function", "caller", "callee"})
"""What lets a commit explain by itself what was found. That a definition changed is seen from the runs: it
explains nothing where they changed."""
_SHOWN: Final = 3

D = TypeVar("D", bound=AnyDiagnosis)


class Changes(msgspec.Struct, frozen=True):
    """What changed when an anomaly began."""

    began: Onset | None = None
    commits: Verdicts = Verdicts()
    load: float | None = None
    """How many times as often it ran afterwards."""
    others: Happenings = Happenings()
    """What else changed then."""
    is_located: bool = False
    """It is known what of the source runs."""

    @property
    def culprit(self) -> Suspect | None:
        """The likeliest commit, if it touched what can explain the anomaly."""
        first = self.commits.suspects[:1]
        return first[0] if first and self.commits.is_likely and first[0].touch in _EXPLAINS else None


def changes_of(anomaly: AnyAnomaly, location: str, known: Known) -> Changes:
    """`location`: file:line in the checkout, or anything else where that is not known."""
    past = known.pasts.get(anomaly.id, Past())
    began = onset(anomaly, past)
    if began is None:
        return Changes(others=happenings(anomaly, past, None, None))
    places = reach_of(anomaly, known, location)
    commits = weigh_commits(known.codebase, places, began, past.marks)
    others = happenings(anomaly, past, began, commits.deployed)
    return Changes(began, commits, load_factor(began, anomaly), others, is_located=is_located(places))


def with_changes(
    diagnosis: D, changes: Changes, known: Known, *, explains: bool = True, is_proved: bool = False
) -> D:
    """The diagnosis with the beginning, the commits that fall there and those that are ruled out.

    A commit confirms it only where it alone changed the very function, and either a restart brought it into
    force at which the figure left its usual range, or `is_proved`: the line at fault is its doing.
    `explains`: whether a commit can be the cause that the diagnosis names.
    """
    against = [*diagnosis.evidence_against, *changes.others.evidence_against]
    if changes.began is None:
        return replace(diagnosis, evidence_against=tuple(against))
    evidence = [*diagnosis.evidence, _began(changes.began), *changes.others.evidence]
    ruled_out = [*diagnosis.ruled_out, *changes.commits.ruled_out, *changes.others.ruled_out]
    evidence += changes.commits.says[:_SHOWN]
    if known.codebase.commits and not changes.is_located:
        against.append("no source of it is known, so no commit can be told to touch it")
    elif known.codebase.commits and not changes.commits.suspects:
        against.append("no commit of the days before touches what is known to run here")
    culprit = changes.culprit if explains else None
    cause, verdict, location = diagnosis.cause, diagnosis.verdict, diagnosis.location
    if culprit is not None:
        cause = f"{cause}; {told(culprit)} changed it"
        is_direct = culprit.touch in {"function", "caller"} and changes.commits.is_alone
        agrees = changes.commits.deployed is not None or is_proved
        verdict = "confirmed" if is_direct and agrees else "likely"
        if ":" in culprit.place:
            location = culprit.place
    elif explains and (version := changes.others.version):
        cause = f"{cause}; it began with version {version.after} (before: {version.before})"
    return replace(
        diagnosis,
        cause=cause,
        verdict=verdict,
        location=location,
        evidence=tuple(evidence),
        evidence_against=tuple(against),
        ruled_out=tuple(ruled_out),
        began_ms=(changes.began.since_ms, changes.began.until_ms),
        suspects=changes.commits.suspects,
    )


def _began(found: Onset) -> str:
    return f"began between {utc(found.since_ms)} and {utc(found.until_ms)}, by the history of its figure"
