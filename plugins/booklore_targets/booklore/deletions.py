"""Delivers that a book was deleted on the device: off the shelf, or, where a person chose that, off the server.

The server's delete takes every file of a book, and what everybody has about it, for ever (contract §10). It is asked
for in one place, about one id, under one policy, after one proof. Where anything speaks against it nothing is done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from booklore_core import Before, BookRef, BookUnmatched, Declined, Item, ItemFailed, ItemRejected, Superseded
from booklore_targets.booklore.answers import NO_ACCESS, declined, message
from booklore_targets.booklore.candidates import likely, of_its_size
from booklore_targets.booklore.digest import read_remote
from booklore_targets.booklore.library import Listed, listed, title_keys
from booklore_targets.booklore.proofs import is_same
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.sessions import book_id_of
from booklore_targets.booklore.shelves import Shelves
from booklore_targets.booklore.titles import title_key

if TYPE_CHECKING:
    from requests import Response

PATH = "/api/v1/books"
UNSHELVE, DELETE = "unshelve", "delete"
MOST_READ, FRESH = 30, 30
"""So many files of one size are read in a run to see whether the library has a file only once; seconds for which a
listing is believed that says so."""

BY_HAND = "delete it on the server's page if it is to go, or clear this deletion if it is to stay"
UNREAD = f"the server does not show its file, so nobody knows whether it is the one that was deleted: {BY_HAND}"
ANOTHER = "the server's file is not the one that was deleted, and stays (“{}” on the device, “{}” there): " + BY_HAND
FURTHER = f"the server's book has other files as well, which would go with it: {BY_HAND}"
SEVERAL = "the server has the file more than once, as {}, and nobody knows which is meant: " + BY_HAND
MORE = "whether the library has the file only once is not known yet: {} more of its size are compared at the next syncs"
OTHER_NAME = (
    "it is “{}” on the device and “{}” on the server, and without its size nobody knows whether that is the same book: "
    "see to it on the server's page, and clear this deletion"
)
FORBIDDEN = (
    "the account lacks the permission to delete books: an admin gives it on the server's page, Settings → Users; or "
    "set deletions.policy to unshelve for what is deleted from then on, and clear this deletion"
)
LEFT = (
    "the server has taken the book out of its library and could not remove the file, which its next scan brings back: "
    "remove it by hand, and let the server write to its folder"
)
BACK = (
    "the server has deleted the book and has its file again, as {}: clear this deletion if that is to stay, or delete "
    "it on the server's page, and let the server write to its folder, or a scan brings it back"
)
STILL_THERE = "the server says that it has deleted the book, and still has it"

CONSEQUENCE = "Of each that deletes all of its files, in every format, and what all readers have about it, for ever."
OLDER = "it was deleted before the server was set up here, and may have been put back since: only a person knows"
ON_THE_SHELF = (
    "Some books were deleted before the server was set up here, and stand on its shelf “{}”, where somebody may have "
    "put them back. Take them off?"
)
IN_THE_LIBRARY = (
    "Some books were deleted before the server was set up here, and are in its library, where somebody may have put "
    f"them back. Delete them there? {CONSEQUENCE}"
)
LATER = "the library has “{}” only since {} UTC, after it was deleted on the device: only a person knows if it goes"
ADDED_LATER = f"Some books came into the server's library after they had been deleted. Delete them there? {CONSEQUENCE}"


class Deletions:
    """The target's handler of items of the kind `deletion`. A file that came back asks for nothing."""

    def __init__(self, run: Run) -> None:
        self._run, self._shelves = run, Shelves(run)

    def deliver(self, item: Item, before: Before) -> str | None:
        """The id of the book that was deleted, None where it only left a shelf. Source: server contract §9, §10."""
        policy, shelf = item.body.get("policy"), item.body.get("shelf")
        if item.is_tombstone:
            return None
        if policy == DELETE:
            return self._delete(item, book_id_of(item), before)
        if policy != UNSHELVE or not isinstance(shelf, str) or not shelf.strip():
            raise ItemRejected(f"nothing is known to do for the policy {policy!r} with the shelf {shelf!r}")

        def agree(told: Any) -> None:
            refuse_other_name(item.book, listed(told))
            if before.is_older and not is_agreed(item):
                raise Superseded(OLDER, asked(ON_THE_SHELF.format(shelf), item.book))

        self._shelves.take_off(book_id_of(item), shelf, agree)
        return None

    def _delete(self, item: Item, book_id: str, before: Before) -> str:
        login = self._run.connection.login
        proven_with = login.token()
        told = self._run.identities.find(book_id)
        if told is None:
            return self._gone(item.book, book_id, before)
        self._prove(item.book, book_id, told)
        if not is_agreed(item):
            refuse_doubtful(item, before, listed(told))

        def prove_again() -> None:
            if login.token() != proven_with:
                self._prove(item.book, book_id, self._run.identities.look(book_id))

        response = self._run.connection.ask("DELETE", PATH, params={"ids": book_id}, before=prove_again)
        self._finish(response, book_id)
        self._run.identities.note_deleted(book_id)
        return book_id

    def _gone(self, book: BookRef, book_id: str, before: Before) -> str:
        """What comes of a book that is not there any more: it is done where an earlier attempt may have deleted it, or
        where it was proven to be the file, and where the library has that under no other id."""
        others = self._others(book, book_id, book.size)
        is_ours = before.maybe_sent or before.remote_id == book_id
        if others and is_ours:
            raise ItemRejected(BACK.format(named(others)), maybe_sent=True)
        if others or not (is_ours or self._run.identities.is_proven(book_id, book.partial_md5)):
            raise BookUnmatched(f"the server has no book of number {book_id} any more")
        self._run.identities.note_deleted(book_id)
        return book_id

    def _prove(self, book: BookRef, book_id: str, told: Any) -> None:
        """Raises ItemRejected unless the server's book is the very file that was deleted, and nothing besides, and no
        other book has that."""
        there = listed(told)
        refuse_other_name(book, there)
        if told.get("alternativeFormats"):
            raise ItemRejected(FURTHER)
        remote = read_remote(self._run.connection, int(book_id), None, book.size)
        if remote is None:
            raise ItemRejected(UNREAD)
        if not is_same(book, remote):
            raise ItemRejected(ANOTHER.format(title_of(book), there.shown_title if there else book_id))
        others = self._others(book, book_id, remote.size)
        if others:
            raise ItemRejected(SEVERAL.format(named([there, *others] if there else others)))

    def _others(self, book: BookRef, book_id: str, size: int | None) -> list[Listed]:
        """The other books of the library that are the very file, or cannot be read and may be by their names. size: its
        bytes, as far as it is known."""
        shelf, proofs = self._run.library.shelf(FRESH), self._run.proofs
        alike = likely(shelf, book)
        found = alike if size is None else of_its_size(shelf, replace(book, size=size, file=None))
        copies = [copy for copy in found if str(copy.book.id) != book_id and not proofs.refutes(book, copy)]
        held = [(copy, proofs.holds(book, copy)) for copy in copies[:MOST_READ]]
        others = [copy.book for copy, is_it in held if is_it or (is_it is None and copy in alike)]
        proofs.remember()
        if len(copies) > MOST_READ and not others:
            raise ItemFailed(MORE.format(len(copies) - MOST_READ))
        return others

    def _finish(self, response: Response, book_id: str) -> None:
        """Raises Declined unless book and file are gone. What the answer calls deleted is what was asked for."""
        from booklore_core.http import json_answer

        told, text = json_answer(response, "deleted", "failedFileDeletions"), message(response)
        if response.status_code == 403 and text and NO_ACCESS not in text:
            raise ItemRejected(FORBIDDEN)
        if response.status_code not in (200, 207) or told is None:
            raise declined(response, writing=True)
        if not self._is_gone(book_id):
            raise ItemFailed(STILL_THERE)
        if response.status_code == 207 or told["failedFileDeletions"]:
            raise ItemRejected(LEFT, maybe_sent=True)

    def _is_gone(self, book_id: str) -> bool:
        """Raises Declined, maybe_sent True: something was sent before it is asked."""
        try:
            return self._run.identities.find(book_id) is None
        except Declined as error:
            error.maybe_sent = True
            raise


def refuse_other_name(book: BookRef, there: Listed | None) -> None:
    """Raises ItemRejected where only a digest says that a book is the server's, and its title says something else: a
    file that is gone may have told the digest of the one that lay there before."""
    if book.size is None and book.title and there and title_key(book.title) not in title_keys(there):
        raise ItemRejected(OTHER_NAME.format(book.title, there.shown_title))


def refuse_doubtful(item: Item, before: Before, there: Listed | None) -> None:
    """Raises Superseded where somebody may have wanted the book in the library after it was deleted on the device."""
    if before.is_older:
        raise Superseded(OLDER, asked(IN_THE_LIBRARY, item.book))
    if there and there.added and there.added > f"{item.occurred_at:%Y-%m-%dT%H:%M:%S}":
        since = there.added[:16].replace("T", " ")
        raise Superseded(LATER.format(there.shown_title, since), asked(ADDED_LATER, item.book))


def is_agreed(item: Item) -> bool:
    return item.body.get("agreed") is True


def asked(question: str, book: BookRef) -> str:
    """A question as a `Proposal` has it: its second line names what it is about."""
    return f"{question}\n“{title_of(book)}”"


def title_of(book: BookRef) -> str:
    return " ".join((book.title or book.file or book.partial_md5[:8]).split())


def named(books: list[Listed]) -> str:
    return " and ".join(f"“{book.shown_title}” ({book.id})" for book in books)
