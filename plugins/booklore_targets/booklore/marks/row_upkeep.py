"""Keeps one row on the server for one item: made once, changed or moved with it, removed with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from booklore_core import Before, Declined, Item, ItemFailed, ItemRejected
from booklore_targets.booklore.marks.begun_rows import BegunRows
from booklore_targets.booklore.marks.foreign_rows import ForeignRows
from booklore_targets.booklore.marks.mark_text import carrying
from booklore_targets.booklore.marks.remote_rows import RemoteRows, Row, RowExists
from booklore_targets.booklore.marks.row_owners import Owner, RowOwners
from booklore_targets.booklore.marks.row_tables import ANNOTATIONS, TABLES, RowId, RowTable, Wanted, read_remote_id
from booklore_targets.booklore.sessions import book_id_of

if TYPE_CHECKING:
    from booklore_targets.booklore.run import Run

REPEAT_AFTER = 600
"""Seconds, where nothing is set. Source: server contract §17."""

Forms = Callable[[Item], Iterable[Wanted]]
"""What rows an item may have had; asked for only where nobody knows which one it has."""

log = logging.getLogger(__name__)


class PlaceIgnored(Exception):
    """The server has made a row, but not where it was told to; the row was removed again."""


class RowUpkeep:
    """What happens to an item's row. Most tables refuse a second row at one place; of the one that does not, the rows
    are looked through before one is made.

    An item that moves has a remote id while its new row is under way, and the core looks for none such. So what was
    begun is written down, and nothing is sent that could be a second one until the first one cannot come any more.
    """

    def __init__(self, run: Run) -> None:
        self._run, store = run, run.connection.store
        self.rows = RemoteRows(run.connection, run.identities)
        self.owners, self._begun = RowOwners(store), BegunRows(store, run.connection.now)
        self._foreign = ForeignRows(store)

    def bring(self, item: Item, wanted: Wanted, before: Before, forms: Forms) -> str:
        """The remote id of the item's row, which is there and as wanted afterwards. Raises Declined, PlaceIgnored."""
        book = self._book(item)
        before = replace(before, remote_id=before.remote_id or self._foreign_row(item, book, wanted.table))
        old = read_remote_id(before.remote_id)
        known = self._row_of(old, item) if old else None
        if old is None or known is None:
            wanted = carrying(wanted, self._begun.kept(item))
            return self._done(item, wanted, self._make(item, wanted, book, before), before, forms)
        is_here = old.table is wanted.table and self._book_of(old, item) == book
        if is_here and wanted.is_made_of(known) and self._settle(item, wanted, known, book):
            return self._done(item, wanted, known, before, forms)
        wanted = carrying(wanted, self._kept_in(old.table, known))
        if is_here and wanted.is_at(known):
            if wanted.kept:
                self._begun.note(item, wanted)  # it is nowhere else until the new row is there
            self._remove(old, book)  # there is room for one only
            known = None
        row = self._make(item, wanted, book, before)
        if known:
            self._remove(old, self._book_of(old, item))
        return self._done(item, wanted, row, before, forms)

    def find(self, item: Item, wanted: Wanted, forms: Forms) -> str | None:
        """The remote id of a row that is the item's, brought up to date: the core takes what is found for delivered."""
        book = self._book(item)
        foreign = self._foreign_row(item, book, wanted.table)
        row = None if foreign else self._look(item, wanted, book)
        if row is None and (earlier := foreign or self._earlier(item, forms, book)):
            return self.bring(item, wanted, Before(earlier, maybe_sent=True), forms)
        if row is None or not self._settle(item, wanted, row, book):
            return None
        log.info("%s %s had arrived", item.kind, item.key)
        return self._done(item, wanted, row, Before(), forms)

    def _foreign_row(self, item: Item, book: str, table: RowTable | None = None) -> str | None:
        """The remote id of a row that another program has made of the item's mark, and that is nobody's yet."""
        for told in self._foreign.of(item, table):
            listed = self.rows.of(TABLES[told.table], book)
            for row in told.among(listed, item):
                if self.owners.of_row(TABLES[told.table], row) is None:
                    return TABLES[told.table].remote_id(row)
        return None

    def _earlier(self, item: Item, forms: Forms, book: str) -> str | None:
        """The remote id of a row that is the item's in an earlier form, which a lost answer or database left there."""
        for form in forms(item):
            row = self._look(item, form, book)
            if row and form.is_made_of(row) and self._is_own(form.table.remote_id(row), item):
                return form.table.remote_id(row)
        return None

    def remove(self, item: Item, before: Before, forms: Forms) -> None:
        """Has the server hold no row of the item, whoever has removed it. Raises Declined."""
        book, begun = self._book(item), self._begun.of(item)
        old = read_remote_id(before.remote_id or self._foreign_row(item, book))
        if old and self._row_of(old, item) and self._is_own(old.text, item):
            self._remove(old, self._book_of(old, item))
        if before.maybe_sent or begun:
            self._sweep(item, chain(begun, forms(item)), book)
            self._hold(item, before, "removes what may have come late")
            self._begun.forget(item)

    def _make(self, item: Item, wanted: Wanted, book: str, before: Before) -> Row:
        """A new row, or the one that is in its place.

        A row of which nobody knows is one that is never removed. An item with a remote id is not looked for by the
        core, and one that was tried before may have another form by now: so theirs is written down before it is sent,
        against a crash meanwhile. A first attempt is worth the write only once its answer is lost. There all are
        noted, once more where they were before: the wait for what may come late begins with the loss.
        """
        if not wanted.table.is_unique:
            row = self._look(item, wanted, book)
            if row and self._settle(item, wanted, row, book):
                return row
            self._hold(item, before, "sends it again")
        if before.remote_id or before.maybe_sent:
            self._begun.note(item, wanted)
        try:
            row = self.rows.create(wanted.table, book, wanted.fields)
        except RowExists as error:
            row = self._adopted(item, wanted, book, str(error))
        except Declined as error:
            if error.maybe_sent:
                self._begun.note(item, wanted)
            raise
        if not wanted.is_at(row):
            self._remove(RowId(wanted.table, row["id"]), book)
            raise PlaceIgnored
        if not self._settle(item, wanted, row, book):
            raise ItemFailed("what the server has in this place went away while it was changed")
        return row

    def _adopted(self, item: Item, wanted: Wanted, book: str, answer: str) -> Row:
        """The row that the server has in the place. Raises ItemRejected when that is another item's."""
        for _ in range(2):  # the listing may be from before
            for row in self.rows.of(wanted.table, book).at(wanted.place):
                owner = self.owners.of_row(wanted.table, row)
                if owner is None or owner.is_same(item):
                    return row
                raise ItemRejected(
                    f"{wanted.name} and {owner.name} are in one place for the server, which keeps one there: "
                    "remove one of them on the device"
                )
            self.rows.forget(wanted.table)
        raise ItemRejected(answer)

    def _look(self, item: Item, wanted: Wanted, book: str) -> Row | None:
        """A row that is the item's: its own, else the likeliest of those in its place that are nobody's."""
        listed, free = self.rows.of(wanted.table, book), []
        for row in listed.at(wanted.place) if wanted.table.is_unique else listed.by_id.values():
            owner = self.owners.of_row(wanted.table, row)
            if owner and owner.is_same(item):
                return row
            if owner is None and wanted.is_at(row) and wanted.likeness(row):
                free.append(row)
        return max(free, key=wanted.likeness, default=None)

    def _settle(self, item: Item, wanted: Wanted, row: Row, book: str) -> bool:
        """Takes the row as the item's and has it as wanted; False when it is not there any more."""
        table = wanted.table
        wanted = wanted if wanted.kept else carrying(wanted, self._kept_in(table, row))
        remote_id, changes = table.remote_id(row), wanted.changes(row)
        owner = Owner(item.key, wanted.name, wanted.place, book, table.digest_of(row), wanted.kept)
        self.owners.set(remote_id, owner)  # a lost answer leaves the old content there, or the new place
        if changes and not self.rows.change(table, book, row, changes):
            self.owners.drop(remote_id)
            return False
        self.owners.set(remote_id, owner._replace(content=table.digest_of({**row, **changes})))
        return True

    def _done(self, item: Item, wanted: Wanted, row: Row, before: Before, forms: Forms) -> str:
        """The remote id, with nothing else left of the item.

        Where an attempt was lost, a row of an earlier form may be there, in another place or table: of all that were
        begun, and of all that this revision can be. What was begun is forgotten last, so that a sweep that fails is
        done again.
        """
        remote_id, begun = wanted.table.remote_id(row), self._begun.of(item)
        if before.maybe_sent or begun:
            self._sweep(item, chain(begun, forms(item)), book_id_of(item), remote_id)
            self._begun.forget(item)
        return remote_id

    def _sweep(self, item: Item, forms: Iterable[Wanted], book: str, kept: str = "") -> None:
        """Removes the rows of these forms that are the item's or nobody's, but for the one that is kept.

        What lies there of a lost attempt has no owner yet: it is told by its place and text, which a reader's own row
        has in common with it only as the same mark. Another item's is never touched, nor the same mark's of another
        file, which that one needs.
        """
        for form in forms:
            row = self._look(item, form, book)
            remote_id = form.table.remote_id(row) if row else kept
            if row and remote_id != kept and form.is_made_of(row) and self._is_own(remote_id, item):
                self._remove(RowId(form.table, row["id"]), book)

    def _remove(self, row: RowId, book: str) -> None:
        self.rows.remove(row.table, book, row.id)
        self.owners.drop(row.text)

    def _book(self, item: Item) -> str:
        """The server's id of the item's book, which still is that book. Raises Declined."""
        book = book_id_of(item)
        self._run.identities.check(book)
        return book

    def _book_of(self, old: RowId, item: Item) -> str:
        """The book in which a row was made, whatever the item's is matched with since."""
        owner = self.owners.of(old.text)
        return owner.book if owner else book_id_of(item)

    def _row_of(self, old: RowId, item: Item) -> Row | None:
        """The row that a remote id names, None when it is gone or has become another's: a library that is made anew
        gives ids out again."""
        row = self.rows.of(old.table, self._book_of(old, item)).by_id.get(old.id)
        owner = self.owners.of(old.text)
        is_ours = owner is None or (owner.is_same(item) and row and owner.has(old.table, row))
        return row if is_ours else None

    def _kept_in(self, table: RowTable, row: Row) -> str:
        """What somebody has written on the server: on a highlight all that is noted there, else what the row was given
        to carry on and the reader has left in it."""
        note, owner = str(row.get(table.note) or ""), self.owners.of_row(table, row)
        if table is ANNOTATIONS:
            return note
        return owner.kept if owner and owner.kept in note else ""

    def _is_own(self, remote_id: str, item: Item) -> bool:
        """Whether no other item, the same mark of another file included, needs the row."""
        owner = self.owners.of(remote_id)
        return owner is None or owner.key == item.key

    def _hold(self, item: Item, before: Before, what: str) -> None:
        """Raises ItemFailed while a request of an item that has a remote id may still be carried out (contract §17)."""
        after = float(self._run.settings.get("repeat_after", REPEAT_AFTER)) + self._begun.last_at(item)
        if before.remote_id and self._run.connection.now() < after:
            again = datetime.fromtimestamp(after, UTC).astimezone()
            reason = f"looked for, not there; the first sync after {again:%Y-%m-%d %H:%M %Z} {what}"
            raise ItemFailed(reason, maybe_sent=True)
