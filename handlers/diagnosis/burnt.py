"""What an anomaly costs of the error budgets that somebody declared, and the severity that follows."""

from __future__ import annotations

from handlers.diagnosis.wording import percent, span
from handlers.model import Budget, Severity
from handlers.objectives import DAY_MS, LIMITS, burn_rate, exceeded


def says_of_budget(budget: Budget) -> str:
    """How much of it is burnt, and how fast."""
    whole = budget.spent[-1]
    if not whole.events:
        return f"objective {budget.objective}: nothing ran in its window"
    days = budget.window_ms / DAY_MS
    burnt = whole.bad / whole.events / budget.allowed
    limit = exceeded(budget)
    if limit is not None:
        rate = burn_rate(budget, limit.long_ms)
        how = (
            f"it burns {rate:.1f} times as fast as allowed over {span(limit.long_ms)}, and still over "
            f"{span(limit.short_ms)} ({limit.severity} from {limit.times:g})"
        )
    else:
        how = (
            f"it burns {burn_rate(budget, LIMITS[0].long_ms):.1f} times as fast as allowed over the last hour"
        )
    return (
        f"objective {budget.objective}: {percent(burnt)} of the {days:g}-day error budget "
        f"is burnt ({whole.bad:,} of {whole.events:,} are bad, {percent(budget.allowed)} may be); {how}"
    )


def severity_of_budgets(budgets: tuple[Budget, ...]) -> Severity | None:
    """That of the budget that burns fastest; None where all burn slowly enough."""
    found = [limit for each in budgets if (limit := exceeded(each))]
    return min(found, key=LIMITS.index).severity if found else None
