"""Each sample log is recognised by its own format and by none that is tried before it."""

import json
from pathlib import Path
from typing import Final

import pytest

from config.load import load_settings
from config.settings import Settings
from handlers.formats.registry import detect_format, log_formats

SAMPLES: Final = Path(__file__).parents[2] / "samples"
CASES: Final = sorted(path.parent for path in SAMPLES.glob("*/expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_sample_is_recognised_by_its_own_format_and_by_none_before_it(case: Path) -> None:
    settings = load_settings(case / "settings.yaml", {}).settings
    own = json.loads((case / "expected.json").read_text(encoding="utf-8"))["format"]
    if settings.logs.format != "auto":
        pytest.skip("its format is named, because its first lines do not tell it")
    names = list(formats := log_formats(settings))
    head = (case / "input.log").read_bytes()[:8192]
    tried = names[: names.index(own) + 1]
    assert [name for name in tried if formats[name].recognizes(head)] == [own]


@pytest.mark.parametrize("before", [0, 1], ids=["at the head", "behind a line of its own"])
@pytest.mark.parametrize(
    ("line", "name"),
    [
        pytest.param("ts=2026-11-22T10:00:00Z event=cart:add handler=add duration=5", "logfmt", id="logfmt"),
        pytest.param('{"event": "cart:add", "handler": "Cart.add", "duration": 5}', "jsonl", id="JSON lines"),
    ],
)
def test_a_record_of_a_library_among_lines_of_another_format_does_not_make_it_a_python_log(
    line: str, name: str, before: int
) -> None:
    record = "2026-11-22 10:00:00,123 INFO shop.start: Starting shop v1.2.3"
    head = "\n".join([line] * before + [record] + [line] * 3) + "\n"
    formats = log_formats(Settings())
    assert detect_format(head.encode(), formats, "auto") is formats[name]
