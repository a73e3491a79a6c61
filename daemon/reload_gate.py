"""What saved settings have to pass before they are adopted: the stored history is judged under them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from config.limits import takes_part
from config.load import Change
from config.settings import Settings
from daemon.backtest import Backtest, BacktestError, CodebaseOf, backtest
from daemon.backtest_words import said_of
from daemon.database import StoreError
from daemon.logs import tell

BUDGET_S: Final = 5.0
"""Who saves a file waits for an answer."""
_ALL_THE_SAME: Final = "to adopt it all the same, save it with detect.reload_gate: warn"


async def pass_gate(
    old: Settings, new: Settings, changes: Sequence[Change], codebase_of: CodebaseOf
) -> tuple[str, ...]:
    """Why `new` must not be adopted; empty if it may. The log says what it would have changed.

    The gate is that of `new`: an operator who was refused says in the same file that it is meant.
    """
    gate = new.detect.reload_gate
    edit = ", ".join(f"{each.key}: {each.old} -> {each.new}" for each in changes if takes_part(each.key))
    if gate == "off" or not edit:
        return ()
    try:
        found = await backtest(old, new, codebase_of, budget_s=BUDGET_S)
    except (StoreError, BacktestError) as error:
        problem = f"{edit}: what it would have changed cannot be found out: {error}"
        if gate == "require":
            return (f"{problem}; {_ALL_THE_SAME}",)
        tell("WARNING", "backtest-failed", f"{problem}; it is adopted all the same")
        return ()
    if refusal := refused(new, found):
        return (f"{edit}: {said_of(found)}; {refusal}",)
    if found.before or found.after:
        tell("WARNING" if found.differs else "INFO", "backtest", f"{edit}: {said_of(found)}")
    return ()


def refused(new: Settings, found: Backtest) -> str:
    """Why the gate does not let `new` pass, and what to do; empty if it does.

    What appears passes: people see it. What vanishes, nobody would miss.
    """
    if new.detect.reload_gate != "require" or not found.lost:
        return ""
    return f"anomalies of severity high or critical would be lost; {_ALL_THE_SAME}"
