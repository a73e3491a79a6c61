"""kill -9 at random instants loses no acknowledged commit and leaves no half one.

SELFHEALD_KILLS=5000 makes the campaign a long one.
"""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from .crash_campaign import Findings

REPOSITORY = Path(__file__).parents[2]


def run_campaign(kills: int, *options: str) -> Findings:
    campaign = subprocess.run(
        [sys.executable, "-m", "tests.daemon.crash_campaign", "--kills", str(kills), *options],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        check=False,
    )
    findings = msgspec.json.decode(campaign.stdout, type=Findings)
    assert campaign.returncode == bool(findings.problems)
    return findings


def test_no_kill_loses_an_acknowledged_commit_or_leaves_half_of_one() -> None:
    found = run_campaign(int(os.environ.get("SELFHEALD_KILLS", "60")))
    assert found.problems == []
    # The kills met start-up, migrations, commits, checkpoints of the log and the setting aside.
    counts = msgspec.structs.asdict(found)
    assert [name for name, count in counts.items() if count == 0] == []


@pytest.mark.parametrize(
    ("safeguard", "problem"),
    [
        pytest.param(
            "atomicity", "the windows are not those of offset", id="offset and windows in two commits"
        ),
        pytest.param("durability", "was acknowledged and is lost", id="acknowledged before the commit"),
    ],
)
def test_the_campaign_finds_a_safeguard_that_is_off(safeguard: str, problem: str) -> None:
    found = run_campaign(500, "--without", safeguard)
    assert any(problem in line for line in found.problems), found
