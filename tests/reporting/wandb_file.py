"""What an offline wandb run wrote, read from the file itself.

A ``.wandb`` file is a header of 7 bytes and then a LevelDB log: blocks of 32 KiB holding chunks, each with checksum,
length and kind (whole, first, middle or last part of a record) before it.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32 * 1024
CHUNK = struct.Struct("<IHB")
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(path: Path) -> Iterator[Record]:
    """Every record of a finished run."""
    data = path.read_bytes()
    assert data[:4] == b":W&B"
    position, parts = 7, b""
    while position < len(data):
        if BLOCK - position % BLOCK < CHUNK.size:
            position += BLOCK - position % BLOCK
            continue
        checksum, length, kind = CHUNK.unpack_from(data, position)
        position += CHUNK.size
        content = data[position : position + length]
        position += length
        assert checksum == crc32(bytes([kind]) + content), "the parser lost its place"
        parts = content if kind in (WHOLE, FIRST) else parts + content
        if kind in (WHOLE, LAST):
            record = Record()
            record.ParseFromString(parts)
            yield record
