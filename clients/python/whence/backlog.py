"""What is still to be sent, in segments, oldest first: on disk where there is a lane, else in memory.

Not safe for threads by itself: the emitter calls it under its lock of the backlog.
"""

from __future__ import annotations

import os
import re
from typing import BinaryIO, Callable, List, Optional, Sequence

from .segment import Item, decode_segment, encode_item


class Segment:
    """Segments rise in number, and so do the numbers of a stream's records in them."""

    __slots__ = ("number", "path", "count", "bytes", "items")

    def __init__(self, number: int, path: Optional[str]) -> None:
        self.number = number
        #: None while it is in memory only.
        self.path = path
        self.count = 0
        self.bytes = 0
        #: None where only the file has them.
        self.items: Optional[List[Item]] = []


class Backlog:
    def __init__(
        self,
        folder: Optional[str],
        disk: int,
        memory: int,
        records: int,
        size: int,
        failed: Callable[[Optional[OSError]], None],
    ) -> None:
        self._folder = folder
        self._most_disk, self._most_memory, self._most_records, self._most_bytes = disk, memory, records, size
        self._failed = failed
        self._segments: List[Segment] = []
        self._open: Optional[Segment] = None
        self._file: Optional[BinaryIO] = None
        self._next = 1
        self.disk = 0
        self.memory = 0

    @property
    def is_empty(self) -> bool:
        return not self._segments

    @property
    def is_full(self) -> bool:
        """Whether there is a segment that waits for no more records."""
        return bool(self._segments) and self._segments[0] is not self._open

    def recover(self, each: Callable[[Sequence[Item], int], None]) -> None:
        """Takes up the files that an earlier run left; `each` sees their records, in order."""
        if self._folder is None:
            return
        for name in sorted(os.listdir(self._folder)):
            if not re.fullmatch(r"\d{12}\.spool", name):
                continue
            path = os.path.join(self._folder, name)
            with open(path, "rb") as file:
                data = file.read()
            items, damaged = decode_segment(data)
            each(items, damaged)
            segment = Segment(int(name[:12]), path)
            segment.count, segment.bytes, segment.items = len(items), len(data), None
            self._segments.append(segment)
            self.disk += len(data)
            self._next = segment.number + 1

    def append(self, items: Sequence[Item]) -> Sequence[Item]:
        """Adds records. Gives those for which there was no room: the newest, so that what is kept has no hole."""
        at = 0
        while at < len(items):
            segment = self._open or self._begin()
            room = self._most_memory - self.memory if segment.path is None else self._most_disk - self.disk
            lines: List[bytes] = []
            size = 0
            to = at
            while (
                to < len(items)
                and segment.count + to - at < self._most_records
                and segment.bytes + size < self._most_bytes
            ):
                line = encode_item(items[to])
                if size + len(line) > room:
                    break
                lines.append(line)
                size += len(line)
                to += 1
            if to == at:
                if segment.count == 0:
                    self.seal()
                    self.remove(segment)
                return items[at:]
            if segment.path is not None and not self._write(segment, b"".join(lines)):
                continue
            segment.count += to - at
            segment.bytes += size
            if segment.items is not None:
                segment.items.extend(items[at:to])
            self.memory += size
            if segment.path is not None:
                self.disk += size
            at = to
            if segment.count >= self._most_records or segment.bytes >= self._most_bytes:
                self.seal()
        return []

    def seal(self) -> None:
        """No record is added to the open segment any more."""
        segment, self._open = self._open, None
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                pass
        if segment is None or segment.path is None or segment is self._segments[0]:
            return
        if self.memory > self._most_memory / 2:
            self.memory -= segment.bytes
            segment.items = None

    def first(self) -> Optional[Segment]:
        """The oldest segment, closed; None when there is none."""
        if not self._segments:
            return None
        if self._segments[0] is self._open:
            self.seal()
        return self._segments[0]

    def items(self, segment: Segment) -> Sequence[Item]:
        if segment.items is not None:
            return segment.items
        assert segment.path is not None
        with open(segment.path, "rb") as file:
            return decode_segment(file.read())[0]

    def remove(self, segment: Segment) -> None:
        self._segments.remove(segment)
        if segment.items is not None:
            self.memory -= segment.bytes
        if segment.path is None:
            return
        self.disk -= segment.bytes
        try:
            os.unlink(segment.path)
        except OSError:
            pass

    def keep(self) -> List[Item]:
        """Writes what is in no file yet: the process ends. Gives what could not be kept."""
        self.seal()
        lost: List[Item] = []
        for segment in self._segments:
            if segment.path is not None or not segment.items:
                continue
            try:
                if self._folder is None:
                    raise OSError
                with self._created(self._path(segment.number)) as file:
                    file.write(b"".join(map(encode_item, segment.items)))
            except OSError:
                lost.extend(segment.items)
        return lost

    def _begin(self) -> Segment:
        number = self._next
        self._next += 1
        path = None if self._folder is None else self._path(number)
        if path is not None:
            try:
                self._file = self._created(path)
            except OSError as error:
                path = None
                self._failed(error)
        self._open = Segment(number, path)
        self._segments.append(self._open)
        return self._open

    def _write(self, segment: Segment, data: bytes) -> bool:
        assert self._file is not None
        try:
            # Unbuffered: what is written is with the operating system, and outlives this process.
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0
            self._failed(None)
            return True
        except OSError as error:
            self._failed(error)
            # What reached the file is cut off again; if even that fails, numbers tell what stands there twice.
            try:
                self._file.truncate(segment.bytes)
            except OSError:
                pass
            self.seal()
            if segment.count == 0:
                self.remove(segment)
            self._open = Segment(self._next, None)
            self._next += 1
            self._segments.append(self._open)
            return False

    def _created(self, path: str) -> BinaryIO:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return os.fdopen(descriptor, "wb", buffering=0)  # type: ignore[return-value]

    def _path(self, number: int) -> str:
        assert self._folder is not None
        return os.path.join(self._folder, f"{number:012d}.spool")
