"""What goes wrong while nobody waits for it: each kind is told once, until it is over."""

from __future__ import annotations

from typing import Callable, Set


class Problems:
    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._told: Set[str] = set()
        self._tell = tell

    def tell(self, code: str, message: str) -> None:
        """Never raises, whatever the listener does."""
        if code in self._told:
            return
        self._told.add(code)
        try:
            self._tell(code, message)
        except Exception:
            pass

    def over(self, *codes: str) -> None:
        self._told.difference_update(codes)
