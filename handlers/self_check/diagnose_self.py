"""Why the daemon has a trouble, and what helps: as the diagnosis of a log's anomaly would say it."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import FixRecommendation, SelfAnomaly, SelfDiagnosis


def diagnose_self(troubles: Iterable[SelfAnomaly]) -> tuple[FixRecommendation, ...]:
    """One recommendation for each, the gravest first."""
    diagnoses = tuple(
        SelfDiagnosis(
            anomaly=each,
            cause=each.cause,
            cause_kind=each.kind,
            verdict="likely",
            evidence=(each.description,),
            location=each.handler,
        )
        for each in troubles
    )
    return recommend_fixes(assess_impact(diagnoses).assessed_diagnosis).recommendations
