"""Writes the mart as the stream's events, in order: what loads the stream from the warehouse.

    python unload.py WAREHOUSE FILE
"""

import json
import sys
from datetime import datetime
from decimal import Decimal

import duckdb

MART = "select * from main_marts.email_events order by sequence"


def plain(value):
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return float(value) if isinstance(value, Decimal) else value


with duckdb.connect(sys.argv[1], read_only=True) as warehouse, open(sys.argv[2], "w", encoding="utf-8") as file:
    rows = warehouse.execute(MART)
    names = [column[0] for column in rows.description]
    for row in rows.fetchall():
        event = {name: plain(value) for name, value in zip(names, row) if value is not None}
        file.write(json.dumps(event, separators=(",", ":")) + "\n")
