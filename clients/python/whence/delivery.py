"""One request: how it is made, and what its answer means for each record."""

from __future__ import annotations

import gzip
import json
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from .destination import Destination
from .segment import Item

#: Below this, compressing costs more than it saves.
WORTH_COMPRESSING = 1024
LONGEST_WAIT = 300.0
#: Refusals of single records that the server may take back by itself.
PASSING = {"overloaded", "unavailable", "disk_full", "internal"}


class Refusal(NamedTuple):
    """A record that the server has refused for good."""

    stream: str
    n: int
    record: str
    code: str
    message: str


class Tally:
    """What became of the records of one request."""

    def __init__(self) -> None:
        self.recorded = self.quarantined = self.duplicate = self.conflict = 0
        self.refusals: List[Refusal] = []


class Answered(NamedTuple):
    tally: Tally
    again: List[Item]


class Later(NamedTuple):
    """Nothing is known to be accepted: the same once more, not before `after` seconds."""

    after: float
    code: str
    message: str


class Refused(NamedTuple):
    """It was refused as a whole; of more than one record each is to be tried by itself."""

    code: str
    message: str
    divisible: bool


class Stopped(NamedTuple):
    """Nothing will ever be accepted with this key."""

    code: str
    message: str


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:  # type: ignore[override]
        return None


class Door:
    """The server, as far as an emitter knows it."""

    def __init__(self, url: str, key: str, emitter: str, compress: bool, timeout: float) -> None:
        self._url = url
        self._key = key
        self.emitter = emitter
        self._compress = compress
        self._timeout = timeout
        self._opener = build_opener(_NoRedirects)

    def post(self, path: str, type: str, body: str, timeout: Optional[float] = None) -> Tuple[int, Mapping[str, str], str]:
        """Any answer is one, whatever its status; raises OSError or HTTPException where none came."""
        data = body.encode("utf-8")
        headers = {"accept": "application/json", "authorization": f"Bearer {self._key}", "content-type": type}
        if self._compress and len(data) >= WORTH_COMPRESSING:
            headers["content-encoding"] = "gzip"
            data = gzip.compress(data, 1)
        request = Request(self._url + path, data=data, headers=headers, method="POST")
        try:
            with self._opener.open(request, timeout=timeout or self._timeout) as response:
                return response.status, response.headers, response.read().decode("utf-8", "replace")
        except HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode("utf-8", "replace")

    def deliver(self, destination: Destination, items: Sequence[Item]) -> "Answered | Later | Refused | Stopped":
        try:
            status, headers, text = self.post(
                destination.path(self.emitter, numbers_of(items)),
                destination.type,
                destination.body([text for _, _, text in items]),
            )
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            return Later(0.0, "unreachable", str(reason) or type(error).__name__)
        after = retry_after(headers)
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if 200 <= status < 300:
            answered = _read(destination, value, items)
            if answered is not None:
                return answered
            message = f"{self._url} does not answer as a Whence server does: {text[:100]}"
            return Later(after, "unexpected_answer", message)
        problem = value.get("error") if isinstance(value, dict) else None
        problem = problem if isinstance(problem, dict) else {}
        code, message = str(problem.get("code", f"http_{status}")), str(problem.get("message", f"status {status}"))
        if status in (401, 403):
            return Stopped(code, message)
        if status >= 500 or status < 400 or status in (408, 425, 429):
            return Later(after, code, message)
        return Refused(code, message, status not in (404, 405))


def numbers_of(items: Sequence[Item]) -> str:
    """`7-9,12`: the numbers of these records, which rise."""
    ranges: List[List[int]] = []
    for _, n, _ in items:
        if ranges and ranges[-1][1] == n - 1:
            ranges[-1][1] = n
        else:
            ranges.append([n, n])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _read(destination: Destination, value: Any, items: Sequence[Item]) -> Optional[Answered]:
    if not isinstance(value, dict):
        return None
    tally = Tally()
    again: List[Item] = []
    results = value.get("results")
    if not isinstance(results, list):
        # One record, one receipt.
        receipt = value.get("receipt")
        if len(items) != 1 or not isinstance(receipt, dict):
            return None
        if receipt.get("status") == "duplicate":
            tally.duplicate = 1
        else:
            tally.recorded = 1
        return Answered(tally, again)
    accounting = value.get("accounting")
    counts = accounting if isinstance(accounting, dict) else value

    def count(name: str) -> int:
        number = counts.get(name)
        return number if isinstance(number, int) else 0

    tally.duplicate, tally.conflict, tally.quarantined = count("duplicate"), count("conflict"), count("quarantined")
    tally.recorded = sum(map(count, ("recorded", "passed", "flagged", "quarantined", "dropped")))
    for i, result in enumerate(results):
        if not isinstance(result, dict) or result.get("status") != "refused":
            continue
        line = result.get("line")
        index = line - 1 if isinstance(line, int) else i
        if not 0 <= index < len(items):
            return None
        problem = result.get("problem") if isinstance(result.get("problem"), dict) else {}
        code, message = str(problem.get("code", "refused")), str(problem.get("message", ""))
        if code in PASSING:
            again.append(items[index])
        else:
            _, n, record = items[index]
            tally.refusals.append(Refusal(destination.stream, n, record, code, message))
    total = tally.recorded + tally.duplicate + tally.conflict + len(tally.refusals) + len(again)
    return Answered(tally, again) if total == len(items) else None


def retry_after(headers: Mapping[str, str]) -> float:
    """RFC 9110, section 10.2.3: seconds, or a date, which is read against the server's own clock."""
    given = headers.get("retry-after")
    if given is None:
        return 0.0
    try:
        if given.strip().isdigit():
            seconds = float(given)
        else:
            seconds = (parsedate_to_datetime(given) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (TypeError, ValueError, IndexError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)
