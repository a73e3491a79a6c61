"""Each sample log is recognised by its own format and by none that is tried before it."""

import json
from pathlib import Path
from typing import Final

import pytest

from config.load import load_settings
from handlers.formats.registry import log_formats

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
