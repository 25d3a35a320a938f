"""The only loop that delivers. Targets never see the outbox."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from booklore_core.pipeline.books import Books
from booklore_core.pipeline.gateway import Gateway
from booklore_core.pipeline.lease import Clock, Lease, LeaseLost
from booklore_core.pipeline.ledger import (
    DELIVERED,
    REJECTED,
    RETRYING,
    SUPERSEDED,
    UNCONFIRMED,
    UNMATCHED,
    Delivery,
    Ledger,
    Outcome,
)
from booklore_core.storage.counts import count_pending_at
from booklore_core.storage.database import Database
from booklore_core.targets import (
    BatchTarget,
    BookUnmatched,
    Declined,
    ItemRejected,
    MatchingTarget,
    Superseded,
    TargetUnavailable,
)

log = logging.getLogger(__name__)

CHUNK = 500
NOT_MATCHED = "the book is not matched yet"


@dataclass
class RunSummary:
    """What one delivery run did at one target. waiting, rejected: what is left. unavailable: why it ended early."""

    target: str
    delivered: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    matched: int = 0
    unavailable: str | None = None

    def count(self, outcome: Outcome, kind: str) -> None:
        if outcome.state != SUPERSEDED:
            counts = self.delivered if outcome.state == DELIVERED else self.failed
            counts[kind] = counts.get(kind, 0) + 1


class DeliveryRun:
    """Brings what is due to one target, as far as it gets. book: the partial MD5 of the only book that it is about."""

    def __init__(
        self, database: Database, ledger: Ledger, books: Books, target: Gateway, clock: Clock, book: str | None = None
    ) -> None:
        self._database, self._ledger, self._books = database, ledger, books
        self._target, self._name, self._clock, self._book = target, target.name, clock, book
        self._needs_match, self._is_batch = target.has(MatchingTarget), target.has(BatchTarget)
        self._lease = Lease(database, target.name, clock)
        self._summary = RunSummary(target.name)

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> RunSummary:
        """One run. Another process that is delivering to the target just now is left to it."""
        due = self._ledger.due(self._name, self._book)
        if due:
            with self._target.session():
                obstacle = self._obstacle()
                self._summary.unavailable = obstacle or self._bring_all(due, on_progress or (lambda done, total: None))
        left = count_pending_at(self._database, self._name)
        self._summary.waiting, self._summary.rejected = left["waiting"], left["rejected"]
        return self._summary

    def _obstacle(self) -> str | None:
        """Why no run may begin."""
        if self._target.is_lingering:
            return "an earlier call has not come back yet"
        return None if self._lease.take() else "another sync is running, or was cut off less than a minute ago"

    def _bring_all(self, due: Sequence[int], on_progress: Callable[[int, int], None]) -> str | None:
        """Returns why the run ended early."""
        try:
            self._match()
            self._bring(due, on_progress)
            self._ledger.note(self._name, None)
        except TargetUnavailable as stop:
            log.info("%s", stop)
            self._ledger.note(self._name, stop.reason)
            return stop.reason
        except LeaseLost:
            return "another sync took over"
        finally:
            self._lease.drop()
        return None

    def _bring(self, due: Sequence[int], on_progress: Callable[[int, int], None]) -> None:
        size = self._target.batch_size if self._is_batch else 1
        for start in range(0, len(due), CHUNK):
            ids = due[start : start + CHUNK]
            with self._holding():
                ready = self._matched(self._ledger.load(self._name, ids))
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
        """Matches first: the books of what is due that the target's id is not known of.

        A matching that fails does not keep the known books from being delivered.
        """
        books = self._books.unmatched(self._name, owed_only=True) if self._needs_match else []
        books = [book for book in books if self._book in (None, book.partial_md5)]
        if not books:
            return
        try:
            found = self._target.match(books, self._lease.renew)
        except TargetUnavailable:
            raise
        except Declined as error:
            log.warning("%s", error)
            return
        with self._holding():
            for md5, match in found.items():
                self._books.match(md5, self._name, match, self._clock())
        self._summary.matched = len(found)
        log.info("%s: %d of %d books matched", self._name, len(found), len(books))

    def _matched(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Those that may be sent; the others are noted as waiting for their book's match."""
        if not self._needs_match:
            return list(deliveries)
        waiting = [one for one in deliveries if one.item.book.match is None and one.last.state != UNMATCHED]
        self._ledger.wait(waiting, self._name, NOT_MATCHED, self._clock())
        return [one for one in deliveries if one.item.book.match is not None]

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
            ids = self._target.deliver_batch([one.item for one in group], self._lease.renew) if group else []
        except TargetUnavailable as stop:
            self._leave(group, stop)
            raise
        except Declined as error:
            log.info("%s: a batch of %d: %s", self._name, len(group), error.reason)
            if not error.maybe_sent:
                self._withdraw(group)
            return False
        self._settle(group, [Outcome(DELIVERED, remote_id=remote_id) for remote_id in ids])
        return True

    def _deliver_one(self, delivery: Delivery) -> None:
        try:
            remote_id = self._target.deliver(delivery.item, delivery.before, self._lease.renew)
            outcome = Outcome(DELIVERED, remote_id=remote_id)
        except TargetUnavailable as stop:
            self._leave([delivery], stop)
            raise
        except Declined as error:
            outcome = self._failure(delivery, error)
        self._settle([delivery], [outcome])

    def _failure(self, delivery: Delivery, error: Declined) -> Outcome:
        """What an attempt that was declined comes to: the error's type decides.

        An earlier attempt whose outcome is unknown stays so: only the target can tell, by delivering.
        """
        log.info("%s: %s %s: %s", self._name, delivery.item.kind, delivery.item.key, error.reason)
        if isinstance(error, Superseded):
            return Outcome(SUPERSEDED, reason=error.reason)
        maybe_sent = error.maybe_sent or delivery.before.maybe_sent
        state = UNCONFIRMED if maybe_sent else RETRYING
        if isinstance(error, BookUnmatched):
            self._books.forget_match(delivery.item.book.partial_md5, self._name)
            state = UNMATCHED
        elif isinstance(error, ItemRejected):
            state = REJECTED
        return Outcome(state, maybe_sent, reason=error.reason, counts=True)

    def _begin(self, group: Sequence[Delivery]) -> list[Delivery]:
        """Notes that the outcome is unknown from here on. Returns what is still due, as it is now."""
        with self._holding():
            ready = self._matched(self._ledger.load(self._name, [one.id for one in group]))
            self._ledger.begin(ready, self._name, self._clock())
        return ready

    def _leave(self, group: Sequence[Delivery], stop: TargetUnavailable) -> None:
        """The run ends here: what was certainly not sent is as it was, anything else stays unknown, with the reason."""
        if not stop.maybe_sent:
            return self._withdraw(group)
        unknown = Outcome(UNCONFIRMED, maybe_sent=True, reason=f"outcome unknown: {stop.reason}")
        with self._holding():
            return self._ledger.settle(group, self._name, [unknown] * len(group), self._clock())

    def _withdraw(self, group: Sequence[Delivery]) -> None:
        with self._holding():
            self._ledger.withdraw(group, self._name, self._clock())

    def _settle(self, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        with self._holding():
            self._ledger.settle(group, self._name, outcomes, self._clock())
        for delivery, outcome in zip(group, outcomes, strict=True):
            self._summary.count(outcome, delivery.item.kind)


def groups(deliveries: Iterable[Delivery], size: int) -> Iterable[list[Delivery]]:
    """Neighbours of one kind and book that were never begun before, up to size together; everything else alone."""
    group: list[Delivery] = []
    for delivery in deliveries:
        if group and (len(group) >= size or not (delivery.is_fresh and may_go_together(group[-1], delivery))):
            yield group
            group = []
        group.append(delivery)
    if group:
        yield group


def may_go_together(one: Delivery, other: Delivery) -> bool:
    same_book = one.item.book.partial_md5 == other.item.book.partial_md5
    return one.is_fresh and one.item.kind == other.item.kind and same_book
