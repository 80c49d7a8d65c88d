"""Where records go, each place with the account that is kept of it."""

from __future__ import annotations

import threading
from typing import Dict, Mapping, NamedTuple, Optional

from .accounts import Account
from .destination import Destination, Target, destination_of, destination_of_key


class Route(NamedTuple):
    """A destination, its account, the share that is sent, and the field of the id."""

    destination: Destination
    account: Account
    rate: float
    id: Optional[str]


class Routes:
    def __init__(self, rates: Mapping[str, float], ids: Mapping[str, str]) -> None:
        #: Guards the counts of all accounts, and what is fresh in the spool.
        self.lock = threading.Lock()
        self.accounts: Dict[str, Account] = {}
        self._rates, self._ids = rates, ids
        self._by_key: Dict[str, Route] = {}
        self._by_name: Dict[str, Route] = {}

    def of(self, target: Target) -> Optional[Route]:
        """None for what names no place. Takes the lock, as `of_key` does."""
        if isinstance(target, str):
            route = self._by_name.get(target)
            if route is not None:
                return route
        destination = destination_of(target)
        if destination is None:
            return None
        route = self._of(destination)
        if isinstance(target, str):
            self._by_name[target] = route
        return route

    def of_key(self, key: str) -> Optional[Route]:
        route = self._by_key.get(key)
        if route is not None:
            return route
        destination = destination_of_key(key)
        return None if destination is None else self._of(destination)

    def known(self, key: str) -> Optional[Route]:
        """For whoever holds the lock: a route that was asked for before."""
        return self._by_key.get(key)

    def _of(self, destination: Destination) -> Route:
        route = self._by_key.get(destination.key)
        if route is None:
            stream = destination.stream
            with self.lock:
                account = self.accounts.setdefault(stream, Account(stream))
            route = Route(destination, account, self._rates.get(stream, 1.0), self._ids.get(stream, destination.id))
            self._by_key[destination.key] = route
        return route
