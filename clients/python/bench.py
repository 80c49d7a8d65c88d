"""What `emit` costs its caller: python3 bench.py URL KEY [RECORDS] [BYTES]. Prints JSON, times in microseconds.

Records come every millisecond, as in a handler that serves. The limit beside it: `json.dumps` of the same record alone.
"""

import json
import sys
import tempfile
import time
from typing import Callable, Dict, List

import whence


def measure(records: List[Dict[str, object]], call: Callable[[Dict[str, object]], object]) -> Dict[str, float]:
    taken = []
    for record in records:
        began = time.perf_counter_ns()
        call(record)
        taken.append((time.perf_counter_ns() - began) / 1000)
        time.sleep(0.001)
    taken.sort()
    return {"p50": taken[len(taken) // 2], "p99": taken[int(len(taken) * 0.99)], "highest": taken[-1]}


url, key, count, size = sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["20000"])[0]), int((sys.argv[4:] or ["200"])[0])
padding = "x" * max(0, size - 90)
records = [
    {"id": f"py-{time.time_ns()}-{i}", "customer": f"c-{i % 1000}", "time": "2026-03-01T10:00:00Z", "page": padding}
    for i in range(count)
]
with tempfile.TemporaryDirectory() as folder:
    emitter = whence.Emitter(url, key, spool=folder)
    for record in records[:200]:
        emitter.emit("visits", {**record, "id": f"warm-{record['id']}"})
    emit = measure(records, lambda record: emitter.emit("visits", record))
    stats = emitter.close(60)
dumps = measure(records, lambda record: json.dumps(record, ensure_ascii=False, separators=(",", ":")))
print(json.dumps({"emit": emit, "limit": dumps, "stats": stats["streams"]["visits"]}))
