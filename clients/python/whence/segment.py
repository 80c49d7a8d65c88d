"""A segment of the spool: a file of records, a line each, each with its own checksum. docs/spec/spool.md.

    crc32 of what follows (8 hex) SP destination (JSON) TAB number TAB record (JSON) LF
"""

from __future__ import annotations

from typing import List, Tuple
from zlib import crc32

#: Destination, number, and the JSON of the record, exactly as it will be sent.
Item = Tuple[str, int, str]


def encode_item(item: Item) -> bytes:
    to, n, text = item
    line = f"{to}\t{n}\t{text}".encode("utf-8")
    return b"%08x %b\n" % (crc32(line), line)


def decode_segment(data: bytes) -> Tuple[List[Item], int]:
    """The records of a segment, and how many whole lines are not what was written.

    A process that is killed while it writes leaves a line cut short: what follows the last whole line is left out.
    """
    items: List[Item] = []
    damaged = 0
    lines = data.split(b"\n")
    for line in lines[:-1]:
        try:
            if line[8:9] != b" " or int(line[:8], 16) != crc32(line[9:]):
                raise ValueError
            to, n, text = line[9:].decode("utf-8").split("\t", 2)
            items.append((to, int(n), text))
        except ValueError:
            damaged += 1
    return items, damaged
