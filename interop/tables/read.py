"""Reads every snapshot of every table of a Whence server with two engines that are not Whence, and says what it found.

pyiceberg attaches to the REST catalog (WHENCE_URL, WHENCE_KEY); ClickHouse, as chdb, reads the folder (WHENCE_DATA).
Prints one JSON object: engine -> table -> {schema, snapshots: {id: {rows, columns}}}. Of each column there is a sum
that is exact (of doubles that of their bits), so that the engines can be held against each other value by value.
"""

import json
import os
import struct
import sys

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.rest import RestCatalog

url, key, data = (os.environ[name] for name in ("WHENCE_URL", "WHENCE_KEY", "WHENCE_DATA"))


def summed(column, kind):
    """A column as a few exact figures; kinds as Iceberg names them."""
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


def with_pyiceberg():
    catalog = RestCatalog("whence", uri=f"{url}/iceberg", token=key)
    exchanged = RestCatalog("exchanged", uri=f"{url}/iceberg", credential=f"engine:{key}")
    assert exchanged.list_namespaces() == catalog.list_namespaces()
    found = {}
    for namespace in catalog.list_namespaces():
        for identifier in catalog.list_tables(namespace):
            assert catalog.table_exists(identifier)
            table = catalog.load_table(identifier)
            snapshots = {}
            for snapshot in table.snapshots():
                schema = table.schemas()[snapshot.schema_id]
                kinds = {field.name: str(field.field_type) for field in schema.fields}
                rows = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()
                snapshots[str(snapshot.snapshot_id)] = {
                    "rows": rows.num_rows,
                    "schema": kinds,
                    "columns": {name: summed(rows[name], kind) for name, kind in kinds.items()},
                }
            found[".".join(identifier)] = {
                "current": str(table.current_snapshot().snapshot_id) if table.current_snapshot() else None,
                "snapshots": snapshots,
            }
    return found


KINDS = {
    "Int64": "long",
    "Float64": "double",
    "DateTime64(6)": "timestamp",
    "Bool": "boolean",
    "String": "string",
    "Date32": "date",
}


def with_chdb(tables):
    import chdb

    os.chdir(data)  # ClickHouse reads no files outside the folder that it was started in

    def ask(query):
        return [line.split("\t") for line in str(chdb.query(query, "TabSeparatedRaw")).splitlines()]

    def figures(name, kind):
        column = f"`{name}`"
        count = f"toString(count({column}))"
        if kind == "long" or kind.startswith("decimal"):
            more = [f"toString(sum({column}))"]
        elif kind == "double":
            bits = f"sum(reinterpretAsUInt64(assumeNotNull({column})))"
            more = [f"toString(min({column}))", f"toString(max({column}))", f"toString({bits})"]
        elif kind == "timestamp":
            micros = f"toUnixTimestamp64Micro({column})"
            more = [f"toString({each}({micros}))" for each in ("min", "max", "sum")]
        elif kind == "boolean":
            more = [f"toString(countIf({column}))"]
        elif kind == "string":
            more = [f"toString(sum(length({column})))", f"toString(min({column}))"]
        elif kind == "binary":
            more = [f"toString(uniqExact({column}))", f"lower(hex(min({column})))"]
        else:
            more = [f"toString(min({column}))", f"toString(max({column}))"]
        return f"[{', '.join([count, *(f'ifNull({each}, {chr(39)*2})' for each in more)])}]"

    found = {}
    for name, said in tables.items():
        path = os.path.join(data, "tables", *name.split(".", 1))
        snapshots = {}
        for snapshot, at in said["snapshots"].items():
            columns = at["schema"]
            asked = ", ".join(f"toJSONString({figures(column, kind)})" for column, kind in columns.items())
            settings = f"SETTINGS iceberg_snapshot_id = {snapshot}"
            (row,) = ask(f"SELECT count(), {asked} FROM icebergLocal('{path}') {settings}")
            snapshots[snapshot] = {
                "rows": int(row[0]),
                "columns": {
                    column: ["0"] if json.loads(text)[0] == "0" else [plain(one) for one in json.loads(text)]
                    for column, text in zip(columns, row[1:], strict=True)
                },
            }
        schema = {}
        for column, kind, *_ in ask(f"DESCRIBE icebergLocal('{path}')"):
            inner = kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nullable(") else kind
            schema[column] = KINDS.get(inner, inner.lower())
        found[name] = {"schema": schema, "snapshots": snapshots}
    return found


tables = with_pyiceberg()
json.dump({"pyiceberg": tables, "chdb": with_chdb(tables)}, sys.stdout)
