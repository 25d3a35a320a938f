"""Takes the Lua plugin's books over, each in one transaction: after a kill in the middle the next takes the rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from math import ceil
from typing import Any

from booklore_core import BookRef, Facts, Item, Proposal, Remark
from booklore_targets.booklore.lua_plugin.book_plan import SOURCE, BookPlan, Circumstances, KnownReading, SentItem
from booklore_targets.booklore.lua_plugin.cached_books import CachedBook
from booklore_targets.booklore.lua_plugin.contents import SESSION, BookRows, Contents
from booklore_targets.booklore.lua_plugin.known_settings import SettingSteps
from booklore_targets.booklore.lua_plugin.match_check import NAME, Checked
from booklore_targets.booklore.lua_plugin.planning import plan_book
from booklore_targets.booklore.marks.foreign_rows import ForeignRow, ForeignRows
from booklore_targets.booklore.sessions import IN_PART
from booklore_targets.booklore.titles import title_key

ASKED, UNTRACKED = "lua_plugin/asked", "lua_plugin/untracked"
"""Keys of our store: what a person was asked about, and which books had their tracking switched off by a takeover."""

SENT_IN_PART = """
SELECT i.key FROM deliveries d JOIN items i ON i.id = d.item_id WHERE d.target = :target AND d.remote_id LIKE :ending
"""
CHUNK = 500
DELIVERED, UNCONFIRMED, NEW = "delivered", "unconfirmed", "new"
PERHAPS = "the plugin that you come from may have sent it"


@dataclass
class Takings:
    """What a takeover comes to, or would. counts: by what. news: how many facts have changed."""

    counts: Counter[str] = field(default_factory=Counter)
    news: int = 0
    matched: int = 0
    untracked: int = 0

    def add(self, plan: BookPlan) -> None:
        self.counts += plan.counts
        for how, items in ways_of(plan).items():
            self.counts.update(f"{item.kind} {how}" for item in items)


def ways_of(plan: BookPlan) -> dict[str, list[Item]]:
    """What becomes of the items → which ones."""
    return {
        "delivered": [one.item for one in plan.sent if one.is_certain],
        "perhaps": [one.item for one in plan.sent if not one.is_certain],
        "due": list(plan.due),
        "asked": [one.item for one in plan.asked],
        "taken out": list(plan.gone),
    }


class Takeover:
    """One database into one core. core: see `booklore_core.core.Core`."""

    def __init__(self, core: Any, contents: Contents, steps: SettingSteps) -> None:
        self._core, self._contents, self._steps = core, contents, steps
        self._store = core.store(NAME)
        self._foreign = ForeignRows(self._store)
        sent = core.database.rows(SENT_IN_PART, target=NAME, ending=f"%{IN_PART}")
        self._in_part = {row["key"] for row in sent}
        self._titled: dict[str, list[BookRef]] = defaultdict(list)
        for one in Facts(core.database, core.clock()).books():
            self._titled[title_key(one.title or "")] += [one] if one.title else []

    def foresee(self) -> Takings:
        """What would be taken over. Changes nothing."""
        takings, about = Takings(), self._about(self._steps.taken)
        for rows in self._contents.books.values():
            takings.add(self._plan(rows, self.ref(rows.book), about))
        return takings

    def _plan(self, rows: BookRows, ref: BookRef, about: Circumstances) -> BookPlan:
        """What becomes of a book, without what is due since an earlier time."""
        plan, facts = (
            plan_book(rows, ref, self._known(rows.book, about.now), about),
            Facts(self._core.database, about.now),
        )
        gone = {item.key for item in plan.gone}
        known = [fact.item for one in plan.due for fact in facts.known(one.kind, [one.key]) if one.key not in gone]
        told = {(item.kind, item.key, item.text) for item in known}
        plan.due = [item for item in plan.due if (item.kind, item.key, item.text) not in told]
        return plan

    def wanted_matches(self) -> dict[str, tuple[CachedBook, BookRef]]:
        """The plugin's matches of those books that have none here."""
        known = self._core.books.matches(NAME)
        books = [rows.book for md5, rows in self._contents.books.items() if md5 not in known]
        return {book.md5: (book, replace(self.ref(book), file=book.file)) for book in books if book.ids}

    def carry_out(self, checked: Checked, tell: Callable[[int, int], object]) -> Takings:
        """Takes everything over that is not here yet."""
        takings, about = Takings(), self._about({})
        for done, rows in enumerate(self._contents.books.values()):
            tell(done, len(self._contents.books))
            with self._core.database.writing():
                self._take(rows, checked, about, takings)
        return takings

    def ref(self, book: CachedBook) -> BookRef:
        """The book as it is known here, and what the plugin knows besides."""
        known: BookRef = self._core.books.get(book.md5) or BookRef(book.md5)
        isbns = known.isbns or book.isbns
        title, authors = known.title or book.title, known.authors or book.authors
        return replace(known, title=title, authors=authors, isbn=next(iter(isbns), None), isbns=isbns)

    def _about(self, coming: Mapping[str, Any]) -> Circumstances:
        """coming: settings that are not stored yet."""

        def setting(name: str, default: Any) -> Any:
            return coming.get(name, self._core.settings.section(NAME).get(name, default))

        is_told = setting("deletions.enabled", True) and setting("deletions.policy", "") != "ignore"
        present = (row["book_md5"] for row in self._core.database.table("files").find(gone=0))
        return Circumstances(
            self._core.clock(),
            self._steps.is_same_library,
            self._contents.settings.get("rating_sync_mode") != "select_at_complete",
            setting("deletions.shelf", "KOReader") if is_told else "",
            frozenset(present),
        )

    def _take(self, rows: BookRows, checked: Checked, about: Circumstances, takings: Takings) -> None:
        core, book, ref = self._core, rows.book, self.ref(rows.book)
        core.books.keep([ref], about.now)
        takings.matched += self._match(book, checked, about.now)
        takings.untracked += self._untrack(book)
        self._foreign.note(book.md5, foreign_rows(rows, about))
        plan = self._plan(rows, ref, about)
        if about.rates_by_stars:
            self._keep_stars(rows)
        takings.news += core.outbox.put(plan.items, NAME, about.now)
        credit(core, plan.sent, book.md5, about.now)
        takings.news += self._ask(plan.asked, about.now)
        if why := checked.left_out.get(book.md5):
            plan.remarks.append(Remark(f"lua match {book.md5}", ref, why))
        for one in plan.remarks:
            core.derive.remark(core.plugins.plugins[NAME], one)
        takings.add(plan)

    def _match(self, book: CachedBook, checked: Checked, now: datetime) -> bool:
        """Whether the book has a match now that it had not. One that was found meanwhile stays."""
        match = checked.matches.get(book.md5)
        if match is None or self._core.books.match_of(book.md5, NAME) is not None:
            return False
        self._core.books.match(book.md5, NAME, match, now)
        return True

    def _known(self, book: CachedBook, now: datetime) -> KnownReading:
        """The sessions that there are already of a book, however many; also what others told of it by its title."""
        ref, facts = self.ref(book), Facts(self._core.database, now)
        same = [one.partial_md5 for one in self._titled[title_key(ref.title or "")] if alike(one.authors, ref.authors)]
        md5s = {ref.partial_md5, *same}
        items = self._core.database.table("items").find(kind=SESSION, book_md5=list(md5s))
        held = facts.known(SESSION, [row["key"] for row in items])
        ours = [one for one in held if one.item.book.partial_md5 == book.md5 or one.item.body.get("source") != SOURCE]
        spans = [span for md5 in md5s for span in self._core.journal.spans(md5)]
        until = now.timestamp()
        open_spans = [(int(begin), ceil(min(end, until))) for begin, end in spans if begin < until]
        return KnownReading(ours, open_spans, self._in_part)

    def _untrack(self, book: CachedBook) -> bool:
        """Switches tracking off once: who switches it on again here is not overruled."""
        known = self._store.get(UNTRACKED) or []
        if book.is_tracked or book.md5 in known:
            return False
        self._core.books.track(book.md5, False)
        self._store.set(UNTRACKED, [*known, book.md5])
        return True

    def _keep_stars(self, rows: BookRows) -> None:
        """KOReader's stars that became the rating are no news when the e-reader tells them: what was changed on the
        server since stays."""
        if rows.rating is None or rows.rating.rating % 2:
            return
        known = self._core.books.stars([rows.book.md5])[rows.book.md5]
        if not known.shown:
            stars = known.after("", ["", rows.rating.at.timestamp(), rows.rating.rating // 2])
            self._core.books.keep_stars({rows.book.md5: stars})

    def _ask(self, proposals: Sequence[Proposal], now: datetime) -> int:
        """Asks a person about each item once. Returns how many are news."""
        asked = set((proposals and self._store.get(ASKED)) or [])
        news = [one for one in proposals if f"{one.item.kind} {one.item.key}" not in asked]
        if news:
            self._core.outbox.propose(news, NAME, now)
            self._store.set(ASKED, sorted(asked | {f"{one.item.kind} {one.item.key}" for one in news}))
        return len(news)


def alike(authors: Sequence[str], others: Sequence[str]) -> bool:
    """Whether books of one title may be the same: of some nobody knows who wrote them."""
    return not authors or not others or set(map(title_key, authors)) == set(map(title_key, others))


def foreign_rows(rows: BookRows, about: Circumstances) -> list[ForeignRow]:
    """What the server may have of the book's marks; another server has other numbers."""
    found = [*rows.foreign, *(one for mark in rows.marks for one in mark.foreign)]
    return found if about.is_same_library else [one._replace(number=None) for one in found]


def credit(core: Any, sent: Iterable[SentItem], md5: str, now: datetime) -> None:
    """Notes what the plugin has sent of a book, for certain or perhaps; what has changed since is not that. Of what may
    be there it is looked for before it is sent again."""
    wanted = {(one.item.kind, one.item.key): one for one in sent}
    due = iter(core.ledger.due(NAME, md5)) if wanted else iter(())
    while chunk := list(islice(due, CHUNK)):
        found = [(one, wanted.get((one.item.kind, one.item.key))) for one in core.ledger.load(NAME, chunk)]
        told = [(one, of) for one, of in found if of and one.item.body == of.item.body]
        certain = [(one, of) for one, of in told if of.is_certain]
        settle(core, certain, DELIVERED, now)
        for one, of in told:
            if not of.is_certain and one.last.state == NEW:
                settle(core, [(one, of)], UNCONFIRMED, min(of.tried_at or now, now))


def settle(core: Any, told: Sequence[tuple[Any, SentItem]], state: str, at: datetime) -> None:
    """Has the ledger say that deliveries are in a state since then."""
    deliveries = [replace(one, item=one.item.matched(of.given_to or one.item.book.match)) for one, of in told]
    maybe_sent = state == UNCONFIRMED
    reason = PERHAPS if maybe_sent else None
    outcomes = [
        replace(one.last, state=state, maybe_sent=maybe_sent, remote_id=of.remote_id, reason=reason, tried=True)
        for one, of in told
    ]
    core.ledger.settle(zip(deliveries, outcomes, strict=True), NAME, at)
