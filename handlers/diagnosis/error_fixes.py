"""What to do about an error group."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.diagnosis.fix import Fix, beat_name, first_step, undo_steps, undone, where
from handlers.diagnosis.wording import count, percent
from handlers.model import AssessedDiagnosis, ErrorAnomaly, ErrorDiagnosis, RecommendationType


class _Remedy(msgspec.Struct, frozen=True):
    type: RecommendationType
    action: str
    steps: tuple[str, ...]


_REMEDIES: Final[dict[str, _Remedy]] = {
    "null": _Remedy(
        "code",
        "Decide what a missing value means here, and handle it before it is used.",
        (
            "Find which value is missing, and who should have set it.",
            "If it may be missing: return early or use a default. If not: refuse the input where it enters.",
        ),
    ),
    "type": _Remedy(
        "code",
        "Check or convert the value where it enters, so that only the expected type gets here.",
        ("Find which value has the wrong type, and where it comes from.", "Convert or refuse it there."),
    ),
    "limit": _Remedy(
        "code",
        "Check the size or range before the limit is hit: split the input, refuse it with a clear answer, "
        "or raise the limit on purpose.",
        (
            "Find the limit, and the sizes that production sends.",
            "Check before the call. Raise the limit only if those sizes are intended.",
        ),
    ),
    "connection": _Remedy(
        "config",
        "Bring the service that it calls back, and check its address; the code needs a bounded retry.",
        (
            "Check from the same machine that the service answers at the configured address and port.",
            "Retry a few times with growing pauses, then fail with the address in the message.",
        ),
    ),
    "timeout": _Remedy(
        "config",
        "Find what answers too slowly; raise the time limit only if it is below the normal answer time.",
        (
            "Measure how long the answer takes now and how long it took before.",
            "Fix the slow side, or set the limit above its normal time; bound the retries.",
        ),
    ),
    "permission": _Remedy(
        "config",
        "Give the user of the process the right that is missing, or stop asking for it.",
        (
            "Find the user of the process, and owner and mode of what it asks for (or the expired token).",
            "Grant the one right that is missing, no more.",
        ),
    ),
    "not-found": _Remedy(
        "code",
        "Create what is missing, or correct its name; handle its absence if it may be absent.",
        (
            "Check whether the name in the message is wrong or the thing is gone.",
            "Correct it, or answer its absence explicitly.",
        ),
    ),
    "parse": _Remedy(
        "code",
        "Validate the text before it is parsed, and answer bad text with an error that names its source.",
        ("Capture one text that fails.", "Fix whoever writes it, or accept the form if it is legitimate."),
    ),
    "other": _Remedy(
        "code",
        "Read the message at the location, and handle the case.",
        ("Reproduce one failing execution from its log lines.", "Handle the case where it arises."),
    ),
}


def error_fixes(
    assessed: AssessedDiagnosis, diagnosis: ErrorDiagnosis, anomaly: ErrorAnomaly
) -> tuple[Fix, ...]:
    """The remedy of its class, and a test that keeps it from coming back."""
    remedy = _REMEDIES[diagnosis.error_class]
    name = beat_name(diagnosis)
    error = anomaly.error_type or "the error"
    impact = assessed.impact
    of_all = (
        f" in {count(impact.executions, 'execution')} ({percent(impact.share)})"
        if anomaly.event and anomaly.executions
        else ""
    )
    return (
        Fix(
            slug=diagnosis.error_class,
            type=remedy.type,
            title=f"Stop {error} in {name}",
            action=f"{remedy.action}{undone(diagnosis)}",
            location=where(diagnosis),
            steps=(
                *([first_step(diagnosis, "")] if diagnosis.suspects else []),
                *remedy.steps,
                *undo_steps(diagnosis),
                "Check that the error no longer appears in the log.",
            ),
            effort="hours",
            benefit=f"up to {count(anomaly.count, 'fewer error')}{of_all} in the judged span",
        ),
        Fix(
            slug="test",
            type="test",
            title=f"Test that {name} survives {error}",
            action=f"Add a case that fails now to {diagnosis.test_file or 'the tests of the plug-in'}.",
            location=diagnosis.test_file or where(diagnosis),
            steps=(
                f"Reproduce {anomaly.template!r}.",
                "Write the case so that it fails before the fix and passes after it.",
            ),
            effort="hours",
            benefit=f"{count(anomaly.count, 'error')} like this one are caught before they reach production",
        ),
    )
