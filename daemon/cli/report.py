"""What `run --once` and `ingest` print."""

from __future__ import annotations

import time

from daemon.cli.ledger import ledger_of
from daemon.cli.options import Format
from daemon.cli.reading import gravest_first
from daemon.once import OnceReport


def report_text(report: OnceReport, output: Format | None) -> str:
    ledger = ledger_of(report.sources, report.watermarks_ms, time.time_ns() // 1_000_000)
    anomalies = gravest_first(report.anomalies)
    if output == "json":
        from daemon.cli import as_json

        return as_json.document(
            {
                "read": report.summary,
                "sources": ledger,
                "lossy_windows": report.lossy_windows,
                "problems": report.problems,
                "anomalies": [as_json.incident_json(each) for each in anomalies],
                "recommendations": [as_json.recommendation_json(each) for each in report.recommendations],
            }
        )
    from daemon.cli.text.page import Page
    from daemon.cli.text.report import say_report

    page = Page()
    say_report(page, ledger, report.lossy_windows, report.problems, anomalies, report.recommendations)
    return page.text()
