"""Archives: their content at any offset, damage with its place, and bounded memory whatever they hold."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from daemon.content import open_content
from daemon.unpack import UnpackError
from tests.daemon.ingest_driver import PACKERS

ARCHIVES: Final = [ending for ending in PACKERS if ending]
TEXT: Final = b"".join(b"%d %d\n" % (number, number * 7919 % 10_007) for number in range(60_000))

pack = pytest.mark.parametrize("ending", ARCHIVES)


def archive(tmp_path: Path, ending: str, *members: bytes, behind: bytes = b"") -> str:
    path = tmp_path / f"app.log{ending}"
    path.write_bytes(b"".join(map(PACKERS[ending], members)) + behind)
    return str(path)


def content_of(path: str) -> tuple[bytes, str]:
    """All of the content and the damage at its end."""
    with closing(open_content(path)) as content:
        data = b""
        while part := content.pread(100_000, len(data)):
            data += part
        return data, content.damage


@pack
def test_the_content_is_read_whole_and_undamaged(ending: str, tmp_path: Path) -> None:
    assert content_of(archive(tmp_path, ending, TEXT)) == (TEXT, "")


@pack
def test_members_one_behind_another_are_one_content(ending: str, tmp_path: Path) -> None:
    half = len(TEXT) // 2
    assert content_of(archive(tmp_path, ending, TEXT[:half], b"", TEXT[half:])) == (TEXT, "")


@pytest.mark.parametrize("zeros", [4, 40_000])
def test_zeros_behind_a_member_are_padding(zeros: int, tmp_path: Path) -> None:
    assert content_of(archive(tmp_path, ".gz", TEXT, behind=b"\0" * zeros)) == (TEXT, "")


@pack
def test_any_place_can_be_read_in_any_order(ending: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    with closing(open_content(archive(tmp_path, ending, TEXT))) as content:
        for _ in range(30):
            offset, size = chance.randrange(len(TEXT) + 10), chance.randrange(150_000)
            assert content.pread(size, offset) == TEXT[offset : offset + size]


@pack
def test_a_size_is_known_when_it_is_near(ending: str, tmp_path: Path) -> None:
    with closing(open_content(archive(tmp_path, ending, TEXT))) as content:
        assert content.size_within(len(TEXT) - 1, keep_from=0) is None
        assert content.size_within(len(TEXT), keep_from=0) == len(TEXT)
        assert content.pread(10, len(TEXT) - 10) == TEXT[-10:]


@pack
def test_of_a_truncated_archive_the_whole_lines_are_read(ending: str, tmp_path: Path) -> None:
    path = Path(archive(tmp_path, ending, TEXT[: len(TEXT) // 2], TEXT[len(TEXT) // 2 :]))
    size = path.stat().st_size * 3 // 4
    with path.open("r+b") as file:
        file.truncate(size)
    data, damage = content_of(str(path))
    assert len(data) >= len(TEXT) // 2 - 10
    assert data.endswith(b"\n")
    assert TEXT.startswith(data)
    assert damage.startswith(f"ends in the middle, at byte {size:,}")
    assert f"{len(data):,} bytes of its content could be read" in damage


@pack
def test_damage_is_told_with_its_place(ending: str, tmp_path: Path) -> None:
    path = Path(archive(tmp_path, ending, TEXT[: len(TEXT) // 2], TEXT[len(TEXT) // 2 :]))
    raw = bytearray(path.read_bytes())
    place = len(raw) * 3 // 4
    raw[place : place + 64] = bytes(byte ^ 0xA5 for byte in raw[place : place + 64])
    path.write_bytes(raw)
    data, damage = content_of(str(path))
    assert data[: len(TEXT) // 2 - 10] == TEXT[: len(TEXT) // 2 - 10]
    assert "is damaged at about byte" in damage


def test_what_is_no_archive_behind_the_last_member_is_damage(tmp_path: Path) -> None:
    data, damage = content_of(archive(tmp_path, ".gz", TEXT, behind=b"not gzip"))
    assert data == TEXT
    assert "is damaged at about byte" in damage


def test_a_plain_file_with_the_name_of_an_archive_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(TEXT)
    assert content_of(str(path)) == (TEXT, "")


def test_without_its_package_zstd_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path, ".zst", TEXT)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UnpackError, match=r"selfheald\[zstd\]"):
        open_content(path)


WALK: Final = """
import sys
from pathlib import Path
from daemon.content import open_content
content = open_content(sys.argv[1])
size = 0
while part := content.pread(262_144, size):
    size += len(part)
status = Path("/proc/self/status").read_text()  # getrusage tells the peak of the process that forked it
print(size, int(status.partition("VmHWM:")[2].split()[0]) * 1024)
"""


@pack
def test_a_bomb_is_read_in_bounded_memory(ending: str, tmp_path: Path) -> None:
    """256 MiB of zeros from an archive of some KB."""
    part = b"\0" * (32 << 20)
    path = archive(tmp_path, ending, *[part] * 8)
    assert Path(path).stat().st_size < 1 << 20
    said = subprocess.run([sys.executable, "-c", WALK, path], capture_output=True, check=True, text=True)
    size, peak_bytes = map(int, said.stdout.split())
    assert size == 256 << 20
    assert peak_bytes < 128 << 20
