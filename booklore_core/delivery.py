"""The only loop that talks to targets. Targets never see the outbox."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from booklore_core.books import Books
from booklore_core.database import Database
from booklore_core.lease import Clock, Lease, LeaseLost
from booklore_core.outbox import DELIVERED, REJECTED, RETRYING, UNCONFIRMED, UNMATCHED, Delivery, Outbox, Outcome
from booklore_core.targets import (
    BatchTarget,
    BookUnmatched,
    Declined,
    ItemFailed,
    ItemRejected,
    MatchingTarget,
    Target,
    TargetUnavailable,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

CALL_LIMIT = 60.0
"""Seconds after which a target's call is given up for this run and counts as unknown."""

SIGN_OF_LIFE = 10.0
CHUNK = 500
BATCH = 100


@dataclass
class Run:
    """What one delivery run did at one target. waiting, rejected: what is left. unavailable: why it ended early."""

    target: str
    delivered: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    matched: int = 0
    unavailable: str | None = None

    def count(self, counts: dict[str, int], kind: str) -> None:
        counts[kind] = counts.get(kind, 0) + 1


class Courier:
    """Brings what is due to one target, as far as it gets."""

    def __init__(self, database: Database, outbox: Outbox, books: Books, target: Target, clock: Clock) -> None:
        self._outbox, self._books, self._target, self._clock = outbox, books, target, clock
        self._lease = Lease(database, target.name, clock)
        self._run = Run(target.name)

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> Run:
        """One run. Another process that is delivering to the target just now is left to it."""
        due = self._outbox.due(self._target.name)
        if due and not self._lease.take():
            self._run.unavailable = "another sync is running"
        elif due:
            try:
                self._carry(due, on_progress or (lambda done, total: None))
            except TargetUnavailable as stop:
                self._run.unavailable = stop.reason
                log.info("%s: %s", self._target.name, stop.reason)
            except LeaseLost:
                self._run.unavailable = "another sync took over"
            finally:
                self._lease.drop()
        left = self._outbox.waiting_at(self._target.name)
        self._run.waiting, self._run.rejected = left["waiting"], left["rejected"]
        return self._run

    def _carry(self, due: Sequence[int], on_progress: Callable[[int, int], None]) -> None:
        self._match()
        done = 0
        for start in range(0, len(due), CHUNK):
            for group in groups(self._outbox.load(self._target.name, due[start : start + CHUNK]), self._batch_size()):
                self._deliver(group)
                done += len(group)
                on_progress(done, len(due))

    def _batch_size(self) -> int:
        return getattr(self._target, "batch_size", BATCH) if isinstance(self._target, BatchTarget) else 1

    def _match(self) -> None:
        """Matches first: the books of what is due that the target's id is not known of."""
        target = self._target
        books = self._outbox.unmatched(target.name) if isinstance(target, MatchingTarget) else []
        if not books or not isinstance(target, MatchingTarget):
            return
        try:
            found = self._call(lambda: target.match(books))
        except TargetUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 a target may fail in any way; known books are still delivered
            log.warning("target %s: matching failed: %s", target.name, describe(error))
            return
        for md5, match in found.items():
            self._books.match(md5, target.name, match, self._clock())
        self._run.matched = len(found)
        log.info("%s: %d of %d books matched", target.name, len(found), len(books))

    def _deliver(self, group: Sequence[Delivery]) -> None:
        """Delivers a group at once if it may be, else one by one."""
        if isinstance(self._target, MatchingTarget) and group[0].item.book.match is None:
            self._settle(group, [wait_for_match(delivery, "the book is not matched yet") for delivery in group])
        elif len(group) == 1 or not self._deliver_batch(group):
            for delivery in self._outbox.load(self._target.name, [one.id for one in group]):
                self._deliver_one(delivery)

    def _deliver_batch(self, group: Sequence[Delivery]) -> bool:
        """Whether the whole group was delivered. Otherwise it goes on one by one, as possibly sent."""
        target = self._target
        assert isinstance(target, BatchTarget)
        self._begin(group)
        try:
            ids = self._call(lambda: target.deliver_batch([one.item for one in group]))
        except TargetUnavailable as stop:
            if not stop.maybe_sent:
                self._withdraw(group)
            raise
        except Declined as error:
            log.info("%s: a batch of %d: %s", target.name, len(group), error.reason)
            if not error.maybe_sent:
                self._withdraw(group)
            return False
        except Exception as error:  # noqa: BLE001 a target may fail in any way; its items are tried one by one
            log.warning("target %s: a batch failed: %s", target.name, describe(error))
            return False
        if ids is not None and len(ids) != len(group):
            log.warning("target %s: a batch of %d answered with %d ids", target.name, len(group), len(ids))
            return False
        self._settle(group, [Outcome(DELIVERED, remote_id=remote_id) for remote_id in ids or [None] * len(group)])
        return True

    def _deliver_one(self, delivery: Delivery) -> None:
        self._begin([delivery])
        try:
            remote_id = self._call(lambda: self._target.deliver(delivery.item, delivery.before))
            outcome = Outcome(DELIVERED, remote_id=None if remote_id is None else str(remote_id))
        except TargetUnavailable as stop:
            if not stop.maybe_sent:
                self._withdraw([delivery])
            raise
        except Exception as error:  # noqa: BLE001 a target may fail in any way; the next item goes on
            outcome = self._failure(delivery, error)
        self._settle([delivery], [outcome])

    def _failure(self, delivery: Delivery, error: Exception) -> Outcome:
        """What an attempt that raised comes to: the error's type decides."""
        reason, name = describe(error), self._target.name
        log.info("%s: %s %s: %s", name, delivery.item.kind, delivery.item.key, reason)
        if isinstance(error, BookUnmatched):
            self._books.forget_match(delivery.item.book.partial_md5, name)
            return replace(wait_for_match(delivery, reason), counts=True)
        if isinstance(error, ItemRejected):
            return Outcome(REJECTED, reason=reason, counts=True)
        if isinstance(error, ItemFailed) and not error.maybe_sent:
            return Outcome(RETRYING, reason=reason, counts=True)
        return Outcome(UNCONFIRMED if isinstance(error, Declined) else RETRYING, True, reason=reason, counts=True)

    def _begin(self, group: Sequence[Delivery]) -> None:
        self._lease.renew()
        self._outbox.begin(group, self._target.name, self._clock())

    def _withdraw(self, group: Sequence[Delivery]) -> None:
        for delivery in group:
            self._outbox.withdraw(delivery, self._target.name, self._clock())

    def _settle(self, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        self._outbox.settle(group, self._target.name, outcomes, self._clock())
        for delivery, outcome in zip(group, outcomes, strict=True):
            counts = self._run.delivered if outcome.state == DELIVERED else self._run.failed
            self._run.count(counts, delivery.item.kind)

    def _call(self, work: Callable[[], T]) -> T:
        """Runs a target's code in a thread of its own, giving signs of life, for CALL_LIMIT seconds at most."""
        box: list[tuple[bool, Any]] = []
        thread = threading.Thread(target=lambda: box.append(attempt(work)), daemon=True, name=self._target.name)
        thread.start()
        waited = 0.0
        while thread.is_alive() and waited < CALL_LIMIT:
            thread.join(SIGN_OF_LIFE)
            waited += SIGN_OF_LIFE
            if thread.is_alive():
                self._lease.renew()
        if not box:
            raise TargetUnavailable(f"{self._target.name} took longer than {CALL_LIMIT:g} s")
        worked, value = box[0]
        if not worked:
            raise value
        result: T = value
        return result


def attempt(work: Callable[[], T]) -> tuple[bool, Any]:
    """(True, what work returns) or (False, what it raises)."""
    try:
        return True, work()
    except SystemExit as error:
        return False, RuntimeError(f"tried to end the program ({error})")
    except BaseException as error:  # noqa: BLE001 handed over to the thread that waits
        return False, error


def wait_for_match(delivery: Delivery, reason: str) -> Outcome:
    return Outcome(UNMATCHED, maybe_sent=delivery.before.maybe_sent, reason=reason)


def describe(error: Exception) -> str:
    """One line about an error, for the item's reason."""
    return error.reason if isinstance(error, Declined) else f"{type(error).__name__}: {error}"[:500]


def groups(deliveries: Iterable[Delivery], size: int) -> Iterable[list[Delivery]]:
    """Neighbours of one kind and book that were never begun before, up to size together; everything else alone."""
    group: list[Delivery] = []
    for delivery in deliveries:
        if group and (len(group) >= size or not (delivery.is_fresh and alike(group[-1], delivery))):
            yield group
            group = []
        group.append(delivery)
    if group:
        yield group


def alike(one: Delivery, other: Delivery) -> bool:
    same_book = one.item.book.partial_md5 == other.item.book.partial_md5
    return one.is_fresh and one.item.kind == other.item.kind and same_book
