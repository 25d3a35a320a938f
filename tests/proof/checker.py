"""The invariants that every proof ends with: each fact arrived exactly once, and nothing waits.

A server keeps one position a book, so of all places the one that stands for the others must be there (`standing`); on
the way to it nothing that was newer and further on may have been overwritten, and nothing pushed that changes nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from elsewhere import OTHER
from facts import Facts, Place, Session, Stars
from notebook import Mark
from scenario import DIGESTS, DROPPED, PAGES, SHELF, SHORT

from booklore_core.actions import verify
from booklore_core.core import Core
from booklore_core.testing import BookLoreServer

UNSETTLED = """SELECT d.state, d.reason, i.kind FROM deliveries d JOIN items i ON i.id = d.item_id
    WHERE d.state NOT IN ('delivered', 'discarded') AND NOT (d.state = 'superseded' AND i.kind = 'progress')"""


def held_sessions(server: BookLoreServer) -> Counter[Any]:
    """The sessions on the server. It does not know which device a session is from."""
    titles = {book.id: book.title for book in server.books.values()}
    fields = ("startTime", "endTime", "durationSeconds", "startLocation", "endLocation")
    return Counter((titles[row["bookId"]], *(row[name] for name in fields)) for row in server.sessions)


def shown_sessions(facts: Counter[Session]) -> Counter[Any]:
    """Expected sessions as the server would show them."""
    shown: Counter[Any] = Counter()
    for session, count in facts.items():
        shown[session[1:]] += count
    return shown


class Push(NamedTuple):
    """A position that was carried out. percent: a fraction with four decimals. at, finished: seconds since 1970; the
    latter is when the server says after it that the book was read to its end, None for not at all."""

    book: str
    percent: float
    device: str
    at: float
    finished: float | None = None
    is_read: bool = False


Spots = Counter[tuple[str, float]]
"""Books and percents."""


def pushes_at(server: BookLoreServer) -> list[Push]:
    names = ("device_id", "at", "finished")
    return [
        Push(DIGESTS[one["document"]], round(one["percentage"], 4), *map(one.get, names), one["status"] == "READ")
        for one in server.pushes
    ]


def unanswered_at(server: BookLoreServer) -> Spots:
    """The pushes whose connection was closed: they may have been carried out, and may yet be."""
    sent = [one for one in server.requests if one.method == "PUT" and one.path.endswith("/syncs/progress")]
    bodies = [json.loads(one.body) for one in sent if one.status is None]
    return Counter((DIGESTS[body["document"]], round(body["percentage"], 4)) for body in bodies)


def misplaced(pushes: Sequence[Push], places: Collection[Place], unanswered: Spots) -> list[str]:
    """What is wrong with the positions that a server was told, and with the one that it holds of each book."""
    faults = []
    for book in sorted({one.book for one in (*pushes, *places)}):
        told, known = [one for one in pushes if one.book == book], [one for one in places if one.book == book]
        faults += lost_places(book, told[-1] if told else None, known)
        faults += pushed_wrongly(told, known, unanswered)
        faults += moved_finish(told, unanswered)
    return faults


def lost_places(book: str, held: Push | None, places: Collection[Place]) -> list[str]:
    may_stand = {one.percent for one in standing(places)}
    if held is None:
        return [f"lost progress: {book} is nowhere, {may_stand}"] if may_stand else []
    return [] if held.percent in may_stand else [f"lost progress: {held}, it should be at {may_stand}"]


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
        spot, places_told = (
            (after.book, after.percent),
            [came.get((one.device, one.percent)) for one in (before, after)],
        )
        if before.percent == after.percent:
            repeated[spot] += after.device != OTHER
        elif all(places_told) and not unanswered[spot] and outdoes(*places_told):
            faults.append(f"stale progress: {after} over {before}")
    return faults + [f"repeated progress: {spot} x{count}" for spot, count in (repeated - unanswered).items()]


def moved_finish(pushes: Sequence[Push], unanswered: Spots) -> list[str]:
    """Pushes after which a book that was read to its end is unread again or read later; a lost answer excuses one."""
    read = next((number for number, one in enumerate(pushes) if one.is_read), len(pushes))
    moves = Counter(
        (one.book, one.percent)
        for one in pushes[read + 1 :]
        if one.finished != pushes[read].finished or not one.is_read
    )
    return [f"moved finish: {spot}, read first by {pushes[read]}" for spot in moves - unanswered]


Row = tuple[str, str, str, str]
"""A mark as a server shows it: table, book, text, note ("" for none)."""


def held_marks(server: BookLoreServer, *tables: str) -> Counter[Row]:
    titles = {book.id: book.title for book in server.books.values()}
    return Counter(
        (table, titles[row["bookId"]] or "", text_of(row), row.get("noteContent") or row.get("notes") or "")
        for table in tables
        for row in server.rows(table)
    )


def text_of(row: Mapping[str, Any]) -> str:
    return str(row.get("text") or row.get("selectedText") or row.get("title"))


def mismarked(held: Counter[Row], marks: Collection[Mark], kind: str) -> list[str]:
    """What is wrong with the marks that are held: a row stays for each that is in a list, as that told it last."""
    last = {(one.book, one.text): one for one in sorted(marks, key=lambda one: one.at)}
    expected = Counter(row_of(one, kind) for one in last.values() if one.is_there)
    told = {row_of(one, kind) for one in marks}
    lost = [f"lost {kind}: {row}" for row in sorted(expected - held)]
    left = [f"lost track of {kind}: {row} is still there" for row in sorted(told & (held - expected).keys())]
    doubled = [f"doubled {kind}: {row} x{count}" for row, count in sorted(held.items()) if count > 1]
    return lost + left + doubled + [f"unexpected {kind}: {row}" for row in sorted(held.keys() - told)]


def row_of(mark: Mark, kind: str) -> Row:
    """A note takes the highlight's place."""
    table = "bookmarks" if kind == "bookmark" else "notes" if mark.note else "annotations"
    return (table, mark.book, mark.text, mark.note or "")


def held_ratings(server: BookLoreServer) -> dict[str, int | None]:
    return {server.books[book].title or "": kept.rating for book, kept in server.readings.items()}


def misrated(held: Mapping[str, int | None], told: Collection[Stars]) -> list[str]:
    """What is wrong with the ratings: of each book the stars count that a device changed last, twice over."""
    faults = []
    for book in sorted({*held, *(one.book for one in told)}):
        known = [one for one in told if one.book == book]
        changed = list(changes_of(known))
        latest = max((one.at for one in changed), default=None)
        may_stand = {rating_of(one.stars) for one in changed if one.at == latest} or {None}
        if held.get(book) not in may_stand | {rating_of(one.stars) for one in known} | {None}:
            faults.append(f"unexpected rating: {book} has {held.get(book)}")
        elif held.get(book) not in may_stand:
            faults.append(f"lost rating: {book} has {held.get(book)}, it should have {may_stand}")
    return faults


def changes_of(told: Collection[Stars]) -> Iterator[Stars]:
    """The lines about one book's stars that say something else than the line of the same device before."""
    last: dict[str, int | None] = {}
    for one in sorted(told, key=lambda one: one.at):
        if one.stars != last.get(one.device):
            yield one
        last[one.device] = one.stars


def rating_of(stars: int | None) -> int | None:
    return None if stars is None else 2 * stars


def misread(held: Collection[str], finished: Collection[str]) -> list[str]:
    """What is wrong with the books that are marked as read."""
    lost = [f"lost status: {book} is not read" for book in sorted(set(finished) - set(held))]
    return lost + [f"unexpected status: {book} is read" for book in sorted(set(held) - set(finished))]


def held_statuses(server: BookLoreServer) -> set[str]:
    """The books that are read, by their title."""
    return {server.books[book].title or "" for book, kept in server.readings.items() if kept.status == "READ"}


def shelved_wrongly(server: BookLoreServer, gone: Collection[str]) -> list[str]:
    """A deleted book leaves its shelf; nothing else does, and nothing leaves the library."""
    titles = {book.id: book.title for book in server.books.values()}
    held = {titles.get(book) for shelf in server.rows("shelves") if shelf["name"] == SHELF for book in shelf["books"]}
    lost = [f"lost deletion: {book} is still on the shelf" for book in sorted(gone) if book in held]
    taken = [f"unexpected deletion: {book} left the shelf" for book in (DROPPED, SHORT) if book not in {*held, *gone}]
    return lost + taken + [f"deleted from the library: {book}" for book in PAGES if book not in titles.values()]


HELD: Mapping[str, Callable[[BookLoreServer, Facts], list[str]]] = {
    "session": lambda server, facts: compare(held_sessions(server), shown_sessions(facts.session), "session"),
    "progress": lambda server, facts: misplaced(pushes_at(server), facts.progress, unanswered_at(server)),
    "annotation": lambda server, facts: mismarked(
        held_marks(server, "annotations", "notes"), facts.annotation, "annotation"
    ),
    "bookmark": lambda server, facts: mismarked(held_marks(server, "bookmarks"), facts.bookmark, "bookmark"),
    "rating": lambda server, facts: misrated(held_ratings(server), facts.rating),
    "status": lambda server, facts: misread(held_statuses(server), facts.status),
    "deletion": lambda server, facts: shelved_wrongly(server, facts.deletion),
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


def find_faults(core: Core, server: BookLoreServer, facts: Facts, wall: Mapping[str, float]) -> list[str]:
    """Everything that is wrong after quiescence; empty when the server holds exactly what it must."""
    faults = []
    for faults_of in HELD.values():
        faults += faults_of(server, facts)
    faults += overlaps(facts.session) + excess(facts.session, wall) + unsettled(core)
    verification = verify.compare(core)
    if not verification.is_clean:
        faults.append(f"verify: {verification.as_json()}")
    return faults


def assert_exact(core: Core, server: BookLoreServer, facts: Facts, wall: Mapping[str, float], story: str = "") -> None:
    """Raises AssertionError with story (the seed, the step) and every fault."""
    faults = find_faults(core, server, facts, wall)
    assert not faults, "\n".join([story, *faults])
