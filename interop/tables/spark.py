"""Spark, attached to the REST catalog of a Whence server (WHENCE_URL, WHENCE_KEY): every snapshot of every table.

    python spark.py < SCHEMAS

SCHEMAS is the JSON of table -> {snapshots: {id: {schema: {column: kind}}}}; kinds as Iceberg names them. Prints JSON of
the same shape with {rows, columns} for each snapshot, and the ids that Spark lists by itself.
"""

import json
import os
import sys

from figures import summed
from pyspark.sql import SparkSession

url, key = os.environ["WHENCE_URL"], os.environ["WHENCE_KEY"]
settings = {
    "spark.sql.catalog.whence": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.whence.type": "rest",
    "spark.sql.catalog.whence.uri": f"{url}/iceberg",
    "spark.sql.catalog.whence.token": key,
    "spark.sql.session.timeZone": "UTC",
}
builder = SparkSession.builder
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()

found = {}
for (namespace,) in spark.sql("SHOW NAMESPACES IN whence").collect():
    for _, table, _ in spark.sql(f"SHOW TABLES IN whence.`{namespace}`").collect():
        name = f"whence.`{namespace}`.`{table}`"
        listed = [str(id) for (id,) in spark.sql(f"SELECT snapshot_id FROM {name}.snapshots").collect()]
        found[f"{namespace}.{table}"] = {"listed": listed, "snapshots": {}}

for table, said in json.load(sys.stdin).items():
    namespace, short = table.split(".", 1)
    for snapshot, at in said["snapshots"].items():
        query = f"SELECT * FROM whence.`{namespace}`.`{short}` VERSION AS OF {snapshot}"
        rows = spark.sql(query).toArrow()
        columns = {column: summed(rows[column], kind) for column, kind in at["schema"].items()}
        found[table]["snapshots"][snapshot] = {"rows": rows.num_rows, "columns": columns}
json.dump(found, sys.stdout)
