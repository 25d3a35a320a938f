"""The invariants that every proof ends with: each fact arrived exactly once, and nothing waits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from scenario import Facts, Session

from booklore_core.actions import verify
from booklore_core.core import Core
from booklore_core.testing import BookLoreServer

UNSETTLED = "SELECT state, reason FROM deliveries WHERE state NOT IN ('delivered', 'discarded')"


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


HELD: Mapping[str, tuple[Callable[[BookLoreServer], Counter[Any]], Callable[[Any], Counter[Any]]]] = {
    "session": (held_sessions, shown_sessions),
}
"""kind → what the server holds of it, and how an expected fact looks there; a later kind joins with one line."""


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
    for kind, (held, shown) in HELD.items():
        faults += compare(held(server), shown(getattr(facts, kind)), kind)
    faults += overlaps(facts.session) + excess(facts.session, wall) + unsettled(core)
    verification = verify.compare(core)
    if not verification.is_clean:
        faults.append(f"verify: {verification.as_json()}")
    return faults


def assert_exact(core: Core, server: BookLoreServer, facts: Facts, wall: Mapping[str, float], story: str = "") -> None:
    """Raises AssertionError with story (the seed, the step) and every fault."""
    faults = find_faults(core, server, facts, wall)
    assert not faults, "\n".join([story, *faults])
