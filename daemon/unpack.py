"""Compressed files, member by member, in bounded memory whatever they hold.

gzip: RFC 1952. xz: https://tukaani.org/xz/xz-file-format.txt. zstd: RFC 8878. An archive can hold several
members, one behind another, as `cat a.gz b.gz` makes it.
"""

from __future__ import annotations

import bz2
import lzma
import os
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

OUTPUT_BYTES: Final = 65_536
"""Unpacked at once: a member that would become terabytes never stands in memory. What was unpacked in the
same step as damage is lost, so it is small too."""
INPUT_BYTES: Final = 16_384
_ZSTD_INPUT_BYTES: Final = 256
"""zstandard gives out all that its input unpacks to: 128 KiB for each 4 bytes at most, so 8 MiB here."""
_DICTIONARY_BYTES: Final = 1 << 27
"""The memory that an xz or zstd file may ask for: what `zstd --long` makes, twice what `xz -9` does."""
_MAGIC: Final = re.compile(
    rb"(?P<gzip>\x1f\x8b\x08)|(?P<bzip2>BZh[1-9](?:1AY&SY|\x17rE8P\x90))|(?P<xz>\xfd7zXZ\x00)"
    rb"|(?P<zstd>\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"
)


class UnpackError(Exception):
    """Nothing more can be unpacked; the message says why and where."""


class _Member(Protocol):
    """What `bz2.BZ2Decompressor` and `lzma.LZMADecompressor` are."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _GzipMember:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        output = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = not self._zlib.unconsumed_tail and len(output) < max_length
        return output


class _ZstdMember:
    needs_input = True

    def __init__(self) -> None:
        try:
            import zstandard
        except ModuleNotFoundError as error:
            raise UnpackError('is packed with zstd: pip install "selfheald[zstd]" to read it') from error
        self._error: type[Exception] = zstandard.ZstdError
        self._zstd = zstandard.ZstdDecompressor(max_window_size=_DICTIONARY_BYTES).decompressobj()

    @property
    def eof(self) -> bool:
        return self._zstd.eof

    @property
    def unused_data(self) -> bytes:
        return self._zstd.unused_data

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        try:
            return self._zstd.decompress(data)
        except self._error as error:
            raise OSError(str(error)) from error


_MEMBERS: Final[Mapping[str, Callable[[], _Member]]] = {
    "gzip": _GzipMember,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_DICTIONARY_BYTES),
    "zstd": _ZstdMember,
}


def compression_of(head: bytes) -> str:
    """gzip, bzip2, xz or zstd, by the first bytes of a file; "" for all others."""
    match = _MAGIC.match(head)
    return match.lastgroup or "" if match else ""


class MembersReader:
    """The content of an archive from its start on."""

    def __init__(self, descriptor: int, compression: str) -> None:
        """Raises UnpackError if what unpacks it is not installed."""
        self._descriptor = descriptor
        self._compression = compression
        self._begin = _MEMBERS[compression]
        self._member = self._begin()
        self._input = b""
        self._fed = False
        """The member has got something to unpack."""
        self._input_bytes = _ZSTD_INPUT_BYTES if compression == "zstd" else INPUT_BYTES
        self.file_offset = 0

    def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises UnpackError, and OSError if the file cannot be read."""
        while True:
            if self._member.eof:
                self._next_member()
            if self._member.needs_input and not self._input:
                self._input = os.pread(self._descriptor, self._input_bytes, self.file_offset)
                self.file_offset += len(self._input)
                if not self._input and self._fed:
                    raise UnpackError(f"ends in the middle, at byte {self.file_offset:,}: it is truncated")
                if not self._input:
                    return b""
            if not self._fed:
                self._input = self._input.lstrip(b"\0")  # padding between members and behind the last
                if not self._input:
                    continue
            try:
                output = self._member.decompress(self._input, OUTPUT_BYTES)
            except (zlib.error, lzma.LZMAError, OSError) as error:
                where = max(0, self.file_offset - len(self._input))
                raise UnpackError(
                    f"is damaged at about byte {where:,} ({self._compression}: {error})"
                ) from error
            self._fed = True
            self._input = b""
            if output:
                return output

    def _next_member(self) -> None:
        self._input = self._member.unused_data
        self._member = self._begin()
        self._fed = False
