"""Runs of plain scripts: what went in, what each step did to it, what came out; told as one OpenLineage run.

    @whence.step("where age < 0")
    def adults(people):
        return people[people.age >= 0]

    with whence.run("nightly", emitter=emitter) as run:
        people = run.input("crm.people", read())
        run.output("crm.adults", adults(people))

The step says: dropped 15 rows where age < 0. Nothing of the rows leaves the program but digests and counts.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
import time
import uuid
from contextvars import ContextVar, Token
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, TypeVar, Union
from urllib.parse import urlsplit, urlunsplit

from .digest import digest_of_rows, rows_of
from .emitter import Emitter

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

PRODUCER = "urn:whence:client:python"
_CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"

_current: "ContextVar[Optional[Run]]" = ContextVar("whence_run", default=None)
_default: Optional[Emitter] = None


class Run:
    """One run of a script. Use it as a context (`with whence.run("name") as run:`) or as a decorator of a function.

    It never stands in the way: what it cannot tell it leaves out, and an exception of the script goes on as it came. Of
    an exception only its class is told.
    """

    def __init__(
        self,
        name: str,
        *,
        emitter: Optional[Emitter] = None,
        namespace: str = "scripts",
        datasets: str = "scripts",
        parameters: Optional[Mapping[str, Any]] = None,
        training: bool = False,
        digests: bool = True,
    ) -> None:
        self.name, self.namespace, self.datasets = name, namespace, datasets
        self.id = str(uuid.uuid4())
        self.parameters: Dict[str, Any] = dict(parameters or {})
        self.metrics: Dict[str, float] = {}
        self.steps: List[Dict[str, Any]] = []
        self._training, self._digests = training, digests
        self._emitter = emitter
        self._inputs: List[Dict[str, Any]] = []
        self._outputs: List[Dict[str, Any]] = []
        self._token: "Optional[Token[Optional[Run]]]" = None
        self._began = 0.0

    # --- What a script says ----------------------------------------------------------------------------------------

    def input(self, name: str, table: T, *, namespace: Optional[str] = None) -> T:
        """Notes what is read, with its digest and its number of rows; gives it back."""
        self._inputs.append(self._dataset(name, table, namespace, "inputFacets", "inputStatistics"))
        return table

    def output(self, name: str, table: T, *, namespace: Optional[str] = None) -> T:
        """Notes what is written, with its digest and its number of rows; gives it back."""
        self._outputs.append(self._dataset(name, table, namespace, "outputFacets", "outputStatistics"))
        return table

    def log(self, sentence: str, *, before: Any = None, after: Any = None) -> str:
        """Notes a step in words. With `before` and `after` they begin with what became of the rows: `dropped 15 rows`."""
        return self._step(sentence, sentence, self._look(before), self._look(after), None)

    def metric(self, name: str, value: float) -> None:
        self.metrics[name] = float(value)

    # --- As a context, and as a decorator --------------------------------------------------------------------------

    def __enter__(self) -> "Run":
        self._token = _current.set(self)
        self._began = time.monotonic()
        self._started = _now()
        self._code = _code()
        self._tell("START", self._started, {})
        return self

    def __exit__(self, kind: Optional[type], *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if kind is None:
            self._tell("COMPLETE", _now(), {})
            return
        ended = "ABORT" if issubclass(kind, KeyboardInterrupt) else "FAIL"
        message = _facet("ErrorMessageRun", "1-0-1", {"message": kind.__name__, "programmingLanguage": "PYTHON"})
        self._tell(ended, _now(), {"errorMessage": message})

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            run = Run(
                self.name,
                emitter=self._emitter,
                namespace=self.namespace,
                datasets=self.datasets,
                parameters=self.parameters,
                training=self._training,
                digests=self._digests,
            )
            with run:
                return function(*args, **kwargs)

        return inner  # type: ignore[return-value]

    # --- What is told ----------------------------------------------------------------------------------------------

    def _look(self, table: Any) -> Optional[Dict[str, Any]]:
        """Rows and digest; None for what is no table, or cannot be read."""
        try:
            rows = None if table is None else rows_of(table)
            if rows is None:
                return None
            if not self._digests:
                return {"rows": sum(1 for _ in rows)}
            count = 0

            def counted() -> Any:
                nonlocal count
                for row in rows:
                    count += 1
                    yield row

            value = digest_of_rows(counted())
            return {"rows": count, "digest": value}
        except Exception:
            return None

    def _dataset(self, name: str, table: Any, namespace: Optional[str], where: str, statistics: str) -> Dict[str, Any]:
        dataset: Dict[str, Any] = {"namespace": namespace or self.datasets, "name": name}
        seen = self._look(table)
        if seen is None:
            return dataset
        if "digest" in seen:
            version = _facet("DatasetVersionDataset", "1-0-1", {"datasetVersion": seen["digest"]})
            dataset["facets"] = {"version": version}
        kind = "InputStatisticsInputDataset" if where == "inputFacets" else "OutputStatisticsOutputDataset"
        version_of = "1-0-0" if where == "inputFacets" else "1-0-2"
        dataset[where] = {statistics: _facet(kind, version_of, {"rowCount": seen["rows"]})}
        return dataset

    def _step(
        self,
        name: str,
        sentence: str,
        before: Optional[Dict[str, Any]],
        after: Optional[Dict[str, Any]],
        seconds: Optional[float],
    ) -> str:
        if before is not None and after is not None:
            sentence = f"{_change(before, after)} {sentence}".strip()
        step: Dict[str, Any] = {"name": name, "sentence": sentence}
        for side, seen in (("input", before), ("output", after)):
            if seen is not None:
                step[f"{side}Rows"] = seen["rows"]
                if "digest" in seen:
                    step[f"{side}Digest"] = seen["digest"]
        if seconds is not None:
            step["seconds"] = round(seconds, 6)
        self.steps.append(step)
        return sentence

    def _tell(self, kind: str, at: str, more: Mapping[str, Any]) -> None:
        try:
            emitter = self._emitter or _from_environment()
            if emitter is None:
                return
            facets: Dict[str, Any] = {
                "processing_engine": _facet(
                    "ProcessingEngineRun", "1-1-1", {"version": platform.python_version(), "name": "python"}
                ),
                **more,
            }
            if self._code.get("gitCommit"):
                facets["whence_codeVersion"] = _own("CodeVersion", self._code)
            if self.steps:
                facets["whence_steps"] = _own("Steps", {"steps": self.steps})
            if self._training:
                facets["whence_trainingRun"] = _own("TrainingRun", self._training_facet(kind))
            emitter.emit(
                {"lineage": True},
                {
                    "eventType": kind,
                    "eventTime": at,
                    "producer": PRODUCER,
                    "schemaURL": f"{_CORE}RunEvent",
                    "run": {"runId": self.id, "facets": facets},
                    "job": {
                        "namespace": self.namespace,
                        "name": self.name,
                        "facets": {
                            "jobType": _facet(
                                "JobTypeJob",
                                "2-0-4",
                                {"processingType": "BATCH", "integration": "WHENCE", "jobType": "SCRIPT"},
                            )
                        },
                    },
                    "inputs": self._inputs,
                    "outputs": self._outputs,
                },
            )
        except Exception as error:
            print(f"whence: the run {self.name} could not be told: {error}", file=sys.stderr)

    def _training_facet(self, kind: str) -> Dict[str, Any]:
        status = {"START": "running", "COMPLETE": "finished", "ABORT": "killed"}.get(kind, "failed")
        code = {"entryPoint": os.path.basename(sys.argv[0] or "python")}
        if self._code:
            renamed = {"gitCommit": "commit"}
            code.update({renamed.get(name, name): value for name, value in self._code.items()})
        return {
            "name": self.name,
            "status": status,
            "parameters": {
                name: value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
                for name, value in self.parameters.items()
            },
            "metrics": self.metrics,
            "code": code,
            "environment": {"language": f"python {platform.python_version()}", "platform": platform.platform()},
        }


def run(name: str, **options: Any) -> Run:
    """A run of a script: see `Run`. Without `emitter` one is made of WHENCE_URL, WHENCE_KEY and WHENCE_SPOOL."""
    return Run(name, **options)


def step(given: Union[str, F, None] = None) -> Any:
    """Notes what a function did to the rows of its first table: `@whence.step("where age < 0")`, or `@whence.step`.

    Outside of a run it does nothing but call the function.
    """

    def decorate(function: F, sentence: str = "") -> F:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            current = _current.get()
            if current is None:
                return function(*args, **kwargs)
            before = next(
                (seen for seen in map(current._look, [*args, *kwargs.values()]) if seen is not None),
                None,
            )
            began = time.monotonic()
            result = function(*args, **kwargs)
            seconds = time.monotonic() - began
            current._step(function.__name__, sentence or f"in {function.__name__}", before, current._look(result), seconds)
            return result

        return inner  # type: ignore[return-value]

    if callable(given):
        return decorate(given)
    return lambda function: decorate(function, given or "")


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    was, now = before["rows"], after["rows"]
    if now != was:
        count = abs(now - was)
        return f"{'dropped' if now < was else 'added'} {count:,} {'row' if count == 1 else 'rows'}"
    if "digest" in before and before["digest"] == after.get("digest"):
        return f"left {now:,} {'row' if now == 1 else 'rows'} as they were"
    return f"changed {now:,} {'row' if now == 1 else 'rows'}"


def _facet(name: str, version: str, body: Mapping[str, Any]) -> Dict[str, Any]:
    url = f"https://openlineage.io/spec/facets/{version}/{name}Facet.json#/$defs/{name}Facet"
    return {"_producer": PRODUCER, "_schemaURL": url, **body}


def _own(name: str, body: Mapping[str, Any]) -> Dict[str, Any]:
    url = f"urn:whence:facets:1-0-0:Whence{name}Facet#/$defs/Whence{name}Facet"
    return {"_producer": PRODUCER, "_schemaURL": url, **body}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _code() -> Dict[str, Any]:
    """The commit that runs, where the script lies in a checkout of Git. Never the user's name, nor a password."""
    folder = os.path.dirname(os.path.abspath(sys.argv[0])) if sys.argv and sys.argv[0] else os.getcwd()

    def git(*args: str) -> str:
        done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, timeout=5, check=True)
        return done.stdout.strip()

    try:
        code: Dict[str, Any] = {"gitCommit": git("rev-parse", "HEAD"), "dirty": git("status", "--porcelain") != ""}
    except (OSError, subprocess.SubprocessError):
        return {}
    try:
        parts = urlsplit(git("config", "--get", "remote.origin.url"))
        if parts.hostname:
            host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
            code["repository"] = urlunsplit((parts.scheme, host, parts.path, "", ""))
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
    return code


def _from_environment() -> Optional[Emitter]:
    global _default
    if _default is None:
        url, key = os.environ.get("WHENCE_URL"), os.environ.get("WHENCE_KEY")
        if not url or not key:
            print("whence: nobody hears of this run: give an emitter, or set WHENCE_URL and WHENCE_KEY", file=sys.stderr)
            return None
        _default = Emitter(url, key, spool=os.environ.get("WHENCE_SPOOL"))
    return _default
