"""What became of everything that was handed to an emitter, stream by stream. Nothing leaves these sums:

    emitted = recorded + duplicate + conflict + refused + sampledOut + dropped + waiting + unknown
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, Iterable, List, Tuple

from .destination import destination_of_key
from .segment import decode_segment

MOST_REASONS = 30
#: Numbers that are skipped when the file of the accounts was lost.
SKIPPED = 10_000
FILE = "accounts.json"

#: The names under which the counts are kept: those of the format, so that any emitter can take up a spool.
COUNTS = (
    "n", "recorded", "quarantined", "duplicate", "conflict", "refused",
    "sampledOut", "dropped", "unknown", "unnumbered", "reserved", "answered",
)  # fmt: skip


class Account:
    """The counts of one stream. `n` is the last number that was given."""

    def __init__(self, stream: str, saved: "Dict[str, Any] | None" = None) -> None:
        saved = saved or {}
        self.stream = stream
        self.count: Dict[str, int] = {
            name: saved[name] if isinstance(saved.get(name), int) else 0 for name in COUNTS
        }
        self.reasons: Dict[str, int] = dict(saved.get("reasons") or {})

    @property
    def emitted(self) -> int:
        return self.count["n"] + self.count["sampledOut"] + self.count["unnumbered"]

    @property
    def waiting(self) -> int:
        c = self.count
        numbered_losses = c["dropped"] - c["unnumbered"]
        return (
            c["n"] - numbered_losses - c["recorded"] - c["duplicate"] - c["conflict"] - c["refused"] - c["unknown"]
        )

    def because(self, reason: str) -> None:
        known = reason in self.reasons or len(self.reasons) < MOST_REASONS
        name = reason if known and re.fullmatch(r"[a-z0-9_.-]{1,64}", reason) else "other"
        self.reasons[name] = self.reasons.get(name, 0) + 1

    def drop(self, reason: str, numbered: bool) -> None:
        self.count["dropped"] += 1
        if not numbered:
            self.count["unnumbered"] += 1
        self.because(reason)

    def emission(self) -> Dict[str, Any]:
        told = ("recorded", "duplicate", "conflict", "refused", "sampledOut", "dropped")
        emission: Dict[str, Any] = {"stream": self.stream, "emitted": self.emitted}
        emission.update({name: self.count[name] for name in told})
        emission.update({"waiting": self.waiting, "unknown": self.count["unknown"]})
        if self.reasons:
            emission["reasons"] = dict(self.reasons)
        return emission

    def saved(self) -> Dict[str, Any]:
        return {"stream": self.stream, **self.count, "reasons": dict(self.reasons)}


def read_accounts(folder: str) -> Tuple[List[Account], bool]:
    """The accounts of a lane; True with those that were made anew because the file was lost."""
    try:
        with open(os.path.join(folder, FILE), encoding="utf-8") as file:
            streams = json.load(file)["streams"]
        return [Account(stream, saved) for stream, saved in streams.items()], False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        segments = [name for name in os.listdir(folder) if name.endswith(".spool")]
        return _from_segments(os.path.join(folder, name) for name in segments), bool(segments)


def _from_segments(paths: Iterable[str]) -> List[Account]:
    accounts: Dict[str, Account] = {}
    for path in paths:
        with open(path, "rb") as file:
            items, _ = decode_segment(file.read())
        for to, n, _ in items:
            destination = destination_of_key(to)
            if destination is None:
                continue
            account = accounts.setdefault(destination.stream, Account(destination.stream))
            account.count["n"] = max(account.count["n"], n)
    for account in accounts.values():
        account.count["n"] += SKIPPED
        account.count["reserved"] = account.count["n"]
    return list(accounts.values())


def write_accounts(folder: str, saved: Dict[str, Dict[str, Any]]) -> None:
    draft = os.path.join(folder, f"{FILE}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump({"streams": saved}, file)
    os.replace(draft, os.path.join(folder, FILE))
