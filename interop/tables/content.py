"""The content digest of a training set, made from docs/spec/training-sets.md ("content/1") and nothing else of ours.

    python3 content.py COLUMNS FILE.parquet [FILE.rows]

COLUMNS is the JSON of the set's columns, [{"name": …, "type": …}, …]. Prints JSON: the digest of the rows in the file, how
many there are, and, where the list of hashes is given, the digest made from it and how many rows are not in it.
"""

import hashlib
import json
import sys
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq


def text_of(value, kind):
    if value is None:
        return "-"
    if kind == "BOOLEAN":
        return "true" if value else "false"
    if kind == "VARCHAR":
        return f"{len(value.encode())}:{value}"
    if kind == "DOUBLE":
        return repr(value)
    if kind.startswith("DECIMAL"):
        return format(value, "f")
    if kind in ("BIGINT", "TIMESTAMP"):
        return str(value)
    raise SystemExit(f"the specification says nothing of {kind}")


def row_hash(subject, values, kinds):
    cells = [text_of(value, kind) for value, kind in zip(values, kinds, strict=True)]
    return hashlib.sha256(",".join(["row/1", subject.hex(), *cells]).encode()).digest()


def digest(columns, hashes):
    names = [["subject", "BLOB"], *([column["name"], column["type"]] for column in columns)]
    head = json.dumps(names, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(b"content/1\n" + head.encode() + b"\n" + b"".join(sorted(hashes))).hexdigest()


def read(path, columns):
    table = pq.read_table(path)
    assert table.column_names == ["subject", *(column["name"] for column in columns)], table.column_names
    read = []
    for column in columns:
        values = table[column["name"]]
        if column["type"] == "TIMESTAMP":
            values = values.cast(pa.timestamp("us")).cast(pa.int64())
        read.append(values.to_pylist())
    kinds = [column["type"] for column in columns]
    return [row_hash(subject, values, kinds) for subject, *values in zip(table["subject"].to_pylist(), *read, strict=True)]


def example():
    """The one that the specification works out."""
    kinds = {"at": "TIMESTAMP", "label": "BOOLEAN", "present": "BOOLEAN", "clicks": "BIGINT", "tier": "VARCHAR", "share": "DOUBLE"}
    rows = [
        ("000102030405060708090a0b0c0d0e0f", (1772841600000000, True, True, 3, "gold", 0.1)),
        ("101112131415161718191a1b1c1d1e1f", (1772841600000001, False, False, 0, None, 1e16)),
    ]
    hashes = [row_hash(bytes.fromhex(subject), values, list(kinds.values())) for subject, values in rows]
    return digest([{"name": name, "type": kind} for name, kind in kinds.items()], hashes)


columns = json.loads(sys.argv[1])
hashes = read(sys.argv[2], columns)
said = {"example": example(), "rows": len(hashes), "digest": digest(columns, hashes)}
if len(sys.argv) > 3:
    with open(sys.argv[3], "rb") as file:
        listed = file.read()
    listed = [listed[at : at + 32] for at in range(0, len(listed), 32)]
    said["listed"] = digest(columns, listed)
    said["strange"] = sum((Counter(hashes) - Counter(listed)).values())
json.dump(said, sys.stdout)
