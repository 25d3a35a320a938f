"""The only loop that talks to targets. Targets never see the outbox."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from booklore_core.pipeline.books import Books
from booklore_core.pipeline.deliveries import DELIVERED, REJECTED, RETRYING, UNCONFIRMED, UNMATCHED, Delivery, Outcome
from booklore_core.pipeline.gateway import Calls, check_matches, describe, plain, send_batch
from booklore_core.pipeline.lease import Clock, Lease, LeaseLost
from booklore_core.pipeline.outbox import Outbox
from booklore_core.storage.database import Database
from booklore_core.targets import (
    BatchTarget,
    BookUnmatched,
    Declined,
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
    """Brings what is due to one target, as far as it gets. book: the partial MD5 of the only book that it is about."""

    def __init__(
        self, database: Database, outbox: Outbox, books: Books, target: Target, clock: Clock, book: str | None = None
    ) -> None:
        self._database, self._outbox, self._books = database, outbox, books
        self._target, self._name, self._clock = target, target.name, clock
        self._needs_match, self._is_batch = isinstance(target, MatchingTarget), isinstance(target, BatchTarget)
        self._lease = Lease(database, target.name, clock)
        self._calls = Calls(outbox, target.name, self._lease.renew)
        self._run, self._book = Run(target.name), book

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> Run:
        """One run. Another process that is delivering to the target just now is left to it."""
        due = self._outbox.due(self._name, self._book)
        if due:
            self._run.unavailable = self._obstacle() or self._carry_all(due, on_progress or (lambda done, total: None))
        left = self._outbox.waiting_at(self._name)
        self._run.waiting, self._run.rejected = left["waiting"], left["rejected"]
        return self._run

    def _obstacle(self) -> str | None:
        """Why no run may begin."""
        if self._calls.is_lingering:
            return "an earlier call has not come back yet"
        return None if self._lease.take() else "another sync is running"

    def _carry_all(self, due: Sequence[int], on_progress: Callable[[int, int], None]) -> str | None:
        """Returns why the run ended early."""
        try:
            self._carry(due, on_progress)
        except TargetUnavailable as stop:
            log.info("%s: %s", self._name, describe(stop))
            return describe(stop)
        except LeaseLost:
            return "another sync took over"
        finally:
            self._lease.drop()
        return None

    def _carry(self, due: Sequence[int], on_progress: Callable[[int, int], None]) -> None:
        self._match()
        size = min(BATCH, getattr(self._target, "batch_size", BATCH)) if self._is_batch else 1
        for start in range(0, len(due), CHUNK):
            ids = due[start : start + CHUNK]
            with self._holding():
                ready = self._matched(self._outbox.load(self._name, ids))
            done = start + len(ids) - len(ready)
            for group in groups(ready, size):
                self._deliver(group)
                done += len(group)
                on_progress(done, len(due))

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """A transaction in which nobody else can take the lease. Raises LeaseLost when somebody has."""
        with self._database.writing():
            self._lease.renew()
            yield

    def _match(self) -> None:
        """Matches first: the books of what is due that the target's id is not known of."""
        target = self._target
        books = self._outbox.unmatched(self._name) if self._needs_match else []
        books = [book for book in books if self._book in (None, book.partial_md5)]
        if not books or not isinstance(target, MatchingTarget):
            return
        try:
            found = self._call(lambda: check_matches(target.match(books), books))
        except TargetUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 a target may fail in any way; known books are still delivered
            log.warning("target %s: matching failed: %s", self._name, describe(error))
            return
        for md5, match in found.items():
            self._books.match(md5, self._name, match, self._clock())
        self._run.matched = len(found)
        log.info("%s: %d of %d books matched", self._name, len(found), len(books))

    def _matched(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Those that may be sent; the others are noted as waiting for their book's match."""
        if not self._needs_match:
            return list(deliveries)
        waiting = [delivery for delivery in deliveries if delivery.item.book.match is None]
        news = [delivery for delivery in waiting if delivery.state != UNMATCHED]
        outcomes = [wait_for_match(delivery, "the book is not matched yet") for delivery in news]
        self._outbox.settle(news, self._name, outcomes, self._clock())
        return [delivery for delivery in deliveries if delivery.item.book.match is not None]

    def _deliver(self, group: Sequence[Delivery]) -> None:
        """Delivers a group at once if it may be, else one by one."""
        if len(group) > 1 and self._deliver_batch(self._begin(group)):
            return
        for one in group:
            for delivery in self._begin([one]):
                self._deliver_one(delivery)

    def _deliver_batch(self, group: Sequence[Delivery]) -> bool:
        """Whether the whole group was delivered. Otherwise it goes on one by one, as possibly sent."""
        try:
            ids = self._call(lambda: send_batch(self._target, [one.item for one in group])) if group else []
        except TargetUnavailable as stop:
            self._leave(group, stop)
            raise
        except Declined as error:
            log.info("%s: a batch of %d: %s", self._name, len(group), describe(error))
            if not error.maybe_sent:
                self._withdraw(group)
            return False
        except Exception as error:  # noqa: BLE001 a target may fail in any way; its items are tried one by one
            log.warning("target %s: a batch of %d failed: %s", self._name, len(group), describe(error))
            return False
        self._settle(group, [Outcome(DELIVERED, remote_id=remote_id) for remote_id in ids])
        return True

    def _deliver_one(self, delivery: Delivery) -> None:
        try:
            remote_id = self._call(lambda: plain(self._target.deliver(delivery.item, delivery.before)))
            outcome = Outcome(DELIVERED, remote_id=remote_id)
        except TargetUnavailable as stop:
            self._leave([delivery], stop)
            raise
        except Exception as error:  # noqa: BLE001 a target may fail in any way; the next item goes on
            outcome = self._failure(delivery, error)
        self._settle([delivery], [outcome])

    def _failure(self, delivery: Delivery, error: Exception) -> Outcome:
        """What an attempt that raised comes to: the error's type decides.

        An earlier attempt whose outcome is unknown stays so: only the target can tell, by delivering.
        """
        reason = describe(error)
        log.info("%s: %s %s: %s", self._name, delivery.item.kind, delivery.item.key, reason)
        if not isinstance(error, Declined):
            return Outcome(RETRYING, True, reason=reason, counts=True)
        maybe_sent = error.maybe_sent or delivery.before.maybe_sent
        state = UNCONFIRMED if maybe_sent else RETRYING
        if isinstance(error, BookUnmatched):
            self._books.forget_match(delivery.item.book.partial_md5, self._name)
            state = UNMATCHED
        elif isinstance(error, ItemRejected):
            state = REJECTED
        return Outcome(state, maybe_sent, reason=reason, counts=True)

    def _begin(self, group: Sequence[Delivery]) -> list[Delivery]:
        """Notes that the outcome is unknown from here on. Returns what is still due, as it is now."""
        with self._holding():
            ready = self._matched(self._outbox.load(self._name, [one.id for one in group]))
            self._outbox.begin(ready, self._name, self._clock())
        return ready

    def _leave(self, group: Sequence[Delivery], stop: TargetUnavailable) -> None:
        """The run ends here: what was certainly not sent is as it was, anything else stays unknown, with the reason."""
        if not stop.maybe_sent:
            return self._withdraw(group)
        unknown = Outcome(UNCONFIRMED, maybe_sent=True, reason=f"outcome unknown: {describe(stop)}")
        with self._holding():
            return self._outbox.settle(group, self._name, [unknown] * len(group), self._clock())

    def _withdraw(self, group: Sequence[Delivery]) -> None:
        with self._holding():
            for delivery in group:
                self._outbox.withdraw(delivery, self._name, self._clock())

    def _settle(self, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        with self._holding():
            self._outbox.settle(group, self._name, outcomes, self._clock())
        for delivery, outcome in zip(group, outcomes, strict=True):
            counts = self._run.delivered if outcome.state == DELIVERED else self._run.failed
            self._run.count(counts, delivery.item.kind)

    def _call(self, work: Callable[[], T]) -> T:
        return self._calls.run(work, CALL_LIMIT, SIGN_OF_LIFE)


def wait_for_match(delivery: Delivery, reason: str) -> Outcome:
    return Outcome(UNMATCHED, maybe_sent=delivery.before.maybe_sent, reason=reason)


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
