"""Where a record goes: the stream of an event, the batch of a prediction, the runs, or the lineage."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Union
from urllib.parse import quote

Target = Union[str, Mapping[str, Any]]


class Destination:
    """A target, resolved. `key` is its canonical JSON: the same target is the same destination in every run."""

    __slots__ = ("key", "stream", "id", "most", "type", "_path", "_kind")

    def __init__(self, kind: str, key: str, stream: str, id: Optional[str], most: int, type: str, path: str) -> None:
        self._kind = kind
        self.key = key
        self.stream = stream
        self.id = id
        self.most = most
        self.type = type
        self._path = path

    def path(self, emitter: str, numbers: str) -> str:
        if self._kind == "one":
            return self._path
        return f"{self._path}?emitter={emitter}&n={numbers}"

    def body(self, records: List[str]) -> str:
        if self._kind == "events":
            return "\n".join(records) + "\n"
        if self._kind == "predictions":
            return f'{self.key[:-1]},"predictions":[{",".join(records)}]}}'
        return records[0]


def key_of(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


RUNS = Destination("one", '{"runs":true}', "whence.runs", "id", 1, "application/json", "/v1/training-runs")
LINEAGE = Destination("one", '{"lineage":true}', "whence.lineage", None, 1, "application/json", "/api/v1/lineage")


def destination_of(target: Any) -> Optional[Destination]:
    """None for what is no target."""
    if isinstance(target, str):
        return _stream(target) if target else None
    if not isinstance(target, Mapping):
        return None
    stream, model = target.get("stream"), target.get("model")
    if isinstance(stream, str) and stream:
        return _stream(stream)
    if isinstance(model, str) and model:
        return _predictions(target)
    if target.get("runs") is True:
        return RUNS
    if target.get("lineage") is True:
        return LINEAGE
    return None


def destination_of_key(key: str) -> Optional[Destination]:
    try:
        return destination_of(json.loads(key))
    except ValueError:
        return None


def _stream(name: str) -> Destination:
    path = f"/v1/streams/{quote(name, safe='')}/events"
    return Destination("events", key_of({"stream": name}), name, None, 1000, "application/x-ndjson", path)


def _predictions(target: Mapping[str, Any]) -> Destination:
    batch: Dict[str, Any] = {"model": target["model"]}
    if isinstance(target.get("snapshot"), int):
        batch["snapshot"] = target["snapshot"]
    if isinstance(target.get("consequential"), bool):
        batch["consequential"] = target["consequential"]
    return Destination(
        "predictions", key_of(batch), "whence.predictions", "id", 1000, "application/json", "/v1/predictions"
    )
