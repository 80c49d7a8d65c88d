"""A lane: the folder of one emitter in a spool.

Its name carries its owner, and is changed by an atomic rename, so that no two processes ever write in one lane; what a
dead process left is adopted by the next.

    EMITTER                        nobody's: closed in good order
    EMITTER@HOST~PID~START~NONCE   owned
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from typing import Optional, Tuple

#: A lane of another machine that nobody has touched for so many seconds is taken for abandoned.
ABANDONED = 600

_HOST = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:60]


def take_lane(spool: str) -> Tuple[str, str]:
    """Takes a lane that nobody holds, or makes one: its emitter and its folder. Raises OSError."""
    os.makedirs(spool, mode=0o700, exist_ok=True)
    owner = f"{_HOST}~{os.getpid()}~{_start_of(os.getpid()) or ''}~{secrets.token_hex(4)}"
    for name in sorted(os.listdir(spool)):
        match = re.fullmatch(r"([0-9a-f]{16})(?:@(.+))?", name)
        if not match or (match[2] is not None and _is_held(match[2], os.path.join(spool, name))):
            continue
        folder = os.path.join(spool, f"{match[1]}@{owner}")
        try:
            os.rename(os.path.join(spool, name), folder)
            return match[1], folder
        except FileNotFoundError:
            continue  # Somebody else was quicker.
    emitter = secrets.token_hex(8)
    folder = os.path.join(spool, f"{emitter}@{owner}")
    os.mkdir(folder, 0o700)
    return emitter, folder


def release_lane(folder: str) -> None:
    """Gives the lane back, for whoever comes next."""
    os.rename(folder, folder[: folder.rindex("@")])


def _is_held(owner: str, folder: str) -> bool:
    where, pid, started = (owner.split("~") + ["", ""])[:3]
    if where != _HOST:
        try:
            return abs(time.time() - os.stat(folder).st_mtime) < ABANDONED
        except OSError:
            return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        pass
    now = _start_of(int(pid)) if pid.isdigit() else None
    return now is None or now == started


def _start_of(pid: int) -> Optional[str]:
    """When a process began, in clock ticks since boot: tells it from an earlier one with the same number. Linux only."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            stat = file.read()
        return stat[stat.rindex(")") + 2 :].split(" ")[19]
    except OSError:
        return "gone" if os.path.exists("/proc/self") else None
