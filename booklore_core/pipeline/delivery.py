"""The only loop that delivers. Targets never see the outbox."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from booklore_core.guard.shape import short_text
from booklore_core.items import BookRef
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.gateway import Gateway
from booklore_core.pipeline.lease import Clock, Lease, LeaseLost
from booklore_core.pipeline.ledger import DELIVERED, UNCONFIRMED, Delivery, Ledger, Outcome, groups, outcome_of
from booklore_core.pipeline.outbox import Outbox
from booklore_core.storage.counts import count_pending_at
from booklore_core.storage.database import Database
from booklore_core.targets import BatchTarget, BookUnmatched, Declined, MatchingTarget, Superseded, TargetUnavailable

log = logging.getLogger(__name__)

CHUNK = 500
Progress = Callable[[int], None]
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
        if outcome.state == DELIVERED or outcome.counts:
            counts = self.delivered if outcome.state == DELIVERED else self.failed
            counts[kind] = counts.get(kind, 0) + 1


class DeliveryRun:
    """Brings what is due to one target, as far as it gets. repeat_after: seconds before what is looked for and not
    found is sent again. book: the partial MD5 of the only book that it is about."""

    def __init__(
        self, database: Database, ledger: Ledger, books: Books, target: Gateway, clock: Clock, repeat_after: float,
        book: str | None = None,
    ) -> None:  # fmt: skip
        self._database, self._outbox, self._ledger, self._books = database, Outbox(database, books), ledger, books
        self._target, self._name, self._clock, self._book = target, target.name, clock, book
        self._needs_match, self._is_batch = target.has(MatchingTarget), target.has(BatchTarget)
        self._looked_for, self._repeat_after = target.looked_for, timedelta(seconds=repeat_after)
        self._lease = Lease(database, target.name, clock)
        self._summary = RunSummary(target.name)

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> RunSummary:
        """One run. Another process that is delivering to the target just now is left to it."""
        due = self._ledger.due(self._name, self._book)
        if due:
            with self._target.session():
                obstacle = self._obstacle()
                tell = (lambda done: on_progress(done, len(due))) if on_progress else (lambda done: None)
                self._summary.unavailable = obstacle or self._bring_all(due, tell)
        left = count_pending_at(self._database, self._name, self._book)
        self._summary.waiting, self._summary.rejected = left["waiting"], left["rejected"]
        return self._summary

    def _obstacle(self) -> str | None:
        """Why no run may begin."""
        is_busy = "another sync is running, or was cut off less than a minute ago"
        return self._target.lingering or (None if self._lease.take() else is_busy)

    def _bring_all(self, due: Mapping[int, str], on_progress: Progress) -> str | None:
        """Returns why the run ended early. The books that are matched come first: they do not wait for a search, which
        may fail or take all of a run's time. Those that turn out to be gone there are searched for with the others."""
        try:
            unmatched = self._unmatched()
            self._bring([item for item, md5 in due.items() if md5 not in unmatched], on_progress)
            unmatched = self._unmatched()
            self._match(list(unmatched.values()))
            rest = [item for item, md5 in due.items() if md5 in unmatched]
            self._bring(rest, lambda done: on_progress(len(due) - len(rest) + done))
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

    def _bring(self, due: Sequence[int], on_progress: Progress) -> None:
        for start in range(0, len(due), CHUNK):
            ids = due[start : start + CHUNK]
            size = self._target.batch_size if self._is_batch else 1  # it may be known only after the first ones
            with self._holding():
                ready = self._matched(self._ledger.load(self._name, ids))
            done = start + len(ids) - len(ready)
            for group in groups(ready, size, self._target.spans_books):
                self._deliver(group)
                done += len(group)
                on_progress(done)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """A transaction in which nobody else can take the lease. Raises LeaseLost when somebody has."""
        with self._database.writing():
            self._lease.renew()
            yield

    def _unmatched(self) -> dict[str, BookRef]:
        """The books of what is due that the target's id is not known of, by partial MD5."""
        books = self._books.unmatched(self._name, owed_only=True) if self._needs_match else []
        return {book.partial_md5: book for book in books if self._book in (None, book.partial_md5)}

    def _match(self, books: Sequence[BookRef]) -> None:
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
        waiting = [one for one in deliveries if one.item.book.match is None]
        self._ledger.wait(waiting, self._name, NOT_MATCHED, self._clock())
        return [one for one in deliveries if one.item.book.match is not None]

    def _deliver(self, group: Sequence[Delivery], is_part: bool = False) -> None:
        """Delivers a group at once if it may be. What was refused goes on by halves, so that a bad item costs the
        others little; what may have arrived goes alone. is_part: of a group that was looked for before."""
        ready = list(group if is_part and len(group) > 1 else filter(self._may_be_sent, group))
        begun = self._begin(ready) if ready else []
        if len(group) > 1 and not self._deliver_batch(begun):
            rest = self._ledger.load(self._name, [one.id for one in ready])
            for part in groups(rest, -(-len(rest) // 2), self._target.spans_books):
                self._deliver(part, is_part=True)
        elif len(group) == 1:
            for delivery in begun:
                self._deliver_one(delivery)

    def _may_be_sent(self, one: Delivery) -> bool:
        """Whether an item is sent now. One that may be there is looked for, where a repeat would be a second one."""
        if not (one.is_in_doubt and one.item.kind in self._looked_for):
            return True
        there = one.where_given
        outcome = self._look(there, is_moved=there != one)
        if outcome:
            self._settle([there], [outcome])
        return outcome is None

    def _look(self, one: Delivery, is_moved: bool) -> Outcome | None:
        """What is found out about an item; None when it is not there and nothing of it can be on its way.

        A look that finds nothing proves nothing yet: the lost request may still be carried out (contract §17). A look
        is no attempt, or else every trigger would put the repeat off. is_moved: its book has another match now."""
        try:
            remote_id = None if one.item.is_tombstone else self._target.find(one.item, self._lease.renew)
        except TargetUnavailable:
            raise
        except Declined as error:
            if not (is_moved and isinstance(error, BookUnmatched)):
                return replace(self._failure(one, error), counts=False, tried=isinstance(error, Superseded))
            remote_id = None  # what that book had is gone with it
        if remote_id is not None:
            return Outcome(DELIVERED, remote_id=remote_id or None)
        if not one.last.maybe_sent:
            return None
        now = self._clock().astimezone()
        again = (min(one.before.tried_at or now, now) + self._repeat_after).astimezone()
        reason = f"looked for at {now:%H:%M}, not there; the first sync after {again:%Y-%m-%d %H:%M %Z} sends it again"
        return Outcome(UNCONFIRMED, maybe_sent=True, reason=reason, tried=False) if now < again else None

    def _deliver_batch(self, group: Sequence[Delivery]) -> bool:
        """Whether the whole group was delivered. Otherwise it goes on in parts, as possibly sent where it may be."""
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
        """What an attempt that was declined comes to. One whose outcome was unknown before stays so."""
        log.info("%s: %s %s: %s", self._name, delivery.item.kind, delivery.item.key, error.reason)
        if isinstance(error, BookUnmatched):
            self._books.forget_match(delivery.item.book.partial_md5, self._name)
        if isinstance(error, Superseded) and error.question:
            with self._holding():
                self._outbox.ask(delivery.item, delivery.revision, short_text(error.question) or "", self._clock())
        return outcome_of(error, delivery.before.maybe_sent)

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
