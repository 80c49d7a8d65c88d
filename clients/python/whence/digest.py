"""The digest of a table, whatever library holds it: `whence-rows/1`.

Each row is an object of its columns, as JSON with sorted names and no white space, UTF-8; its SHA-256 is the digest of the
row. The digests of all rows, sorted, one after the other, are hashed once more. So the order of rows and of columns does
not matter, and a row that stands twice counts twice.

Values: a whole float is written as an integer (a column of integers with a gap is one of floats in pandas), another float
in its shortest form; NaN, NaT, NA and None are null; times are UTC with microseconds, those without a zone as they stand;
decimals are texts; bytes are hex.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional


def rows_of(table: Any) -> Optional[Iterator[Dict[str, Any]]]:
    """The rows of a table of pandas, polars or PyArrow, or of a list of dicts; None for anything else."""
    kind = f"{type(table).__module__}.{type(table).__name__}"
    if kind.startswith("pandas.") and hasattr(table, "to_dict"):
        frame = table.to_frame() if kind.endswith(".Series") else table
        columns = [str(name) for name in frame.columns]
        return (dict(zip(columns, row)) for row in frame.itertuples(index=False, name=None))
    if kind.startswith("polars.") and hasattr(table, "iter_rows"):
        return table.iter_rows(named=True)
    if kind.startswith("pyarrow.") and hasattr(table, "to_batches"):
        return (row for batch in table.to_batches() for row in batch.to_pylist())
    if isinstance(table, (list, tuple)) and all(isinstance(row, Mapping) for row in table):
        return ({str(name): value for name, value in row.items()} for row in table)
    return None


def digest(table: Any) -> str:
    """`sha256:` and the digest of a table's rows, in whatever order. Raises TypeError for what is no table."""
    rows = rows_of(table)
    if rows is None:
        raise TypeError(f"{type(table).__name__} is no table: give one of pandas, polars or PyArrow, or a list of dicts")
    return digest_of_rows(rows)


def digest_of_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    digests: List[bytes] = sorted(hashlib.sha256(_encoded(row)).digest() for row in rows)
    total = hashlib.sha256()
    for each in digests:
        total.update(each)
    return f"sha256:{total.hexdigest()}"


def _encoded(row: Mapping[str, Any]) -> bytes:
    plain = {name: _plain(value) for name, value in row.items()}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        if value != value:  # NaT
            return None
        if value.tzinfo is None:
            return value.isoformat(timespec="microseconds")
        return value.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(each) for each in value), key=repr)
    item = getattr(value, "item", None)  # The scalars of NumPy.
    if callable(item) and getattr(value, "shape", None) == ():
        return _plain(item())
    to_list = getattr(value, "tolist", None)
    if callable(to_list):
        return _plain(to_list())
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return str(value)
