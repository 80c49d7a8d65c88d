"""The emitter. `emit` turns a record into text and gives it a number; everything else happens in threads of its own:

the spool keeps it, the courier sends it.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import sys
import threading
import time
import weakref
from typing import Any, Callable, Dict, List, Mapping, Optional

from .courier import Courier
from .delivery import Door, Refusal
from .destination import Target, key_of
from .plain import encode
from .problems import Problems
from .routes import Routes
from .spool import Spool

_LARGEST = 8 * 1024 * 1024


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
        self._path = None if spool is None else os.fspath(spool)
        self._rates, self._ids = dict(rates or {}), dict(ids or {})
        self._records, self._size, self._every, self._keep_every = records, size, every, keep_every
        self._report_every, self._spool_bytes, self._memory_bytes = report_every, spool_bytes, memory_bytes
        self._gzip, self._timeout = gzip, timeout
        self._first_wait, self._longest_wait, self._close_within = first_wait, longest_wait, close_within
        self._on_problem = on_problem or (lambda _, message: print(f"whence emitter: {message}", file=sys.stderr))
        self._on_refused = on_refused
        self._begin()
        _emitters.add(self)

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
            self._problems.tell("emit", f"a record was not taken: {error}")
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
        with self._routes.lock:
            streams = {
                account.stream: {**account.emission(), "quarantined": account.count["quarantined"]}
                for account in self._routes.accounts.values()
            }
        stats: Dict[str, Any] = {"emitter": self.emitter, "streams": streams, "spooled": self._spool.bytes}
        if self._courier.stopped is not None:
            stats["stopped"] = self._courier.stopped
        return stats

    def flush(self, timeout: float = 10.0) -> Dict[str, Any]:
        """Sends what waits; returns when nothing waits any more, or nothing can be sent, or the time is over."""
        self._ready()
        until = time.monotonic() + timeout
        try:
            self._spool.recovered.wait(timeout)
            while time.monotonic() < until:
                self._spool.store()
                if self._spool.is_empty or self._courier.stopped is not None:
                    break
                self._start()
                self._spool.send_now.set()
                with self._courier.sent:
                    self._courier.sent.wait(min(0.05, max(0.0, until - time.monotonic())))
        except Exception as error:
            self._problems.tell("flush", f"what waits could not be sent: {error}")
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
            self._spool.leave()
        return self.stats()

    def __enter__(self) -> "Emitter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- The caller's path -----------------------------------------------------------------------------------------

    def _take(self, target: Target, record: Mapping[str, Any]) -> bool:
        route = self._routes.of(target)
        if route is None:
            self._problems.tell("target", "a record has no place to go: name a stream, a model, or {'runs': True}")
            return False
        destination, account, rate, id = route
        if rate < 1 and random.random() >= rate:
            with self._routes.lock:
                account.count["sampledOut"] += 1
            return False
        text, why = None, "no_json"
        if self._closed:
            why = "closed"
        else:
            try:
                text = encode(record)
                if text[0] != "{":
                    text = None
                elif len(text) > _LARGEST:
                    text, why = None, "too_large"
                else:
                    text.isascii() or text.encode("utf-8")  # Half a character is none.
            except Exception:
                text = None
        with self._routes.lock:
            if text is None:
                account.drop(why, numbered=False)
                return False
            account.count["n"] += 1
            n = account.count["n"]
            if not self._spool.has_room(len(text)):
                account.drop("memory_full", numbered=True)
                return False
            if id is not None and record.get(id) is None and id not in record:
                rest = "}" if text == "{}" else "," + text[1:]
                text = f'{{{json.dumps(id)}:"{self.emitter}-{n}"{rest}'
            self._spool.add((destination.key, n, text))
        if not self._spool.keep_now.is_set():
            self._spool.keep_now.set()
            self._start()
        return True

    # --- Beginnings and ends ---------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Everything of one process: after a fork the child has its own."""
        self._starting = threading.Lock()
        self._threads: List[threading.Thread] = []
        self._closed = False
        self._reported = ""
        self._problems = Problems(self._on_problem)
        self._routes = Routes(self._rates, self._ids)
        self._forked = False
        self._spool = Spool(
            self._path,
            spool_bytes=self._spool_bytes,
            memory_bytes=self._memory_bytes,
            records=self._records,
            size=self._size,
            every=self._every,
            routes=self._routes,
            problems=self._problems,
        )
        self.emitter = self._spool.emitter
        self._door = Door(self._url, self._key, self.emitter, self._gzip, self._timeout)
        self._courier = Courier(
            door=self._door,
            spool=self._spool,
            routes=self._routes,
            problems=self._problems,
            first_wait=self._first_wait,
            longest_wait=self._longest_wait,
            on_refused=self._on_refused,
        )
        self._start()

    def _start(self) -> None:
        if self._spool.over.is_set() or all(map(threading.Thread.is_alive, self._threads)) and self._threads:
            return
        with self._starting:
            if self._threads:
                return
            threads = [
                threading.Thread(target=self._keep_on, name="whence-keep", daemon=True),
                threading.Thread(target=self._courier.run, name="whence-send", daemon=True),
            ]
            try:
                for thread in threads:
                    thread.start()
                self._threads = threads
            except RuntimeError:
                # The interpreter is ending: `close` does what is left by itself.
                self._spool.recover()

    def _ready(self) -> None:
        if self._forked:
            self._begin()

    def _after_fork(self) -> None:
        """In the child: the parent's records, threads and lane are the parent's."""
        if not self._closed:
            self._forked = True

    def _keep_on(self) -> None:
        """The thread that keeps: into the spool, and when a batch is due, on its way; and reports."""
        spool = self._spool
        spool.recover()
        next_report = time.monotonic() + self._report_every
        while not spool.over.is_set():
            wait = max(0.0, next_report - time.monotonic())
            if spool.due is not None:
                wait = min(wait, max(0.0, spool.due - time.monotonic()))
            if spool.keep_now.wait(wait):
                time.sleep(self._keep_every)
                spool.store()
            now = time.monotonic()
            if spool.due is not None and now >= spool.due:
                spool.due = None
                spool.send_now.set()
            if now >= next_report:
                next_report = now + self._report_every
                spool.touch()
                self._report(self._timeout)

    def _report(self, timeout: float) -> None:
        """Tells the server what was lost; when that fails, the next report says it all again."""
        with self._routes.lock:
            accounts = self._routes.accounts.values()
            emissions = [account.emission() for account in accounts if account.emitted > 0]
        body = key_of({"emissions": emissions})
        if not emissions or body == self._reported or self._courier.stopped is not None:
            return
        try:
            status, _, _ = self._door.post(f"/v1/emitters/{self.emitter}/reports", "application/json", body, timeout)
            if 200 <= status < 300:
                self._reported = body
        except Exception:
            pass


_emitters: "weakref.WeakSet[Emitter]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for emitter in list(_emitters):
        if not emitter._forked:
            emitter.close()


def _forked() -> None:
    for emitter in list(_emitters):
        emitter._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
