"""The emitter. `emit` turns a record into text and gives it a number; everything else happens in threads of its own."""

from __future__ import annotations

import atexit
import json
import os
import random
import secrets
import sys
import threading
import time
import weakref
from datetime import date, datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple
from uuid import UUID

from .accounts import Account, read_accounts, write_accounts
from .backlog import Backlog, Segment
from .delivery import Answered, Door, Later, Refusal, Refused, Stopped, Tally
from .destination import Destination, Target, destination_of, destination_of_key, key_of
from .lane import release_lane, take_lane
from .segment import Item

_MOST_STRETCHES = 200
_MOST_BYTES = 1024 * 1024
_LARGEST = 8 * 1024 * 1024

#: A destination, its account, the share that is sent, and the field of the id.
_Route = Tuple[Destination, Account, float, Optional[str]]


class Emitter:
    """Emits records without holding up the caller: `emit` never raises and never waits.

    Records are batched, compressed, kept in `spool` until the server has acknowledged them, and sent again with back-off
    while it is away. A repeat is recognised by the server. What is lost is counted, and told: see `stats`.

    Without a `spool` everything is kept in memory, and lost with the process. One folder may serve many processes.
    After a fork the child begins with an emitter of its own in the same spool.

    Args:
        url: Where the server listens.
        key: An API key with the scope `ingest`; what is emitted is recorded under the key's source.
        spool: A folder that keeps what is unsent.
        rates: By stream (`whence.predictions` too) the share that is sent, between 0 and 1.
        ids: By stream the field that gets an id where a record has none; predictions and runs have theirs.
        records, size, every: A batch goes when it has so many records, so many bytes, or is so many seconds old.
        keep_every: What was emitted is in the spool after so many seconds.
        report_every: Losses are told to the server so often, in seconds.
        spool_bytes, memory_bytes: Room; beyond it the newest records are dropped, and counted.
        first_wait, longest_wait: Between tries, in seconds.
        close_within: How long the end of the program is put off to send what is left, in seconds.
        on_problem: Hears of each kind of problem once, until it is over; default: a line on stderr.
        on_refused: Gets each record that the server has refused for good.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        spool: "Optional[str | os.PathLike[str]]" = None,
        rates: Optional[Mapping[str, float]] = None,
        ids: Optional[Mapping[str, str]] = None,
        records: int = 500,
        size: int = 256 * 1024,
        every: float = 0.2,
        keep_every: float = 0.02,
        report_every: float = 60.0,
        spool_bytes: int = 256 * 1024 * 1024,
        memory_bytes: int = 32 * 1024 * 1024,
        gzip: bool = True,
        timeout: float = 30.0,
        first_wait: float = 0.25,
        longest_wait: float = 30.0,
        close_within: float = 5.0,
        on_problem: Optional[Callable[[str, str], None]] = None,
        on_refused: Optional[Callable[[Refusal], None]] = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f'"{url}" is no URL: give the address of the server.')
        if not key:
            raise ValueError('An emitter needs a key: give one with the scope "ingest".')
        for stream, rate in (rates or {}).items():
            if not 0 <= rate <= 1:
                raise ValueError(f"The rate of {stream} is {rate}: it lies between 0 and 1.")
        self._url, self._key = url.rstrip("/"), key
        self._spool = None if spool is None else os.fspath(spool)
        self._rates, self._ids = dict(rates or {}), dict(ids or {})
        self._records, self._size, self._every, self._keep_every = records, size, every, keep_every
        self._report_every, self._spool_bytes, self._memory_bytes = report_every, spool_bytes, memory_bytes
        self._gzip, self._timeout = gzip, timeout
        self._first_wait, self._longest_wait, self._close_within = first_wait, longest_wait, close_within
        self._on_problem = on_problem or (lambda _, message: print(f"whence emitter: {message}", file=sys.stderr))
        self._on_refused = on_refused
        self._begin()
        _watch(self)

    # --- What a caller does ----------------------------------------------------------------------------------------

    def emit(self, target: Target, record: Mapping[str, Any]) -> bool:
        """Takes a record. It is JSON when this returns, so that it may be changed afterwards.

        False says that it was not taken, and `stats` why. Times, dates, UUIDs and the scalars of NumPy are written as
        JSON has them; NaN is none: leave it out, or say None.
        """
        try:
            self._ready()
            return self._take(target, record)
        except Exception as error:  # Whoever emits has better things to do.
            self._problem("emit", f"a record was not taken: {error}")
            return False

    def predict(
        self,
        model: str,
        prediction: Mapping[str, Any],
        *,
        snapshot: Optional[int] = None,
        consequential: Optional[bool] = None,
    ) -> bool:
        """Takes a prediction of a model version, `name@version`."""
        target: Dict[str, Any] = {"model": model}
        if snapshot is not None:
            target["snapshot"] = snapshot
        if consequential is not None:
            target["consequential"] = consequential
        return self.emit(target, prediction)

    def stats(self) -> Dict[str, Any]:
        """What became of everything so far, stream by stream, and what is in the spool, in bytes."""
        self._ready()
        with self._lock:
            streams = {
                account.stream: {**account.emission(), "quarantined": account.count["quarantined"]}
                for account in self._accounts.values()
            }
        stats: Dict[str, Any] = {"emitter": self.emitter, "streams": streams, "spooled": self._backlog.disk}
        if self._stopped is not None:
            stats["stopped"] = self._stopped
        return stats

    def flush(self, timeout: float = 10.0) -> Dict[str, Any]:
        """Sends what waits; returns when nothing waits any more, or nothing can be sent, or the time is over."""
        self._ready()
        until = time.monotonic() + timeout
        try:
            self._recovered.wait(timeout)
            while time.monotonic() < until:
                self._store()
                with self._backlog_lock:
                    empty = self._backlog.is_empty
                if empty or self._stopped is not None:
                    break
                self._start()
                self._send_now.set()
                with self._sent:
                    self._sent.wait(min(0.05, max(0.0, until - time.monotonic())))
        except Exception as error:
            self._problem("flush", f"what waits could not be sent: {error}")
        return self.stats()

    def close(self, timeout: Optional[float] = None) -> Dict[str, Any]:
        """As `flush`; then takes nothing more, keeps what is unsent in the spool, and gives the spool back."""
        self._ready()
        if self._closed:
            return self.stats()
        self._closed = True
        until = time.monotonic() + (self._close_within if timeout is None else timeout)
        try:
            self.flush(max(0.0, until - time.monotonic()))
            self._report(max(0.1, until - time.monotonic()))
        finally:
            self._leave()
        return self.stats()

    def __enter__(self) -> "Emitter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- The caller's path -----------------------------------------------------------------------------------------

    def _take(self, target: Target, record: Mapping[str, Any]) -> bool:
        route = self._route(target)
        if route is None:
            self._problem("target", "a record has no place to go: name a stream, a model, or {'runs': True}")
            return False
        destination, account, rate, id = route
        if rate < 1 and random.random() >= rate:
            with self._lock:
                account.count["sampledOut"] += 1
            return False
        text, why = None, "no_json"
        if self._closed:
            why = "closed"
        else:
            try:
                text = _encode(record)
                if text[0] != "{":
                    text = None
                elif len(text) > _LARGEST:
                    text, why = None, "too_large"
                else:
                    text.isascii() or text.encode("utf-8")  # Half a character is none.
            except Exception:
                text = None
        with self._lock:
            if text is None:
                account.drop(why, numbered=False)
                return False
            account.count["n"] += 1
            n = account.count["n"]
            if self._fresh_length + len(text) > self._memory_bytes:
                account.drop("memory_full", numbered=True)
                return False
            if id is not None and record.get(id) is None and id not in record:
                rest = "}" if text == "{}" else "," + text[1:]
                text = f'{{{json.dumps(id)}:"{self.emitter}-{n}"{rest}'
            self._fresh.append((destination.key, n, text))
            self._fresh_length += len(text)
        if not self._keep_now.is_set():
            self._keep_now.set()
            self._start()
        return True

    def _route(self, target: Target) -> Optional[_Route]:
        if isinstance(target, str):
            route = self._streams.get(target)
            if route is not None:
                return route
        destination = destination_of(target)
        if destination is None:
            return None
        route = self._route_of(destination)
        if isinstance(target, str):
            self._streams[target] = route
        return route

    def _route_of(self, destination: Destination) -> _Route:
        route = self._routes.get(destination.key)
        if route is None:
            stream = destination.stream
            with self._lock:
                account = self._accounts.setdefault(stream, Account(stream))
            route = (destination, account, self._rates.get(stream, 1.0), self._ids.get(stream, destination.id))
            self._routes[destination.key] = route
        return route

    def _route_of_key(self, key: str) -> Optional[_Route]:
        route = self._routes.get(key)
        if route is not None:
            return route
        destination = destination_of_key(key)
        return None if destination is None else self._route_of(destination)

    # --- Beginnings and ends ---------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Everything of one process: after a fork the child has its own."""
        self._lock = threading.Lock()
        self._backlog_lock = threading.RLock()
        self._starting = threading.Lock()
        self._keep_now, self._send_now = threading.Event(), threading.Event()
        self._recovered, self._over = threading.Event(), threading.Event()
        self._sent = threading.Condition()
        self._fresh: List[Item] = []
        self._fresh_length = 0
        self._accounts: Dict[str, Account] = {}
        self._routes: Dict[str, _Route] = {}
        self._streams: Dict[str, _Route] = {}
        self._told: set[str] = set()
        self._stopped: Optional[str] = None
        self._closed = False
        self._due: Optional[float] = None
        self._reported = ""
        self._threads: List[threading.Thread] = []
        self._folder: Optional[str] = None
        self.emitter = secrets.token_hex(8)
        if self._spool is not None:
            try:
                self.emitter, self._folder = take_lane(self._spool)
            except OSError as error:
                self._problem(
                    "spool", f"the spool {self._spool} cannot be used, so that records are kept in memory only: {error}"
                )
        self._backlog = Backlog(
            self._folder, self._spool_bytes, self._memory_bytes, self._records, self._size, self._disk_failed
        )
        self._door = Door(self._url, self._key, self.emitter, self._gzip, self._timeout)
        self._pending: Dict[str, int] = {}
        self._settled: Dict[str, int] = {}
        if self._folder is not None:
            saved, lost = read_accounts(self._folder)
            if lost:
                self._problem("accounts", "the accounts of the spool are lost: its numbers go on after a gap")
            for account in saved:
                # Of a lane that was closed in good order both are the same.
                account.count["n"] = max(account.count["n"], account.count["reserved"])
                self._accounts[account.stream] = account
                self._pending[account.stream] = account.waiting
                self._settled[account.stream] = account.count["answered"]
        self._start()

    def _start(self) -> None:
        if self._over.is_set() or all(map(threading.Thread.is_alive, self._threads)) and self._threads:
            return
        with self._starting:
            if self._threads:
                return
            threads = [
                threading.Thread(target=self._keep_on, name="whence-keep", daemon=True),
                threading.Thread(target=self._send_on, name="whence-send", daemon=True),
            ]
            try:
                for thread in threads:
                    thread.start()
                self._threads = threads
            except RuntimeError:
                # The interpreter is ending: `close` does what is left by itself.
                self._recover()

    def _recover(self) -> None:
        if not self._recovered.is_set():
            with self._backlog_lock:
                if not self._recovered.is_set():
                    self._recover_once()

    def _recover_once(self) -> None:

        def each(items: Sequence[Item], damaged: int) -> None:
            for to, n, _ in items:
                destination = destination_of_key(to)
                stream = "" if destination is None else destination.stream
                if stream not in self._settled or n <= self._settled[stream]:
                    continue
                self._settled[stream] = n
                self._pending[stream] -= 1
            if damaged:
                self._problem(
                    "damaged", f"{damaged} records of the spool are damaged and were not sent; their numbers are missing"
                )

        try:
            self._backlog.recover(each)
            waiting = not self._backlog.is_empty
            # Numbers that were set aside, and of which no record is here.
            with self._lock:
                for stream, rest in self._pending.items():
                    self._accounts[stream].count["unknown"] += max(0, rest)
            if waiting:
                self._send_now.set()
        except OSError as error:
            self._problem("spool", f"what an earlier run left in the spool cannot be read: {error}")
        finally:
            self._recovered.set()

    def _leave(self) -> None:
        """Whatever is unsent goes into the spool, and the spool is given back."""
        self._over.set()
        self._keep_now.set()
        self._send_now.set()
        self._store()
        with self._backlog_lock:
            lost = self._backlog.keep()
        with self._lock:
            for to, _, _ in lost:
                route = self._route_of_key_unlocked(to)
                if route is not None:
                    route[1].drop("unsent", numbered=True)
            for account in self._accounts.values():
                account.count["reserved"] = account.count["n"]
            saved = {account.stream: account.saved() for account in self._accounts.values()}
        if lost:
            self._problem("unsent", f"{len(lost)} records were not sent, and there is no spool that keeps them")
        if self._folder is None:
            return
        try:
            write_accounts(self._folder, saved)
            release_lane(self._folder)
        except OSError as error:
            self._problem("spool", f"the spool could not be closed: {error}")

    def _route_of_key_unlocked(self, key: str) -> Optional[_Route]:
        return self._routes.get(key)

    def _ready(self) -> None:
        if self._folder is _NOT_YET:
            self._begin()

    def _after_fork(self) -> None:
        """In the child: the parent's records, threads and lane are the parent's."""
        if not self._closed:
            self._folder = _NOT_YET

    # --- Into the spool --------------------------------------------------------------------------------------------

    def _keep_on(self) -> None:
        self._recover()
        next_report = time.monotonic() + self._report_every
        while not self._over.is_set():
            wait = max(0.0, next_report - time.monotonic())
            if self._due is not None:
                wait = min(wait, max(0.0, self._due - time.monotonic()))
            if self._keep_now.wait(wait):
                time.sleep(self._keep_every)
                self._store()
            now = time.monotonic()
            if self._due is not None and now >= self._due:
                self._due = None
                self._send_now.set()
            if now >= next_report:
                next_report = now + self._report_every
                self._touch()
                self._report(self._timeout)

    def _store(self) -> None:
        try:
            self._recover()
            with self._backlog_lock:
                self._keep_now.clear()
                with self._lock:
                    items, self._fresh, self._fresh_length = self._fresh, [], 0
                if not items:
                    return
                self._reserve(items)
                rejected = self._backlog.append(items)
                full = self._backlog.is_full
            with self._lock:
                for to, _, _ in rejected:
                    self._routes[to][1].drop("spool_full", numbered=True)
            if full:
                self._send_now.set()
            elif self._due is None:
                self._due = time.monotonic() + self._every
        except Exception as error:
            self._problem("spool", f"records could not be kept: {error}")

    def _reserve(self, items: Sequence[Item]) -> None:
        """No number is on disk that a later run would give again."""
        if self._folder is None:
            return
        short = False
        for to, n, _ in items:
            account = self._routes[to][1]
            if n > account.count["reserved"]:
                account.count["reserved"] = n + max(256, len(items))
                short = True
        if short:
            self._save()

    def _save(self) -> None:
        if self._folder is None or self._folder is _NOT_YET or self._over.is_set():
            return
        with self._lock:
            saved = {account.stream: account.saved() for account in self._accounts.values()}
        try:
            write_accounts(self._folder, saved)
        except OSError as error:
            self._problem("spool", f"the accounts of the spool cannot be written: {error}")

    def _touch(self) -> None:
        try:
            if self._folder is not None:
                os.utime(self._folder)
        except OSError:
            pass

    def _disk_failed(self, error: Optional[OSError]) -> None:
        if error is None:
            self._told.discard("spool")
        else:
            self._problem("spool", f"the spool cannot be written, so that records wait in memory: {error}")

    # --- On its way ------------------------------------------------------------------------------------------------

    def _send_on(self) -> None:
        self._recovered.wait()
        while not self._over.is_set():
            self._send_now.wait()
            self._send_now.clear()
            try:
                while not self._over.is_set() and self._stopped is None and self._send_segment():
                    pass
            except Exception as error:
                self._problem("delivery", f"a batch could not be sent: {error}")
                self._over.wait(self._first_wait)
                self._send_now.set()
            with self._sent:
                self._sent.notify_all()

    def _send_segment(self) -> bool:
        """Its accounts are settled at its end, all at once: after a crash it is sent again whole, and counted once."""
        with self._backlog_lock:
            segment = self._backlog.first()
            if segment is None:
                return False
            try:
                items: Sequence[Item] = self._backlog.items(segment)
            except OSError as error:
                self._problem("spool", f"a segment of the spool is gone: {error}")
                items = []
        highest: Dict[str, int] = {}
        groups: Dict[str, List[Item]] = {}
        for item in items:
            route = self._route_of_key(item[0])
            if route is None:
                continue
            stream = route[1].stream
            if item[1] <= max(route[1].count["answered"], highest.get(stream, 0)):
                continue
            highest[stream] = item[1]
            groups.setdefault(item[0], []).append(item)
        tallies: List[Tuple[Account, Tally]] = []
        for key, group in groups.items():
            destination, account, _, _ = self._routes[key]
            for batch in _batches(group, destination.most):
                if not self._send(destination, account, batch, tallies):
                    return False
        self._settle(segment, tallies, highest)
        return True

    def _send(
        self, destination: Destination, account: Account, first: List[Item], tallies: List[Tuple[Account, Tally]]
    ) -> bool:
        """True when each record has its final answer; False when the emitter stops before."""
        queue: List[List[Item]] = [first]
        attempt = 0
        while queue:
            if self._over.is_set():
                return False
            batch = queue[0]
            verdict = self._door.deliver(destination, batch)
            after = 0.0
            if isinstance(verdict, Stopped):
                self._stopped = verdict.message
                self._problem(
                    verdict.code,
                    f"{verdict.message}. Nothing more is sent; what is emitted is kept as far as it can be",
                )
                return False
            if isinstance(verdict, Answered):
                queue.pop(0)
                attempt = 0
                self._told.difference_update(("unreachable", "overloaded", "unavailable", "unexpected_answer"))
                tallies.append((account, verdict.tally))
                if not verdict.again:
                    continue
                queue.insert(0, verdict.again)
            elif isinstance(verdict, Refused):
                queue.pop(0)
                if len(batch) > 1 and verdict.divisible:
                    half = (len(batch) + 1) // 2
                    queue[0:0] = [batch[:half], batch[half:]]
                    continue
                tally = Tally()
                tally.refusals = [
                    Refusal(destination.stream, n, text, verdict.code, verdict.message) for _, n, text in batch
                ]
                tallies.append((account, tally))
                continue
            else:
                after = verdict.after
                self._problem(
                    verdict.code, f"{destination.stream} cannot be sent, and is tried again: {verdict.message}"
                )
            attempt += 1
            step = min(self._longest_wait, self._first_wait * 2 ** min(attempt - 1, 20))
            # Between half and all of it: emitters that failed together do not come back together.
            wait = max(step * (0.5 + random.random() / 2), after * (1 + random.random() / 10))
            if self._over.wait(wait):
                return False
        return True

    def _settle(self, segment: Segment, tallies: Sequence[Tuple[Account, Tally]], highest: Mapping[str, int]) -> None:
        refusals: List[Refusal] = []
        with self._backlog_lock:
            if self._over.is_set():
                return
            with self._lock:
                for account, tally in tallies:
                    count = account.count
                    count["recorded"] += tally.recorded
                    count["quarantined"] += tally.quarantined
                    count["duplicate"] += tally.duplicate
                    count["conflict"] += tally.conflict
                    count["refused"] += len(tally.refusals)
                    for refusal in tally.refusals:
                        account.because(refusal.code)
                    refusals.extend(tally.refusals)
                for stream, n in highest.items():
                    self._accounts[stream].count["answered"] = n
            self._save()
            self._backlog.remove(segment)
        for refusal in refusals:
            self._problem(f"refused.{refusal.code}", f"{refusal.stream} refused a record: {refusal.message}")
            if self._on_refused is not None:
                try:
                    self._on_refused(refusal)
                except Exception:
                    pass

    def _report(self, timeout: float) -> None:
        """Tells the server what was lost; when that fails, the next report says it all again."""
        with self._lock:
            emissions = [account.emission() for account in self._accounts.values() if account.emitted > 0]
        body = key_of({"emissions": emissions})
        if not emissions or body == self._reported or self._stopped is not None:
            return
        try:
            status, _, _ = self._door.post(f"/v1/emitters/{self.emitter}/reports", "application/json", body, timeout)
            if 200 <= status < 300:
                self._reported = body
        except Exception:
            pass

    def _problem(self, code: str, message: str) -> None:
        """Each problem is told once, until it is over."""
        if code in self._told:
            return
        self._told.add(code)
        try:
            self._on_problem(code, message)
        except Exception:
            pass


#: Stands for the folder of an emitter that came through a fork and was not used since.
_NOT_YET: Any = "\0"


def _batches(items: Sequence[Item], most: int) -> List[List[Item]]:
    batches: List[List[Item]] = []
    size = stretches = last = 0
    for item in items:
        stretch = 0 if item[1] == last + 1 else 1
        last = item[1]
        if (
            not batches
            or len(batches[-1]) == most
            or size + len(item[2]) > _MOST_BYTES
            or stretches + stretch > _MOST_STRETCHES
        ):
            batches.append([])
            size, stretches = 0, 1
        else:
            stretches += stretch
        batches[-1].append(item)
        size += len(item[2])
    return batches


def _plain(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    item = getattr(value, "item", None)  # The scalars of NumPy.
    if callable(item) and getattr(value, "shape", None) == ():
        return item()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode

_emitters: "weakref.WeakSet[Emitter]" = weakref.WeakSet()


def _watch(emitter: Emitter) -> None:
    _emitters.add(emitter)


@atexit.register
def _close_all() -> None:
    for emitter in list(_emitters):
        if emitter._folder is not _NOT_YET:
            emitter.close()


def _forked() -> None:
    for emitter in list(_emitters):
        emitter._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
