"""Errors by group: templates that are found to be of one group later are one from then on."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.metrics import add_errors
from handlers.model import ErrorKey, ErrorStats
from handlers.templates import Grouping


def in_group(key: ErrorKey, grouping: Grouping) -> ErrorKey:
    """The key of the group to which an error belongs by now. Its template was masked, or is an older name."""
    sequence, event, error_type, template, site = key
    return sequence, event, error_type, grouping.group(template), site


def in_groups(errors: Mapping[ErrorKey, ErrorStats], grouping: Grouping) -> dict[ErrorKey, ErrorStats]:
    """The errors of a window by group."""
    groups: dict[ErrorKey, ErrorStats] = {}
    for key, stats in errors.items():
        add_errors(groups.setdefault(in_group(key, grouping), ErrorStats()), stats)
    return groups
