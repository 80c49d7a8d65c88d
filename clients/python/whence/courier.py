"""The way of the records to the server: segment by segment, oldest first, each record until its answer is final."""

from __future__ import annotations

import random
import threading
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from .accounts import Account
from .backlog import Segment
from .delivery import Answered, Door, Refusal, Refused, Stopped, Tally
from .destination import Destination
from .problems import Problems
from .routes import Route, Routes
from .segment import Item
from .spool import Spool

#: Where the records of one request may come from: how many stretches of numbers its address names.
_MOST_STRETCHES = 200
_MOST_BYTES = 1024 * 1024


class Courier:
    def __init__(
        self,
        *,
        door: Door,
        spool: Spool,
        routes: Routes,
        problems: Problems,
        first_wait: float,
        longest_wait: float,
        on_refused: Optional[Callable[[Refusal], None]],
    ) -> None:
        self._door, self._spool, self._routes, self._problems = door, spool, routes, problems
        self._first_wait, self._longest_wait, self._on_refused = first_wait, longest_wait, on_refused
        #: Why nothing is sent any more: the key is not good.
        self.stopped: Optional[str] = None
        #: Hears of each end of a delivery.
        self.sent = threading.Condition()

    def run(self) -> None:
        """The thread that sends; ends when the spool is given back."""
        spool = self._spool
        spool.recovered.wait()
        while not spool.over.is_set():
            spool.send_now.wait()
            spool.send_now.clear()
            try:
                while not spool.over.is_set() and self.stopped is None and self._send_segment():
                    pass
            except Exception as error:
                self._problems.tell("delivery", f"a batch could not be sent: {error}")
                spool.over.wait(self._first_wait)
                spool.send_now.set()
            with self.sent:
                self.sent.notify_all()

    def _send_segment(self) -> bool:
        """Its accounts are settled at its end, all at once: after a crash it is sent again whole, and counted once."""
        found = self._spool.first()
        if found is None:
            return False
        segment, items = found
        highest: Dict[str, int] = {}
        groups: Dict[str, Tuple[Route, List[Item]]] = {}
        for item in items:
            route = self._routes.of_key(item[0])
            if route is None:
                continue
            stream = route.account.stream
            if item[1] <= max(route.account.count["answered"], highest.get(stream, 0)):
                continue
            highest[stream] = item[1]
            groups.setdefault(item[0], (route, []))[1].append(item)
        tallies: List[Tuple[Account, Tally]] = []
        for route, group in groups.values():
            for batch in _batches(group, route.destination.most):
                if not self._send(route.destination, route.account, batch, tallies):
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
            if self._spool.over.is_set():
                return False
            batch = queue[0]
            verdict = self._door.deliver(destination, batch)
            after = 0.0
            if isinstance(verdict, Stopped):
                self.stopped = verdict.message
                self._problems.tell(
                    verdict.code,
                    f"{verdict.message}. Nothing more is sent; what is emitted is kept as far as it can be",
                )
                return False
            if isinstance(verdict, Answered):
                queue.pop(0)
                attempt = 0
                self._problems.over("unreachable", "overloaded", "unavailable", "unexpected_answer")
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
                self._problems.tell(
                    verdict.code, f"{destination.stream} cannot be sent, and is tried again: {verdict.message}"
                )
            attempt += 1
            if not self._back_off(attempt, after):
                return False
        return True

    def _back_off(self, attempt: int, at_least: float) -> bool:
        """False when the emitter stops while it waits."""
        step = min(self._longest_wait, self._first_wait * 2 ** min(attempt - 1, 20))
        # Between half and all of it: emitters that failed together do not come back together.
        wait = max(step * (0.5 + random.random() / 2), at_least * (1 + random.random() / 10))
        return not self._spool.over.wait(wait)

    def _settle(self, segment: Segment, tallies: Sequence[Tuple[Account, Tally]], highest: Mapping[str, int]) -> None:
        def count() -> None:
            for account, tally in tallies:
                count = account.count
                count["recorded"] += tally.recorded
                count["quarantined"] += tally.quarantined
                count["duplicate"] += tally.duplicate
                count["conflict"] += tally.conflict
                count["refused"] += len(tally.refusals)
                for refusal in tally.refusals:
                    account.because(refusal.code)
            for stream, n in highest.items():
                self._routes.accounts[stream].count["answered"] = n

        if not self._spool.settle(segment, count):
            return
        for _, tally in tallies:
            for refusal in tally.refusals:
                self._problems.tell(
                    f"refused.{refusal.code}", f"{refusal.stream} refused a record: {refusal.message}"
                )
                if self._on_refused is not None:
                    try:
                        self._on_refused(refusal)
                    except Exception:
                        pass


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
