"""Who is at work in a data folder: whoever removes or replaces what lies there needs it to himself.

Every open core keeps a file of its own locked for as long as it lives, in a folder beside the database; its name tells
who it is. One whose lock can be had belongs to a process that was killed. A guard keeps newcomers out while it matters.
"""

import logging
import os
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from booklore_core.hookspecs import PROJECT

log = logging.getLogger(__name__)

GUARD, RUNNING = "running.lock", "running"
POLL = 0.005
"""Seconds between two looks at a guard that somebody holds."""

OCCUPANT = re.compile(r"(?P<program>.+)\.(?P<pid>\d+)\.[0-9a-f]+")


@contextmanager
def occupied(home: Path) -> Iterator[None]:
    """Tells everybody that this process works in home. Waits while somebody has it to himself.

    In a folder that takes no files or no locks nobody can be told; nobody can remove anything there either.
    """
    with ExitStack() as until_the_end:
        try:
            with guarded(home):
                occupants(home)
                lock = locked(home / RUNNING / f"{program()}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
            until_the_end.callback(remove, Path(lock.lock_file))
            until_the_end.callback(lock.release)
        except (OSError, RuntimeError) as error:
            log.debug("%s: nobody can be told that it is in use (%s)", home, error)
        yield


def occupants(home: Path) -> list[str]:
    """Who works in home, as in `booklore serve (process 4711)`. What processes that were killed left behind goes."""
    found = ((path, OCCUPANT.fullmatch(path.name)) for path in sorted((home / RUNNING).glob("*")))
    return [f"{name['program']} (process {name['pid']})" for path, name in found if name and is_held(path)]


def is_held(path: Path) -> bool:
    try:
        locked(path).release()
    except Timeout:
        return True
    remove(path)
    return False


@contextmanager
def guarded(home: Path) -> Iterator[None]:
    (home / RUNNING).mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(home / GUARD, mode=0o600).acquire(poll_interval=POLL):
        yield


def locked(path: Path) -> FileLock:
    """Raises Timeout when somebody else holds it."""
    lock = FileLock(path, mode=0o600, thread_local=False)  # a core may be closed by another thread
    lock.acquire(blocking=False)
    return lock


def remove(path: Path) -> None:
    with suppress(OSError):  # Windows removes nothing that is open
        path.unlink(missing_ok=True)


def program() -> str:
    """What was started, as a person knows it: `booklore serve`."""
    name = Path(sys.argv[0]).stem if sys.argv else ""
    if name not in (PROJECT, "__main__"):
        return "python" if name in ("", "-", "-c") else name
    return " ".join([PROJECT, *[word for word in sys.argv[1:] if re.fullmatch(r"[a-z][a-z-]*", word)][:1]])
