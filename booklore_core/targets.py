"""What a sync target is, what one attempt may find out, and how a target declines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from booklore_core.items import BookRef, Item


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier attempts of this item at this target left behind.

    remote_id: the id that an earlier revision was given, if any.
    maybe_sent: an earlier attempt, of this or an earlier revision, began and its outcome is unknown. A target whose
    create is not idempotent has `find`; then the core has looked, and waited, before it comes here again.
    tried_at: when the last attempt was begun that may have sent anything, UTC.
    is_older: the item occurred before the target was owed anything: an earlier database may have sent it, and much may
    have happened at the remote since.
    """

    remote_id: str | None = None
    maybe_sent: bool = False
    tried_at: datetime | None = field(default=None, compare=False)
    is_older: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Match:
    """A target's own id for a book, and how it was found: how is `digest`, `isbn`, `file`, `person`, …; sure 0–1."""

    remote_id: str
    how: str
    sure: float = 1.0
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A book of the remote library that a person may choose as match. score: fraction 0–1."""

    remote_id: str
    title: str
    authors: tuple[str, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a connection test: what was checked, whether it works, what was found, what to do."""

    check: str
    ok: bool
    detail: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class RemotePosition:
    """Where the remote's reader is. percent: fraction 0–1. position: xpointer, or a page number as text. device: its
    name for people. at: UTC.

    Of one that the target pushed itself (see `Pushed`) it is known which device read there (device_id), in which file
    (partial_md5), and when. forced_from: nobody has read up to here; a reader who was there marked the book as read.
    A percent that is no fraction says nothing, and is None; a time without zone is UTC.
    """

    percent: float | None
    position: str | None = None
    device: str | None = None
    at: datetime | None = None
    device_id: str | None = None
    partial_md5: str | None = None
    forced_from: float | None = None

    def __post_init__(self) -> None:
        if self.percent is not None and not 0 <= self.percent <= 1:  # what is no number is in no range either
            object.__setattr__(self, "percent", None)
        if self.at is not None and self.at.tzinfo is None:
            object.__setattr__(self, "at", self.at.replace(tzinfo=UTC))


class Declined(Exception):
    """Why a target did not do what was asked. maybe_sent: the remote may have taken the item all the same. target: its
    name, filled in by the core."""

    def __init__(self, reason: str, maybe_sent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_sent = maybe_sent
        self.target = ""

    def __str__(self) -> str:
        return f"{self.target}: {self.reason}" if self.target else self.reason


class TargetUnavailable(Declined):
    """The remote cannot be reached or cannot work now: this run ends for the target and no item counts an attempt.
    Unless maybe_sent is False the item in flight is taken as possibly sent."""

    def __init__(self, reason: str, maybe_sent: bool = True) -> None:
        super().__init__(reason, maybe_sent)


class BookUnmatched(Declined):
    """The remote does not know the book (any more): its items wait until it is matched."""


class Superseded(Declined):
    """The remote holds something newer than this item: it is given up, and only a later revision is sent. question: as
    that of a `Proposal`; a yes sends the item again, with `agreed` true in its body."""

    def __init__(self, reason: str, question: str = "") -> None:
        super().__init__(reason)
        self.question = question


class ItemRejected(Declined):
    """The remote says that it will never take this item as it is. It is shown, and tried again at the next sync all the
    same: the remote may have changed its mind."""


class ItemFailed(Declined):
    """This attempt failed, the next run tries again; with maybe_sent the outcome is unknown and the item is held."""


@runtime_checkable
class Target(Protocol):
    """A place items go. `deliver` returns the remote's id for the item, if it has one, or raises one of the above.

    Optional, looked up by name:
    `deliver_batch(items) -> list[str | None] | None` takes up to `batch_size` (default 100) items of one kind and book,
    of any where it is in `spans_books`, none of which was ever begun; when it raises, by halves or one by one. It takes
    `concurrency` requests at a time, from as many threads, each of another book. `batched`, `concurrent`: their kinds.
    `match(books) -> Mapping[str, Match]` finds the remote's books by partial MD5, certain matches only; a target that
    has it is given no item of an unmatched book. `search(text, limit)`, `book(remote_id)` serve matching by hand, where
    `cover(remote_id) -> bytes | None` shows a JPEG, PNG, GIF or WebP of at most 2 MiB; `choose(book)` is told it.
    `begin_rematch(books)` comes before books are matched anew: which of them still are the remote's under their id.
    `find(item)` looks for an item of unknown outcome: a target whose create is not idempotent has it, see
    `LookingTarget`; without it the item is simply delivered again at the next run.
    `audit(book, items)` compares. `remote_progress(book)` tells the remote's position. `check()` tests the connection.
    `credentials` and `log_in()` are an account. `about` is a line about the remote, told without asking it, or the
    command `booklore …` that sets it up; `address` is where it is. Every call has a minute; whatever else it raises is
    a failed attempt, whose outcome is unknown if it may have sent.
    `close()` comes after a run and when a call took too long: one still under way sends nothing more; the next opens.
    """

    name: str
    kinds: frozenset[str]

    def deliver(self, item: Item, before: Before) -> str | None: ...


@runtime_checkable
class BatchTarget(Target, Protocol):
    def deliver_batch(self, items: Sequence[Item]) -> Sequence[str | None] | None: ...


@runtime_checkable
class LookingTarget(Target, Protocol):
    """A target at which a repeat may be a second one, because the remote does not recognise it.

    While an item's outcome is unknown and no remote id is known of it, the core asks `find` in every run and delivers
    again only when it is not there and `<plugin>.repeat_after` seconds have gone by since the last attempt: a request
    may be carried out minutes after everybody has given it up. Source: server contract §17.
    It is also asked before the first delivery of what occurred before the target was owed anything, or a file of past
    reading told: another program may have sent it. What is not there then is delivered in the same run, so one answer
    of the remote should serve all items of a book.
    looked_for (optional): the kinds to which this applies, where it is not all; the others' repeats change nothing.
    """

    def find(self, item: Item) -> str | None:
        """The remote's id of the item, in whatever earlier form it is there, or "" where it has none; None when it is
        not there. An item that was removed is not asked for.

        Raises what `deliver` raises when that cannot be told, and the item is held; Superseded gives it up.
        """
        ...


@runtime_checkable
class MatchingTarget(Target, Protocol):
    def match(self, books: Sequence[BookRef]) -> Mapping[str, Match]: ...


@runtime_checkable
class RematchingTarget(MatchingTarget, Protocol):
    def begin_rematch(self, books: Sequence[BookRef]) -> Collection[str]:
        """The partial MD5s of those books that still are what book.match names, whatever became of title and file.

        From here to `close()` nothing that was found out about books earlier is believed. Raises TargetUnavailable.
        """
        ...


@runtime_checkable
class SearchableTarget(MatchingTarget, Protocol):
    def search(self, text: str, limit: int) -> Sequence[Candidate]: ...

    def book(self, remote_id: str) -> Candidate | None: ...


@runtime_checkable
class CheckableTarget(Target, Protocol):
    def check(self) -> Sequence[Check]: ...


@runtime_checkable
class AccountTarget(Target, Protocol):
    """A target with an account. credentials: the names of its plugin's settings that make it, in the order in which
    they are asked for; optional token_credentials: those of an account without a password, `token` among them. `log_in`
    tries the account as it is set now; the line whose `check` is `account` says whether it is good."""

    credentials: Sequence[str]

    def log_in(self) -> Sequence[Check]: ...


@runtime_checkable
class ProgressTarget(Target, Protocol):
    def remote_progress(self, book: BookRef) -> RemotePosition | None: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in which a remote differs from what it was sent. what: `missing`, `duplicate` or `overlapping`.

    key: the item's, empty where none belongs to it. detail: what was found. advice: what to do about it.
    """

    what: str
    kind: str
    book: BookRef
    key: str
    detail: str
    advice: str = ""


@runtime_checkable
class AuditableTarget(Target, Protocol):
    def audit(self, book: BookRef, items: Sequence[Item]) -> Sequence[Finding]:
        """Compares what the remote holds about a book with the items it has taken; book.match is its own id.

        The items are all that it was given for this book of its own; they may be of several books of the reader's.
        audited (optional): the kinds that can be compared, where it is not all.

        Raises TargetUnavailable, BookUnmatched.
        """
        ...
