"""Archives written by hand, entry by entry, so that they can say what no honest program would write.

Knows the zip format (APPNOTE.TXT 6.3) as far as bundles go: no ZIP64, one volume.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

STORED, DEFLATED = 0, 8
ENCRYPTED, STREAMED, UTF8 = 0x1, 0x8, 0x800
_DATE = 0x21  # 1980-01-01


@dataclass(frozen=True)
class Entry:
    """One entry; what is None is told truly.

    Attributes:
        name: in the central directory.
        data: its bytes, before compression.
        method: of compression; the data is deflated for :data:`DEFLATED` and left alone for any other.
        flags: general purpose bits; with :data:`STREAMED` the sizes follow the data.
        mode: Unix mode, kind of file included; 0 as MS-DOS writes it.
        size: bytes as the archive tells them.
        local_name: in the header before the data.
    """

    name: str
    data: bytes
    method: int = STORED
    flags: int = UTF8
    mode: int = stat.S_IFREG | 0o644
    size: int | None = None
    local_name: str | None = None


def archive_of(entries: Iterable[Entry], *, comment: bytes = b"") -> bytes:
    """The bytes of an archive."""
    body, directory, count = b"", b"", 0
    for entry in entries:
        header, central = _entry(entry, len(body))
        body += header
        directory += central
        count += 1
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), len(comment))
    return body + directory + end + comment


def _entry(entry: Entry, offset: int) -> tuple[bytes, bytes]:
    """Local header with data, and the record of the central directory."""
    packed = entry.data
    if entry.method == DEFLATED:
        deflate = zlib.compressobj(wbits=-15)
        packed = deflate.compress(entry.data) + deflate.flush()
    name = entry.name.encode()
    local_name = name if entry.local_name is None else entry.local_name.encode()
    size = len(entry.data) if entry.size is None else entry.size
    sums = (zlib.crc32(entry.data), len(packed), size)
    streamed = entry.flags & STREAMED
    common = (20, entry.flags, entry.method, 0, _DATE)
    header = struct.pack("<4s5H3L2H", b"PK\3\4", *common, *((0, 0, 0) if streamed else sums), len(local_name), 0)
    tail = struct.pack("<4s3L", b"PK\7\10", *sums) if streamed else b""
    system = 3 if entry.mode else 0
    central = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", system << 8 | 20, *common, *sums, len(name), 0, 0, 0, 0, entry.mode << 16, offset
    )
    return header + local_name + packed + tail, central + name
