"""Finished: the status that a reader gives a book in KOReader, complete or on hold.

One fact for each book. KOReader tells no event for a status; it rides in the lines of reading. That a book is being
read again follows only where it was on hold: one that is finished stays so for the servers (design §12).
"""

from collections.abc import Iterable, Iterator

from booklore_core import (
    BookClose,
    BookOpen,
    Facts,
    Item,
    Kind,
    PageTurns,
    Resume,
    Setting,
    hookimpl,
)

KIND = "status"
MENU = ("What to Sync",)
COMPLETE, ON_HOLD, READING = "complete", "abandoned", "reading"
"""KOReader's words; the second it shows as *On hold*."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    # After positions: a server takes a book of which it is told one as being read.
    yield Kind(KIND, "F", "reading status", "reading statuses", 45, label_rank=80)


@hookimpl
def register_settings() -> Iterable[Setting]:
    about = "Whether it is sent that a book is finished or on hold"
    yield Setting("enabled", bool, True, about, label="Finished and on hold", menu=MENU)


@hookimpl
def on_book_open(event: BookOpen, facts: Facts) -> Iterator[Item]:
    return status(event, facts)


@hookimpl
def on_resume(event: Resume, facts: Facts) -> Iterator[Item]:
    return status(event, facts)


@hookimpl
def on_page_turns(event: PageTurns, facts: Facts) -> Iterator[Item]:
    return status(event, facts)


@hookimpl
def on_book_close(event: BookClose, facts: Facts) -> Iterator[Item]:
    return status(event, facts)


def status(event: BookOpen | Resume | PageTurns | BookClose, facts: Facts) -> Iterator[Item]:
    """The status, where it is another one than was told last."""
    book, now = event.book, event.reading.status if event.reading else None
    if book is None or now not in (COMPLETE, ON_HOLD, READING):
        return
    before = next((fact.item.body.get("status") for fact in facts.known(KIND, [book.partial_md5])), None)
    if now != before and (now != READING or before == ON_HOLD):
        yield Item(KIND, book.partial_md5, book.ref, {"status": now, "device": event.device}, event.at)
