"""What was taken and is not sent yet: a moment in memory, then in the backlog, which is on disk where there is a lane.

Its numbers and counts go on in the next run.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from .accounts import read_accounts, write_accounts
from .backlog import Backlog, Segment
from .destination import destination_of_key
from .lane import release_lane, take_lane
from .problems import Problems
from .routes import Routes
from .segment import Item


class Spool:
    def __init__(
        self,
        path: Optional[str],
        *,
        spool_bytes: int,
        memory_bytes: int,
        records: int,
        size: int,
        every: float,
        routes: Routes,
        problems: Problems,
    ) -> None:
        self._memory_bytes, self._every = memory_bytes, every
        self._routes, self._problems = routes, problems
        #: Guards the backlog; whoever needs the lock of the routes too takes this one first.
        self._lock = threading.RLock()
        #: Something is fresh; something is to be sent.
        self.keep_now, self.send_now = threading.Event(), threading.Event()
        #: What an earlier run left is taken up; the spool is given back.
        self.recovered, self.over = threading.Event(), threading.Event()
        #: When what stands in the open segment is to be sent.
        self.due: Optional[float] = None
        self._fresh: List[Item] = []
        self._fresh_length = 0
        self._folder: Optional[str] = None
        #: The id of the emitter: the lane's, which keeps it from run to run.
        self.emitter = secrets.token_hex(8)
        if path is not None:
            try:
                self.emitter, self._folder = take_lane(path)
            except OSError as error:
                problems.tell(
                    "spool", f"the spool {path} cannot be used, so that records are kept in memory only: {error}"
                )
        self._backlog = Backlog(self._folder, spool_bytes, memory_bytes, records, size, self._disk_failed)
        self._pending: Dict[str, int] = {}
        self._settled: Dict[str, int] = {}
        if self._folder is not None:
            self._take_up(self._folder)

    @property
    def bytes(self) -> int:
        """On disk."""
        return self._backlog.disk

    @property
    def is_empty(self) -> bool:
        with self._lock:
            return self._backlog.is_empty

    def has_room(self, length: int) -> bool:
        """Whether so many characters more may wait until they are stored. The lock of the routes is held."""
        return self._fresh_length + length <= self._memory_bytes

    def add(self, item: Item) -> None:
        """The lock of the routes is held."""
        self._fresh.append(item)
        self._fresh_length += len(item[2])

    def recover(self) -> None:
        """Takes up what an earlier run left, once."""
        if not self.recovered.is_set():
            with self._lock:
                if not self.recovered.is_set():
                    self._recover_once()

    def store(self) -> None:
        """Puts what is fresh into the backlog. Never raises."""
        try:
            self.recover()
            with self._lock:
                self.keep_now.clear()
                with self._routes.lock:
                    items, self._fresh, self._fresh_length = self._fresh, [], 0
                if not items:
                    return
                self._reserve(items)
                rejected = self._backlog.append(items)
                full = self._backlog.is_full
            with self._routes.lock:
                for to, _, _ in rejected:
                    self._drop(to, "spool_full")
            if full:
                self.send_now.set()
            elif self.due is None:
                self.due = time.monotonic() + self._every
        except Exception as error:
            self._problems.tell("spool", f"records could not be kept: {error}")

    def first(self) -> Optional[Tuple[Segment, Sequence[Item]]]:
        """The oldest segment, closed, with its records; None when there is none."""
        with self._lock:
            segment = self._backlog.first()
            if segment is None:
                return None
            try:
                return segment, self._backlog.items(segment)
            except OSError as error:
                self._problems.tell("spool", f"a segment of the spool is gone: {error}")
                return segment, []

    def settle(self, segment: Segment, count: Callable[[], None]) -> bool:
        """Every record of a segment has its answer, of which `count` tells the accounts: they are kept, then it goes.

        False: the spool was given back meanwhile, and nothing is settled.
        """
        with self._lock:
            if self.over.is_set():
                return False
            with self._routes.lock:
                count()
            self._save()
            self._backlog.remove(segment)
        return True

    def touch(self) -> None:
        """Says that this process lives, to machines that cannot see it."""
        try:
            if self._folder is not None:
                os.utime(self._folder)
        except OSError:
            pass

    def leave(self) -> None:
        """Whatever is unsent goes into the spool, and the spool is given back."""
        self.over.set()
        self.keep_now.set()
        self.send_now.set()
        self.store()
        with self._lock:
            lost = self._backlog.keep()
        with self._routes.lock:
            for to, _, _ in lost:
                self._drop(to, "unsent")
            accounts = self._routes.accounts.values()
            for account in accounts:
                account.count["reserved"] = account.count["n"]
            saved = {account.stream: account.saved() for account in accounts}
        if lost:
            self._problems.tell("unsent", f"{len(lost)} records were not sent, and there is no spool that keeps them")
        if self._folder is None:
            return
        try:
            write_accounts(self._folder, saved)
            release_lane(self._folder)
        except OSError as error:
            self._problems.tell("spool", f"the spool could not be closed: {error}")

    def _take_up(self, folder: str) -> None:
        saved, lost = read_accounts(folder)
        if lost:
            self._problems.tell("accounts", "the accounts of the spool are lost: its numbers go on after a gap")
        for account in saved:
            # Of a lane that was closed in good order both are the same.
            account.count["n"] = max(account.count["n"], account.count["reserved"])
            self._routes.accounts[account.stream] = account
            self._pending[account.stream] = account.waiting
            self._settled[account.stream] = account.count["answered"]

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
                self._problems.tell(
                    "damaged", f"{damaged} records of the spool are damaged and were not sent; their numbers are missing"
                )

        try:
            self._backlog.recover(each)
            waiting = not self._backlog.is_empty
            # Numbers that were set aside, and of which no record is here.
            with self._routes.lock:
                for stream, rest in self._pending.items():
                    self._routes.accounts[stream].count["unknown"] += max(0, rest)
            if waiting:
                self.send_now.set()
        except OSError as error:
            self._problems.tell("spool", f"what an earlier run left in the spool cannot be read: {error}")
        finally:
            self.recovered.set()

    def _reserve(self, items: Sequence[Item]) -> None:
        """No number is on disk that a later run would give again."""
        if self._folder is None:
            return
        short = False
        for to, n, _ in items:
            route = self._routes.of_key(to)
            if route is not None and n > route.account.count["reserved"]:
                route.account.count["reserved"] = n + max(256, len(items))
                short = True
        if short:
            self._save()

    def _save(self) -> None:
        if self._folder is None or self.over.is_set():
            return
        with self._routes.lock:
            saved = {account.stream: account.saved() for account in self._routes.accounts.values()}
        try:
            write_accounts(self._folder, saved)
        except OSError as error:
            self._problems.tell("spool", f"the accounts of the spool cannot be written: {error}")

    def _drop(self, key: str, why: str) -> None:
        """The lock of the routes is held."""
        route = self._routes.known(key)
        if route is not None:
            route.account.drop(why, numbered=True)

    def _disk_failed(self, error: Optional[OSError]) -> None:
        if error is None:
            self._problems.over("spool")
        else:
            self._problems.tell("spool", f"the spool cannot be written, so that records wait in memory: {error}")
