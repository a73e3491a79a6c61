"""The daemon's figures as Prometheus reads them."""

from __future__ import annotations

import gzip
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.exposition import CONTENT_TYPE, Family, Sample, exposition
from daemon.metrics_out import MetricsPort, write_metrics_file
from tests.daemon.process import DaemonProcess

DATA = Path(__file__).parents[1] / "data/conductor"
DASHBOARD = Path(__file__).parents[2] / "systemd/grafana-dashboard.json"
SAMPLE = re.compile(
    r"(?P<name>[a-z_]+)(?:\{(?P<labels>[a-z_]+=\"(?:[^\"\\\n]|\\[\\\"n])*\"(?:,[a-z_]+=\"(?:[^\"\\\n]|\\[\\\"n])*\")*)\})?"
    r" (?P<value>-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|\+Inf|NaN)"
)
"""A line of exposition format 0.0.4."""


def scraped(text: str) -> dict[str, float]:
    """Values by name and labels; fails for what a scraper would refuse."""
    values: dict[str, float] = {}
    family = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name == family
            assert kind in {"counter", "gauge"}
            assert (kind == "counter") == name.endswith("_total")
            continue
        match = SAMPLE.fullmatch(line)
        assert match is not None, line
        assert match["name"] == family, "samples stand below their family"
        key = f"{match['name']}{{{match['labels'] or ''}}}"
        assert key not in values, f"twice: {key}"
        values[key] = float(match["value"])
    return values


def test_labels_are_escaped_and_numbers_exact() -> None:
    samples = (Sample(1.5, {"path": 'C:\\a "b"\nc'}), Sample(2**60), Sample(float("inf"), {"path": "x"}))
    text = exposition([Family("a_b", "gauge", "What.", samples), Family("none", "gauge", "Empty.", ())])
    assert text == (
        "# HELP a_b What.\n# TYPE a_b gauge\n"
        'a_b{path="C:\\\\a \\"b\\"\\nc"} 1.5\n'
        "a_b 1152921504606846976\n"
        'a_b{path="x"} +Inf\n'
    )


def test_the_file_is_replaced_at_once_and_readable_for_the_collector(tmp_path: Path) -> None:
    path = tmp_path / "new" / "selfheald.prom"
    write_metrics_file(path, "a 1\n")
    before = path.stat().st_ino
    write_metrics_file(path, "a 2\n")
    assert path.read_text() == "a 2\n"
    assert path.stat().st_ino != before
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_the_port_answers_on_this_machine_alone_and_only_for_metrics() -> None:
    port = MetricsPort(0)
    try:
        port.text = "a 1\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port.port}/metrics") as answer:
            assert answer.read() == b"a 1\n"
            assert answer.headers["Content-Type"] == CONTENT_TYPE
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port.port}/")
        refused.value.close()
    finally:
        port.close()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port.port)):
        pass


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        yield process


def test_a_daemon_publishes_what_it_read_and_what_is_wrong(service: DaemonProcess, tmp_path: Path) -> None:
    for name in ("healthy", "regressed"):
        data = gzip.decompress((DATA / f"{name}.log.gz").read_bytes())
        (service.logs / f"{name}.log").write_bytes(data)
    file = tmp_path / "out.prom"
    service.config.write_text(f"detect:\n  interval_s: 0.5\nmetrics:\n  file: {file}\n  interval_s: 1\n")
    service.start()

    def opened() -> float:
        values = scraped(file.read_text()) if file.exists() else {}
        kinds = ('type="error"', 'type="behavioral"')
        return sum(
            value
            for key, value in values.items()
            if key.startswith("selfheald_incidents") and any(kind in key for kind in kinds)
        )

    service.until("the incidents are published", lambda: opened() >= 4)
    values = scraped(file.read_text())
    lines = sum(
        values[f'selfheald_lines_total{{outcome="{outcome}"}}'] for outcome in ("matched", "unmatched")
    )
    assert lines == service.totals().lines
    assert values["selfheald_lag_bytes{}"] == 0
    assert values['selfheald_alive{component="reader"}'] == 1
    assert values["selfheald_settings_valid{}"] == 1
    assert values["process_open_fds{}"] > 3
    assert any("detect_error_patterns" in key for key in values)
    shown = set(re.findall(r"(?:selfheald|process)_[a-z_]+", DASHBOARD.read_text()))
    published = {key.partition("{")[0] for key in values}
    assert shown
    assert shown <= published, "the dashboard shows what is not there"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Prometheus) is not installed")
def test_prometheus_finds_nothing_to_complain_about(service: DaemonProcess, tmp_path: Path) -> None:
    file = tmp_path / "out.prom"
    service.config.write_text(f"metrics:\n  file: {file}\n  interval_s: 1\n")
    service.start()
    service.until("the figures are published", file.exists)
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=file.read_bytes(), capture_output=True, check=False
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, b"")


def test_a_place_that_cannot_be_written_is_told_once_and_stops_nothing(service: DaemonProcess) -> None:
    (service.folder / "file").write_text("")
    service.config.write_text("metrics:\n  file: file/out.prom\n  interval_s: 1\n")
    service.start()
    service.until("it is told", lambda: "metrics.file file/out.prom" in service.said())
    lines = gzip.decompress((DATA / "healthy.log.gz").read_bytes()).splitlines(keepends=True)[:500]
    (service.logs / "app.log").write_bytes(b"".join(lines))
    service.until("it reads on", lambda: service.totals().lines == 500)
    assert service.said().count("metrics.file file/out.prom") == 1
