"""Calls of a target's code: in a thread of its own, for a limited time, and with its answer checked."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from booklore_core.items import BookRef, Item
from booklore_core.targets import Declined, Match, TargetUnavailable

T = TypeVar("T")

MAX_TEXT = 1000

LATEST: WeakKeyDictionary[object, dict[str, threading.Thread]] = WeakKeyDictionary()
"""The latest call of every target, per outbox."""


class Calls:
    """Calls one target. outbox: the one that the calls are about. renew: gives a sign of life; what it raises ends the
    waiting."""

    def __init__(self, outbox: object, name: str, renew: Callable[[], None]) -> None:
        self._latest, self._name, self._renew = LATEST.setdefault(outbox, {}), name, renew

    @property
    def is_lingering(self) -> bool:
        """Whether a call that was given up earlier goes on: it may still send something."""
        return self._name in self._latest and self._latest[self._name].is_alive()

    def run(self, work: Callable[[], T], limit: float, every: float) -> T:
        """What work returns or raises. limit, every: seconds until it is given up, and between two signs of life.

        Raises TargetUnavailable when it takes longer.
        """
        box: list[tuple[bool, Any]] = []
        thread = threading.Thread(target=lambda: box.append(attempt(work)), daemon=True, name=self._name)
        self._latest[self._name] = thread
        thread.start()
        waited = 0.0
        while thread.is_alive() and waited < limit:
            thread.join(every)
            waited += every
            if thread.is_alive():
                self._renew()
        if not box:
            raise TargetUnavailable(f"{self._name} took longer than {limit:g} s")
        worked, value = box[0]
        if not worked:
            raise value
        result: T = value
        return result


def attempt(work: Callable[[], T]) -> tuple[bool, Any]:
    """(True, what work returns) or (False, what it raises)."""
    try:
        return True, work()
    except Exception as error:  # noqa: BLE001 handed over to the thread that waits
        return False, error
    except BaseException as error:  # noqa: BLE001 no target ends the program
        return False, RuntimeError(f"tried to end the program ({type(error).__name__}: {error})")


def send_batch(target: Any, items: Sequence[Item]) -> list[str | None]:
    """The remote ids of a batch, one for each item. Raises ValueError when it answers with another number of them."""
    ids = target.deliver_batch(items)
    if ids is None:
        return [None] * len(items)
    told = [plain(remote_id) for remote_id in ids]
    if len(told) != len(items):
        raise ValueError(f"a batch of {len(items)} was answered with {len(told)} ids")
    return told


def check_matches(found: Mapping[str, Match], books: Sequence[BookRef]) -> dict[str, Match]:
    """What a target has matched of books. Raises whatever comes of an answer that is none."""
    known = {book.partial_md5: found[book.partial_md5] for book in books if book.partial_md5 in found}
    return {md5: replace(match, remote_id=str(match.remote_id)) for md5, match in known.items()}


def plain(value: Any) -> str | None:
    """value as text that every database takes."""
    return None if value is None else str(value).replace("\0", "").encode("utf-8", "replace").decode()[:MAX_TEXT]


def describe(error: Exception) -> str:
    """One line about an error, for the item's reason."""
    return (
        plain(error.reason if isinstance(error, Declined) else f"{type(error).__name__}: {error}") or "no reason told"
    )
