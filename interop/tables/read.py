"""Reads every snapshot of every table of a Whence server with three engines that are not Whence, and says what it found.

pyiceberg and DuckDB attach to the REST catalog (WHENCE_URL, WHENCE_KEY); ClickHouse, as chdb, reads the folder
(WHENCE_DATA). Prints one JSON object: engine -> table -> {schema, snapshots: {id: {rows, columns}}}.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

from figures import plain, summed
from pyiceberg.catalog.rest import RestCatalog

url, key, data = (os.environ[name] for name in ("WHENCE_URL", "WHENCE_KEY", "WHENCE_DATA"))


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


def with_duckdb(tables):
    import duckdb

    connection = duckdb.connect()
    for name in ("httpfs", "avro", "iceberg"):
        # A package of the registry holds the extension: nothing is fetched from DuckDB's own place.
        (file,) = Path(import_module(f"duckdb_extension_{name}").__file__).parent.rglob("*.duckdb_extension")
        connection.execute(f"LOAD '{file}'")
    connection.execute(f"ATTACH 'whence' AS whence (TYPE iceberg, ENDPOINT '{url}/iceberg', TOKEN '{key}')")
    found = {}
    for name, said in tables.items():
        namespace, table = name.split(".", 1)
        snapshots = {}
        for snapshot, at in said["snapshots"].items():
            query = f'SELECT * FROM whence."{namespace}"."{table}" AT (VERSION => {snapshot})'
            rows = connection.execute(query).to_arrow_table()
            columns = {column: summed(rows[column], kind) for column, kind in at["schema"].items()}
            snapshots[snapshot] = {"rows": rows.num_rows, "columns": columns}
        found[name] = {"snapshots": snapshots}
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
engines = {"pyiceberg": tables, "duckdb": with_duckdb(tables), "chdb": with_chdb(tables)}
json.dump(engines, sys.stdout)
