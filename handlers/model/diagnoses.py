"""Why something is wrong, whom it hurts and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec

from handlers.model.anomalies import AnyAnomaly, Severity
from handlers.model.codebase import Hazard, Test
from handlers.model.past import Budget

Verdict = Literal["confirmed", "likely", "inconclusive"]
RecommendationType = Literal["code", "test", "documentation", "sequence", "config"]

Touch = Literal["function", "caller", "callee", "definition", "file", "settings"]
"""What a commit changed of what the subject of an anomaly runs: lines of its function, of what plays it, of
what it calls or of its definition, anything else in its file, or settings of the project."""


class Suspect(msgspec.Struct, frozen=True):
    """A commit that may have brought an anomaly."""

    sha: str
    author: str
    at_ms: int
    subject: str
    touch: Touch
    place: str
    """file:line in the checkout as it is now; the file alone where the line is not known."""
    before: tuple[str, ...] = ()
    """The lines there until the commit, and those that it put in their place; empty where they are many."""
    after: tuple[str, ...] = ()


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Why an anomaly is there, how sure that is and what was ruled out."""

    anomaly: AnyAnomaly
    cause: str
    """One sentence for people."""
    cause_kind: str
    """Stable word for the cause, e.g. "own-work", "definition-changed", "never-tested", "null-access"."""
    verdict: Verdict
    evidence: tuple[str, ...]
    evidence_against: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    location: str = ""
    """file:line at fault where it is known."""
    began_ms: tuple[int, int] | None = None
    """It began between these two times; None where the history does not tell."""
    suspects: tuple[Suspect, ...] = ()
    """The commits that may have brought it, the likeliest first."""


class PerformanceDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="performance"):
    share_of_run: float | None
    """Part of the duration of its sequence that the beat takes, 0..1; None outside of a sequence."""
    hazard: Hazard | None = None
    """A call in its function, or in one that it calls, that can take the added time."""
    hazard_file: str = ""


class BehavioralDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="behavioral"):
    definition_file: str


class CoverageDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="coverage"):
    nearest_test: str
    """A test file of the same plug-in that the new test fits into, or ""."""
    tests: tuple[Test, ...] = ()
    """Those that are meant for it: skipped, or not reaching it."""
    missed: tuple[str, ...] = ()
    """Lines of it that no test runs, "src/cart.ts:7-9"; the first few."""
    paths: tuple[str, ...] = ()
    """Paths of its sequence on which production plays it, with how often; the most frequent."""
    failures: tuple[str, ...] = ()
    """Errors that it ends in in production, with how often; the most frequent."""


class ErrorDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="error"):
    error_class: str
    """"null", "type", "limit", "connection", "timeout", "permission", "not-found", "parse" or "other"."""
    test_file: str = ""
    """The declared test of the handler, or ""."""


class SelfDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="self"):
    """Why something is wrong with selfheald itself."""


AnyDiagnosis = PerformanceDiagnosis | BehavioralDiagnosis | CoverageDiagnosis | ErrorDiagnosis | SelfDiagnosis


class Impact(msgspec.Struct, frozen=True):
    """Whom an anomaly hurts, counted from the data."""

    executions: int
    """Executions of the subject in the judged span."""
    affected: int
    """Those of them that were slow, wrong, untested or failed."""
    share: float
    """affected / executions, 0..1."""
    added_ms: float
    """Time added in the judged span; 0 where time is not the matter."""
    sentence: str
    traffic: float | None = None
    """The part of all executions, or runs, that is of its subject, 0..1; None where that is not known."""
    trend: Literal["", "growing", "steady", "falling"] = ""
    """Of the figure since it began; "" where too little is known."""
    budgets: tuple[Budget, ...] = ()
    """The declared objectives that it concerns."""


class AssessedDiagnosis(msgspec.Struct, frozen=True):
    diagnosis: AnyDiagnosis
    impact: Impact
    severity: Severity


class FixRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about an anomaly, or about several that it mends together."""

    id: str
    anomaly_id: str
    """The gravest of them."""
    type: RecommendationType
    title: str
    action: str
    """What exactly is to be changed, one or two sentences."""
    location: str
    """file:line where it is known, else the handler or sequence."""
    steps: tuple[str, ...]
    effort: Literal["minutes", "hours", "days"]
    benefit: str
    """Computed from the data."""
    priority: int
    """1 is first."""
    assessed: AssessedDiagnosis
    also: tuple[str, ...] = ()
    """The ids of the other anomalies that it mends."""

    @property
    def anomaly_ids(self) -> tuple[str, ...]:
        return (self.anomaly_id, *self.also)
