"""The only loop that delivers. Targets never see the outbox."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta

from booklore_core.guard.shape import short_text
from booklore_core.items import BookRef
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.gateway import Answer, Gateway
from booklore_core.pipeline.groups import Groups, Request, is_of_all
from booklore_core.pipeline.lease import Clock, Lease, LeaseLost
from booklore_core.pipeline.ledger import DELIVERED, UNCONFIRMED, Delivery, Ledger, Outcome, outcome_of
from booklore_core.pipeline.outbox import Outbox
from booklore_core.storage.counts import count_pending_at
from booklore_core.storage.database import Database
from booklore_core.targets import BookUnmatched, Declined, ItemRejected, MatchingTarget, Superseded, TargetUnavailable

log = logging.getLogger(__name__)

CHUNK = 500
Progress = Callable[[int], None]


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
        self._needs_match = target.has(MatchingTarget)
        self._looked_for, self._repeat_after = target.looked_for, timedelta(seconds=repeat_after)
        self._lease, self._summary = Lease(database, target.name, clock), RunSummary(target.name)

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> RunSummary:
        """One run. Another process that is delivering to the target just now is left to it."""
        due = self._ledger.due(self._name, self._book)
        if due:
            with self._target.session():
                tell = (lambda done: on_progress(done, len(due))) if on_progress else (lambda done: None)
                self._summary.unavailable = self._obstacle() or self._bring_all(due, tell)
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
            self._groups = Groups(self._target)  # what it can do may be known only after the first ones
            with self._holding():
                ready = self._matched(self._ledger.load(self._name, ids))
            on_progress(done := start + len(ids) - len(ready))
            for group in self._groups.of(ready):
                self._deliver(group)
                on_progress(done := done + sum(map(len, group)))

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
        self._ledger.wait(waiting, self._name, "the book is not matched yet", self._clock())
        return [one for one in deliveries if one.item.book.match is not None]

    def _deliver(self, group: Sequence[Request], is_looked: bool = False) -> None:
        """Begins requests together, sends them and settles them together. is_looked: they were looked for just now."""
        begun = self._begin(group if is_looked else self._unfound(group))
        if not begun:
            return
        wanted = [[(one.item, one.before) for one in request] for request in begun]
        answers: list[Answer] = []
        try:
            self._target.deliver_all(wanted, answers, self._lease.holds, self._lease.renew)
        finally:
            self._settle_all(begun, answers)
        for stop in (one for one in answers if isinstance(one, TargetUnavailable)):
            raise stop
        for request, answer in zip(begun, answers, strict=True):
            if isinstance(answer, Declined) and not is_of_all(request, answer):
                self._deliver_parts(request)
        left = [request for request, answer in zip(begun, answers, strict=True) if answer is None]
        if len(left) < len(begun):  # the computer slept, a clock was set, or their book is not there
            self._deliver(left)

    def _deliver_parts(self, batch: Request) -> None:
        """After a batch that was declined: by halves what was not taken, one by one what may be there."""
        for group in self._groups.of(self._ledger.load(self._name, [one.id for one in batch]), -(-len(batch) // 2)):
            self._deliver(group, is_looked=group[0][0].is_fresh)

    def _unfound(self, group: Sequence[Request]) -> list[Request]:
        """What is sent now. What may be there is looked for first, where a repeat would be a second one."""
        found: dict[int, tuple[Delivery, Outcome]] = {}
        try:
            for one in (one for request in group for one in request if one.item.kind in self._looked_for):
                if one.is_in_doubt:
                    outcome = self._look(there := one.where_given, is_moved=there != one)
                    found |= {one.id: (there, outcome)} if outcome else {}
        finally:
            self._settle(found.values())
        return [[one for one in request if one.id not in found] for request in group]

    def _look(self, one: Delivery, is_moved: bool) -> Outcome | None:
        """What is found out about an item; None when it is not there and nothing of it can be on its way.

        A look that finds nothing proves nothing yet: the lost request may still be carried out (contract §17). A look
        is no attempt, or else every trigger would put the repeat off. is_moved: its book is matched with another one.
        """
        try:
            remote_id = None if one.item.is_tombstone else self._target.find(one.item, self._lease.renew)
        except TargetUnavailable:
            raise
        except Declined as error:
            if not (is_moved and isinstance(error, BookUnmatched | ItemRejected)):
                return replace(self._failure(one, error), counts=False, tried=isinstance(error, Superseded))
            remote_id = None  # what that book had is gone with it, or it has no place for such an item
        if remote_id is not None:
            return Outcome(DELIVERED, remote_id=remote_id or None)
        if not one.last.maybe_sent:
            return None
        now = self._clock().astimezone()
        again = (min(one.before.tried_at or now, now) + self._repeat_after).astimezone()
        minute = f"{again + timedelta(seconds=59):%Y-%m-%d %H:%M %Z}"  # from which on it is after that
        reason = f"looked for at {now:%H:%M}, not there; the first sync after {minute} sends it again"
        return Outcome(UNCONFIRMED, maybe_sent=True, reason=reason, tried=False) if now < again else None

    def _failure(self, delivery: Delivery, error: Declined) -> Outcome:
        """What an attempt that was declined comes to. One whose outcome was unknown before stays so."""
        log.info("%s: %s %s: %s", self._name, delivery.item.kind, delivery.item.key, error.reason)
        if isinstance(error, BookUnmatched):
            self._books.forget_match(delivery.item.book.partial_md5, self._name)
        if isinstance(error, Superseded) and error.question:
            with self._holding():
                self._outbox.ask(delivery.item, delivery.revision, short_text(error.question) or "", self._clock())
        return outcome_of(error, delivery.before.maybe_sent)

    def _begin(self, group: Sequence[Request]) -> list[Request]:
        """Notes that the outcome is unknown from here on. Returns what is still due, as it is now."""
        ids = [one.id for request in group for one in request]
        with self._holding() if ids else nullcontext():
            due = {one.id: one for one in self._matched(self._ledger.load(self._name, ids))}
            self._ledger.begin(list(due.values()), self._name, self._clock())
        return [now for request in group if (now := [due[one.id] for one in request if one.id in due])]

    def _settle_all(self, begun: Sequence[Request], answers: Sequence[Answer]) -> None:
        """Notes what became of requests; what was certainly not sent is as it was before."""
        settled: list[tuple[Delivery, Outcome]] = []
        unsent: list[Delivery] = []
        with self._holding():
            for request, answer in zip(begun, answers, strict=True):
                if outcomes := self._outcomes(request, answer):
                    settled += zip(request, outcomes, strict=True)
                else:
                    unsent += request
            self._ledger.withdraw(unsent, self._name, self._clock())
            self._settle(settled)

    def _outcomes(self, request: Request, answer: Answer) -> list[Outcome]:
        """What a request comes to; nothing where it was certainly not sent."""
        if isinstance(answer, Declined):
            if is_of_all(request, answer) and not isinstance(answer, TargetUnavailable):
                return [self._failure(one, answer) for one in request]
            log.info("%s: %d at once: %s", self._name, len(request), answer.reason)
            unknown = Outcome(UNCONFIRMED, maybe_sent=True, reason=f"outcome unknown: {answer.reason}")
            return [unknown] * len(request) if answer.maybe_sent else []
        return [Outcome(DELIVERED, remote_id=remote_id) for remote_id in answer or ()]

    def _settle(self, settled: Collection[tuple[Delivery, Outcome]]) -> None:
        if settled:
            with self._holding():
                self._ledger.settle(settled, self._name, self._clock())
        for delivery, outcome in settled:
            self._summary.count(outcome, delivery.item.kind)
