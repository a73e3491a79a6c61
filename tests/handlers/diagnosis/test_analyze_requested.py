"""The first beat."""

from __future__ import annotations

import pytest

from handlers.diagnosis.analyze_requested import AnalysisStarted, analyze_requested


def test_a_request_with_an_id_starts() -> None:
    assert analyze_requested("r-1") == AnalysisStarted("r-1", "started")


@pytest.mark.parametrize("request_id", ["", "  "], ids=["empty", "blank"])
def test_a_request_without_an_id_is_refused(request_id: str) -> None:
    with pytest.raises(ValueError, match="has no id"):
        analyze_requested(request_id)
