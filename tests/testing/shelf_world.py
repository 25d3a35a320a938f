"""Two right targets, one with every optional part, at a remote in memory that fails in every way."""

import threading

import pytest

from booklore_core import (
    BookUnmatched,
    Candidate,
    Check,
    ItemFailed,
    ItemRejected,
    Match,
    RemotePosition,
    TargetUnavailable,
)
from booklore_core.testing.target_contract import BOOKS, TargetContract


class Refused(Exception):
    """An answer of the remote that is none. Its argument: a status as of HTTP."""


STATUS = {"refuses": 422, "unknown": 404, "error": 500, "unauthorised": 401}


class Remote:
    """Rows by key, of books that it knows by an id. fault: how it fails; writes: the requests to change something
    since then; refused: which of them `refuses` and `unknown` are about."""

    refused = ()

    def __init__(self):
        self.rows, self.places = {}, {}
        self.ids = {book.partial_md5: f"id-{number}" for number, book in enumerate(BOOKS)}
        self.fault, self.writes, self.released = "", 0, threading.Event()
        self.has_failed = False

    def ask(self, timeout, change=None):
        self.writes += change is not None
        if self.fault in ("silent", "hangs"):
            self.released.wait(timeout if self.fault == "silent" else 20)
            raise TimeoutError("nothing came")
        if self.fault == "unreachable":
            raise ConnectionRefusedError("nobody is there")
        if self.fault == "unauthorised" or (self.fault == "error" and change):
            raise Refused(STATUS[self.fault])
        if self.fault in ("refuses", "unknown") and change and self.writes in self.refused:
            raise Refused(STATUS[self.fault])
        is_lost = self.fault.startswith("lost") and self.writes
        if change and not (is_lost and (self.fault == "lost_request" or self.writes > 1)):
            change()
        if is_lost:
            raise ConnectionResetError("hung up")


class Shelf:
    """A repeat changes nothing at its remote: what is held is held by its key."""

    name, kinds = "shelf", frozenset({"annotation", "rating", "progress"})
    timeout = 0.1

    def __init__(self, remote, store):
        self.remote, self.store = remote, store

    def deliver(self, item, before):
        if item.kind not in self.kinds:
            raise ItemRejected(f"no {item.kind} is taken here")
        self.ask(lambda: self.write(item))
        return item.key

    def write(self, item):
        if item.is_tombstone or item.body.get("rating", 0) is None:
            self.remove(item.key)
        else:
            self.keep(item)

    def keep(self, item):
        self.remote.rows[item.key] = {"title": item.book.title, **item.body}

    def remove(self, key):
        self.remote.rows.pop(key, None)

    def ask(self, change=None):
        try:
            self.remote.ask(self.timeout, change)
        except ConnectionRefusedError as error:
            raise self.away(str(error)) from error
        except OSError as error:
            raise TargetUnavailable(str(error)) from error
        except Refused as error:
            raise self.declined(*error.args) from error

    def away(self, reason):
        return TargetUnavailable(reason, maybe_sent=False)

    def declined(self, status):
        if status == 401:
            return TargetUnavailable("the account is refused", maybe_sent=False)
        return {404: BookUnmatched, 422: ItemRejected}.get(status, ItemFailed)(f"answers {status}")


class Library(Shelf):
    """Has its own ids of books, takes batches, and can be asked for what it holds."""

    def deliver(self, item, before):
        if item.book.match not in self.remote.ids.values():
            raise BookUnmatched("the book is not there")
        return super().deliver(item, before)

    def deliver_batch(self, items):
        self.ask(lambda: [self.write(item) for item in items])
        return [item.key for item in items]

    def keep(self, item):
        super().keep(item)
        if item.kind == "progress":
            self.remote.places[item.book.match] = item.body["percent"]

    def find(self, item):
        self.ask()
        return item.key if item.key in self.remote.rows else None

    def match(self, books):
        self.ask()
        ids = self.remote.ids
        return {book.partial_md5: Match(ids[book.partial_md5], "digest") for book in books if book.partial_md5 in ids}

    def search(self, text, limit):
        return [Candidate(self.remote.ids[book.partial_md5], book.title) for book in BOOKS if text in book.title]

    def book(self, remote_id):
        titles = {self.remote.ids[book.partial_md5]: book.title for book in BOOKS}
        return Candidate(remote_id, titles[remote_id]) if remote_id in titles else None

    def remote_progress(self, book):
        self.ask()
        percent = self.remote.places.get(book.match)
        return None if percent is None else RemotePosition(percent)

    def check(self):
        try:
            self.ask()
        except TargetUnavailable as error:
            return [Check("shelf", False, error.reason)]
        return [Check("shelf", True, "it answers")]

    def close(self):
        pass


class ShelfContract(TargetContract):
    """made: the class of the target."""

    made = Library

    @pytest.fixture(autouse=True)
    def remote(self):
        self.remote = Remote()
        yield
        self.remote.released.set()

    def make_target(self, store):
        return self.made(self.remote, store)

    def held(self):
        return list(self.remote.rows.values())

    def fail(self, fault):
        self.remote.refused = self.refused_writes
        self.remote.fault, self.remote.writes, self.remote.has_failed = fault, 0, True
        return True

    def mend(self):
        self.remote.fault = ""
        self.remote.released.set()
