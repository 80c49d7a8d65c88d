"""A column as a few figures that are exact (of doubles the sum of their bits), so that engines can be held against each
other value by value. Columns are those of Arrow, kinds as Iceberg names them."""

import struct

import pyarrow as pa
import pyarrow.compute as pc


def summed(column, kind):
    known = column.drop_null()
    if len(known) == 0:
        return ["0"]
    if kind == "long" or kind.startswith("decimal"):
        figures = [sum(known.to_pylist())]
    elif kind == "double":
        bits = sum(struct.unpack("<Q", struct.pack("<d", value))[0] for value in known.to_pylist()) % 2**64
        figures = [repr(pc.min(known).as_py()), repr(pc.max(known).as_py()), bits]
    elif kind == "timestamp":
        micros = known.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
        figures = [min(micros), max(micros), sum(micros)]
    elif kind == "boolean":
        figures = [sum(known.to_pylist())]
    elif kind == "string":
        figures = [sum(len(text.encode()) for text in known.to_pylist()), min(known.to_pylist())]
    elif kind == "binary":
        figures = [len(set(known.to_pylist())), min(known.to_pylist()).hex()]
    else:
        figures = [str(min(known.to_pylist())), str(max(known.to_pylist()))]
    return [str(len(known)), *(plain(figure) for figure in figures)]


def plain(figure):
    """Numbers without the zeros behind the point, of which engines write more or fewer."""
    text = str(figure)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
