"""Emits events, predictions, runs and lineage to Whence without holding up the program that emits them.

    import whence

    emitter = whence.Emitter("http://127.0.0.1:4600", key, spool="/var/spool/shop")
    emitter.emit("clicks", {"event_id": "e-1", "customer_id": "c-42", "time": "2026-03-20T10:00:00Z"})
    emitter.predict("buys@3", {"entity": "c-42", "score": 0.83}, snapshot=12)

Standard library only. See `Emitter`, and `run` and `step` for plain scripts.
"""

from .digest import digest, rows_of
from .emitter import Emitter, Refusal
from .steps import Run, run, step

__all__ = ["Emitter", "Refusal", "Run", "digest", "rows_of", "run", "step"]
__version__ = "0.1.0"
