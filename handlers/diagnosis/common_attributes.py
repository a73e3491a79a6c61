"""What failing executions have in common that those that succeed have not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from handlers.anomaly.statistics import wilson_interval, z_of
from handlers.diagnosis.wording import count, percent

_Z: Final = z_of(0.95)

Attribute = tuple[str, str]
"""Name and value, such as ("sequence", "export")."""


class Cohort(msgspec.Struct, frozen=True):
    """Executions that have the same attributes."""

    attributes: tuple[Attribute, ...]
    executions: int
    failed: int


class CommonAttribute(msgspec.Struct, frozen=True):
    """An attribute of the failing executions."""

    name: str
    value: str
    failed: int
    """Failing executions that have it."""
    succeeded: int
    contrast: float
    """The part of the failing executions that has it minus that of the others, 0..1, as far as the samples
    prove it."""
    reason: str
    """For people."""


def common_attributes(cohorts: Iterable[Cohort]) -> tuple[CommonAttribute, ...]:
    """The attributes that failing executions have more often than others, largest contrast first.

    What all executions have, or what as many of those that succeed have, is left out: it explains nothing.
    """
    failed: Counter[Attribute] = Counter()
    succeeded: Counter[Attribute] = Counter()
    all_failed = all_succeeded = 0
    for cohort in cohorts:
        failing = min(cohort.failed, cohort.executions)
        all_failed += failing
        all_succeeded += cohort.executions - failing
        for attribute in set(cohort.attributes):
            failed[attribute] += failing
            succeeded[attribute] += cohort.executions - failing
    found = (
        _common(attribute, failed[attribute], all_failed, succeeded[attribute], all_succeeded)
        for attribute in failed
    )
    return tuple(
        sorted(
            (each for each in found if each.contrast > 0),
            key=lambda each: (-each.contrast, each.name, each.value),
        )
    )


def _common(
    attribute: Attribute, failed: int, all_failed: int, succeeded: int, all_succeeded: int
) -> CommonAttribute:
    name, value = attribute
    low = wilson_interval(failed, all_failed, _Z)[0]
    high = wilson_interval(succeeded, all_succeeded, _Z)[1]
    part = percent(failed / all_failed) if all_failed else "none"
    others = percent(succeeded / all_succeeded) if all_succeeded else "none"
    return CommonAttribute(
        name=name,
        value=value,
        failed=failed,
        succeeded=succeeded,
        contrast=low - high,
        reason=(
            f"{part} of {count(all_failed, 'failing execution')} and {others} of "
            f"{count(all_succeeded, 'other')} are of {name} {value}"
        ),
    )
