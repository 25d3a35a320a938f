"""The invariants that every proof ends with: each fact arrived exactly once, and nothing waits.

A server keeps one position a book, so of all places the one that stands for the others must be there (`standing`); on
the way to it nothing that was newer and further on may have been overwritten, and nothing pushed that changes nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from books import DIGESTS, DROPPED, PAGES, SHELF, SHORT
from elsewhere import OTHER
from facts import Deletion, Facts, Place, Session, Status
from notebook import BOTH, IN_BOOK, IN_BOOKLORE, Mark
from verdicts import REVIEW, held_ratings, held_reviews, misrated, misreviewed

from booklore_core.actions import verify
from booklore_core.core import Core
from booklore_core.testing import BookLoreServer

END = 1.0
"""Percent of a book's end."""

UNSETTLED = """SELECT d.state, d.reason, i.kind FROM deliveries d JOIN items i ON i.id = d.item_id
    WHERE d.state NOT IN ('delivered', 'discarded') AND d.target <> 'bookorbit' AND NOT (d.state = 'superseded'
    AND (i.kind IN ('progress', 'status', 'rating', 'review') OR i.body LIKE '%"withdrawn"_true%'))"""
GIVEN_UP = """SELECT i.book_md5, d.reason FROM deliveries d JOIN items i ON i.id = d.item_id
    WHERE d.state = 'superseded' AND i.kind = :kind"""


def held_sessions(server: BookLoreServer) -> Counter[Any]:
    """The sessions on the server. It does not know which device a session is from."""
    titles = titles_of(server)
    fields = ("startTime", "endTime", "durationSeconds", "startLocation", "endLocation")
    return Counter((titles[row["bookId"]], *(row[name] for name in fields)) for row in server.sessions)


def shown_sessions(facts: Counter[Session]) -> Counter[Any]:
    """Expected sessions as the server would show them."""
    shown: Counter[Any] = Counter()
    for session, count in facts.items():
        shown[session[1:]] += count
    return shown


class Push(NamedTuple):
    """A position that was carried out. percent: a fraction with four decimals. at: seconds since 1970."""

    book: str
    percent: float
    device: str
    at: float


T = TypeVar("T", Push, Place, Status)
Spots = Counter[tuple[str, float]]
"""Books and percents."""


def pushes_at(server: BookLoreServer) -> list[Push]:
    return [
        Push(DIGESTS[one["document"]], round(one["percentage"], 4), one["device_id"], one["at"])
        for one in server.pushes
    ]


def unanswered_at(server: BookLoreServer) -> Spots:
    """The pushes whose connection was closed: they may have been carried out, and may yet be."""
    sent = [one for one in server.requests if one.method == "PUT" and one.path.endswith("/syncs/progress")]
    bodies = [json.loads(one.body) for one in sent if one.status is None]
    return Counter((DIGESTS[body["document"]], round(body["percentage"], 4)) for body in bodies)


def misplaced(
    pushes: Sequence[Push], places: Collection[Place], unanswered: Spots, read: Collection[str] = ()
) -> list[str]:
    """What is wrong with the positions that a server was told, and with the one that it holds of each book. read: the
    books that it holds as read."""
    faults = []
    for book in sorted({one.book for one in (*pushes, *places)}):
        told, known = of_book(pushes, book), of_book(places, book)
        if book not in read or not is_end_given_up(told, known):
            faults += lost_places(book, told[-1] if told else None, known)
        faults += pushed_wrongly(told, known, unanswered)
    return faults


def of_book(told: Iterable[T], book: str) -> list[T]:
    """What is about a book."""
    return [one for one in told if one.book == book]


def lost_places(book: str, held: Push | None, places: Collection[Place]) -> list[str]:
    may_stand = {one.percent for one in standing(places)}
    if held is None:
        return [f"lost progress: {book} is nowhere, {may_stand}"] if may_stand else []
    return [] if held.percent in may_stand else [f"lost progress: {held}, it should be at {may_stand}"]


def is_end_given_up(pushes: Sequence[Push], places: Collection[Place]) -> bool:
    """Whether a server was not told of the end of a book that should stand there: where it holds the book as read, an
    end would move the finish date."""
    return END in {one.percent for one in standing(places)} and all(one.percent != END for one in pushes)


def standing(places: Collection[Place]) -> list[Place]:
    """The places of a book that may stand for all others: where each device's reader read last, or has it open where
    nobody read, unless another one is both later and further on. Of an earlier one further on and a later one that is
    less far the first to be delivered stays, until the reader has been asked (design §12)."""
    by_device: dict[str, list[Place]] = defaultdict(list)
    for one in places:
        by_device[one.device].append(one)
    last = [max(told, key=lambda one: (one.is_read, one.at)) for told in by_device.values()]
    return [one for one in last if not any(outdoes(other, one) for other in last)]


def outdoes(one: Place, other: Place) -> bool:
    return one.is_read and one.device != other.device and one.at > other.at and one.percent > other.percent


def pushed_wrongly(pushes: Sequence[Push], places: Collection[Place], unanswered: Spots) -> list[str]:
    """Pushes of a place where its device never was, over one that is both newer and further on, and of what was there
    already. An answer that was lost excuses the latter two: the request may have come in when nobody waited for it."""
    came = {(one.device, one.percent): one for one in sorted(places, key=lambda one: one.at)}
    faults = [f"wrong progress: {one}" for one in pushes if (one.device, one.percent) not in came]
    repeated: Spots = Counter()
    for before, after in pairwise(pushes):
        spot = (after.book, after.percent)
        places_told = [came.get((one.device, one.percent)) for one in (before, after)]
        if before.percent == after.percent:
            repeated[spot] += after.device != OTHER
        elif after.device != OTHER and all(places_told) and not unanswered[spot] and outdoes(*places_told):
            faults.append(f"stale progress: {after} over {before}")
    return faults + [f"repeated progress: {spot} x{count}" for spot, count in (repeated - unanswered).items()]


def moved_finish(server: BookLoreServer) -> list[str]:
    """Writes after which a book that was read is so no more, or since another time. Each push whose answer was lost
    excuses two, as it may come late, and what it undoes is made good then."""
    faults = []
    for book, written in statuses_at(server).items():
        read = next((number for number, one in enumerate(written) if one["status"] == "READ"), len(written))
        moves = [
            one for one in written[read:] if one["status"] != "READ" or one["finished"] != written[read]["finished"]
        ]
        unanswered = sum(count for (told, _), count in unanswered_at(server).items() if told == book)
        if len(moves) > 2 * unanswered:
            faults.append(f"moved finish: {book}, {written[read]}, then {moves}")
    return faults


def statuses_at(server: BookLoreServer) -> dict[str, list[dict[str, Any]]]:
    """title → what its read status and finish date were, each time that they were written."""
    titles, found = titles_of(server), defaultdict(list)
    for one in server.statuses:
        found[titles[one["bookId"]]].append(one)
    return found


def titles_of(server: BookLoreServer) -> dict[int, str]:
    return {book.id: book.title or "" for book in server.books.values()}


Row = tuple[str, str, str, str]
"""A mark as a server shows it: table, book, text, note ("" for none)."""


def held_marks(server: BookLoreServer, *tables: str) -> Counter[Row]:
    """A review is a note on the book, and no mark."""
    titles, rows = titles_of(server), [(table, row) for table in tables for row in server.rows(table)]
    return Counter((table, titles[row["bookId"]], *said(row)) for table, row in rows if row.get("title") != REVIEW)


def said(row: Mapping[str, Any]) -> tuple[str, str]:
    """Text and note of a mark. A note on the book quotes the text."""
    if "content" in row:
        text, _, note = row["content"].partition("\n\n")
        return text.strip("“”"), note
    return row.get("text") or row.get("selectedText") or row["title"], row.get("noteContent") or row.get("notes") or ""


def mismarked(held: Counter[Row], marks: Collection[Mark], kind: str) -> list[str]:
    """What is wrong with the marks that are held: a row stays for each that is in a list, as that told it last."""
    last = {(one.book, one.text): one for one in sorted(marks, key=lambda one: one.at)}
    expected = Counter(row for one in last.values() if one.is_there for row in rows_of(one, kind))
    told = {row for one in marks for row in rows_of(one, kind)}
    lost = [f"lost {kind}: {row}" for row in sorted(expected - held)]
    left = [f"lost track of {kind}: {row} is still there" for row in sorted(told & (held - expected).keys())]
    doubled = [f"doubled {kind}: {row} x{count}" for row, count in sorted(held.items()) if count > 1]
    return lost + left + doubled + [f"unexpected {kind}: {row}" for row in sorted(held.keys() - told)]


TABLES = {IN_BOOK: ["notes"], IN_BOOKLORE: ["book_notes"], BOTH: ["notes", "book_notes"]}
"""Where a note goes by its destination."""


def rows_of(mark: Mark, kind: str) -> list[Row]:
    """A note takes the highlight's place."""
    tables = ["bookmarks"] if kind == "bookmark" else TABLES[mark.destination] if mark.note else ["annotations"]
    return [(table, mark.book, mark.text, mark.note or "") for table in tables]


WORDS = {"complete": "READ", "abandoned": "ABANDONED", "reading": "READING"}
"""KOReader's word → the server's."""


def misread(held: Mapping[str, str | None], told: Collection[Status]) -> list[str]:
    """What is wrong with the statuses: of each book the one that was given last counts, but what was finished stays so.
    One that is read again without anybody knowing that it was on hold has no need of a status."""
    faults = []
    for book in sorted({*held, *(one.book for one in told)}):
        known = sorted(of_book(told, book), key=lambda one: one.at)
        words = [WORDS[one.word] for one in known]
        wanted = "READ" if "READ" in words else words[-1] if words else None
        if held.get(book) in ("READ", "ABANDONED") and held.get(book) not in words:
            faults.append(f"unexpected status: {book} is {held[book]}")
        elif wanted and held.get(book) not in (wanted, None if wanted == "READING" else wanted):
            faults.append(f"lost status: {book} is {held.get(book)}, it should be {wanted}")
    return faults


def held_statuses(server: BookLoreServer) -> dict[str, str | None]:
    titles = titles_of(server)
    return {titles[book]: kept.status for book, kept in server.readings.items()}


def read_at(server: BookLoreServer) -> set[str]:
    """The books that are marked as read."""
    return {book for book, status in held_statuses(server).items() if status == "READ"}


def deleted(told: Collection[Deletion]) -> dict[str, bool]:
    """title → whether its last deletion holds. One whose file came back on that device may have been told before."""
    last = {one.book: one for one in sorted(told, key=lambda one: one.at) if not one.is_there}
    back = [one for one in told if one.is_there]
    return {
        book: not any((one.book, one.device) == (book, there.device) and one.at > there.at for one in back)
        for book, there in last.items()
    }


def undeleted(gone: Collection[str], told: Collection[Deletion]) -> list[str]:
    """What is wrong with the books that a server takes for deleted."""
    known = deleted(told)
    lost = [f"lost deletion: {book} is still there" for book, holds in known.items() if holds and book not in gone]
    return lost + [f"unexpected deletion: {book} is gone" for book in sorted(set(gone) - known.keys())]


def unshelved(server: BookLoreServer) -> set[str]:
    """Of the books that stand on the shelf those that do so no more."""
    titles = titles_of(server)
    held = {titles.get(book) for shelf in server.rows("shelves") if shelf["name"] == SHELF for book in shelf["books"]}
    return {DROPPED, SHORT} - held


def library_lacks(server: BookLoreServer) -> list[str]:
    """A deleted book leaves its shelf; nothing ever leaves the library."""
    return [f"deleted from the library: {book}" for book in PAGES if book not in titles_of(server).values()]


HELD: Mapping[str, Callable[[BookLoreServer, Facts], list[str]]] = {
    "session": lambda server, facts: compare(held_sessions(server), shown_sessions(facts.session), "session"),
    "progress": lambda server, facts: misplaced(
        pushes_at(server), facts.progress, unanswered_at(server), read_at(server)
    ),
    "annotation": lambda server, facts: mismarked(
        held_marks(server, "annotations", "notes", "book_notes"), facts.annotation, "annotation"
    ),
    "bookmark": lambda server, facts: mismarked(held_marks(server, "bookmarks"), facts.bookmark, "bookmark"),
    "rating": lambda server, facts: misrated(held_ratings(server), facts.rating),
    "review": lambda server, facts: misreviewed(held_reviews(server), facts.review),
    "status": lambda server, facts: misread(held_statuses(server), facts.status) + moved_finish(server),
    "deletion": lambda server, facts: undeleted(unshelved(server), facts.deletion) + library_lacks(server),
}
"""kind → what is wrong with what the server holds of it; a later kind joins with one line."""


def compare(held: Counter[Any], expected: Counter[Any], kind: str) -> list[str]:
    """Everything that is missing, and everything that is there too often."""
    lost = [f"lost {kind}: {fact} x{count}" for fact, count in sorted((expected - held).items())]
    known = [f"doubled {kind}: {fact} x{count}" for fact, count in sorted((held - expected).items()) if expected[fact]]
    alien = [f"unexpected {kind}: {fact}" for fact in sorted(held - expected) if not expected[fact]]
    return lost + known + alien


def overlaps(sessions: Iterable[Session]) -> list[str]:
    """Sessions of one device and book of which one begins before the other one ends."""
    by_book: dict[tuple[str, str], list[Session]] = defaultdict(list)
    for session in sessions:
        by_book[session.device, session.book].append(session)
    return [
        f"overlap: {one} and {other}"
        for found in by_book.values()
        for one, other in zip(sorted(found, key=start_of), sorted(found, key=start_of)[1:], strict=False)
        if other.start < one.end
    ]


def start_of(session: Session) -> tuple[str, str]:
    return session.start, session.end


def excess(sessions: Counter[Session], wall: Mapping[str, float]) -> list[str]:
    """Devices that read for longer than their day was, and sessions longer than they lasted."""
    told: Counter[str] = Counter()
    for session, count in sessions.items():
        told[session.device] += session.seconds * count
    days = [f"{device} read {told[device]} s of {wall[device]:.0f} s" for device in told if told[device] > wall[device]]
    return days + [f"longer than it lasted: {one}" for one in sessions if one.seconds > lasted(one)]


def lasted(session: Session) -> float:
    return (datetime.fromisoformat(session.end) - datetime.fromisoformat(session.start)).total_seconds()


def unsettled(core: Core) -> list[str]:
    """What the outbox still owes or cannot account for."""
    pending = [f"pending: {core.pending()}"] if core.pending() else []
    waiting = [f"waiting: {one}" for one in core.status().waiting]
    return pending + waiting + [f"unsettled: {row}" for row in core.database.rows(UNSETTLED)]


def unsaid(core: Core, server: BookLoreServer, facts: Facts) -> list[str]:
    """Ends of books that nobody was told of, neither the server nor, with the reason, the reader."""
    reasons = [(DIGESTS[row["book_md5"]], row["reason"]) for row in core.database.rows(GIVEN_UP, kind="progress")]
    said = {book for book, reason in reasons if "the book is marked as read on the server" in reason}
    pushes = pushes_at(server)
    given_up = [
        book for book in read_at(server) if is_end_given_up(of_book(pushes, book), of_book(facts.progress, book))
    ]
    return [f"lost progress: {book}, of whose end nobody says why" for book in sorted(set(given_up) - said)]


def left_alone(core: Core) -> list[str]:
    """What is said of a book when a new database has found another rating or review on the server, which an earlier one
    may have brought or somebody else: the reader is told, and it stays."""
    return [
        f"lost {kind}: {DIGESTS[row['book_md5']]} "
        for kind, said in (("rating", "may have been given since"), ("review", "may have been written since"))
        for row in core.database.rows(GIVEN_UP, kind=kind)
        if said in row["reason"]
    ]


def find_faults(core: Core, server: BookLoreServer, facts: Facts, wall: Mapping[str, float]) -> list[str]:
    """Everything that is wrong after quiescence; empty when the server holds exactly what it must."""
    faults = []
    for faults_of in HELD.values():
        faults += faults_of(server, facts)
    faults = [fault for fault in faults if not fault.startswith(tuple(left_alone(core)))]
    faults += overlaps(facts.session) + excess(facts.session, wall) + unsettled(core) + unsaid(core, server, facts)
    verification = verify.compare(core)
    if not verification.is_clean:
        faults.append(f"verify: {verification.as_json()}")
    return faults


def assert_exact(core: Core, server: BookLoreServer, facts: Facts, wall: Mapping[str, float], story: str = "") -> None:
    """Raises AssertionError with story (the seed, the step) and every fault."""
    faults = find_faults(core, server, facts, wall)
    assert not faults, "\n".join([story, *faults])
