"""Highlights and notes: made, edited and removed, as the list that KOReader keeps for a book shows at a closing.

A highlight is one fact. A note goes where `annotations.destination` says when it is first seen: into the book, into
BookLore beside the book, or both, which are two facts, each with a delivery of its own. After that an edit goes to the
facts that there are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from booklore_core import (
    Annotation,
    BookClose,
    Facts,
    Item,
    Journal,
    Kind,
    Proposal,
    Remark,
    Section,
    Setting,
    annotation_changes,
    hookimpl,
)
from booklore_features.annotation_tables import VIEWS

KIND = "annotation"
MENU = ("What to Sync", "Annotations")
IN_BOOK, IN_BOOKLORE, BOTH = DESTINATIONS = ("in_book", "in_booklore", "both")
ON_SESSION, ON_COMPLETE = UPLOADS = ("on_session", "on_complete")
COPY = "/note"
"""What the key of the fact in BookLore has after that of the one in the book."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind(KIND, "A", "annotation", "annotations", 20, VIEWS)


@hookimpl
def register_settings() -> Iterable[Setting]:
    about = "Whether highlights and notes are sent"
    yield Setting("enabled", bool, True, about, label="Sync highlights and notes", menu=MENU)
    about = "Where a new note goes; a highlight without one is always in the book"
    words: tuple[str, ...] = ("In book", "In BookLore", "Both")
    yield Setting("destination", str, IN_BOOK, about, DESTINATIONS, label="Notes destination", words=words)
    words = ("Upload on session end", "Upload on read complete")
    yield Setting("upload", str, ON_SESSION, "When they are sent", UPLOADS, label="Sync Trigger", words=words)


@hookimpl
def on_book_close(
    event: BookClose, journal: Journal, facts: Facts, settings: Section
) -> Iterator[Item | Proposal | Remark]:
    if settings["upload"] == ON_COMPLETE and not event.reading.is_complete:
        return
    changes = annotation_changes(KIND, event, journal, facts)
    if changes is None:
        return
    keys = [key + end for key in (*changes.told, *changes.gone) for end in ("", COPY)]
    live = {fact.item.key: fact.item for fact in facts.known(KIND, keys) if not fact.item.is_tombstone}
    for key, one in changes.told.items():
        if is_highlight(one):
            body, places = body_of(one, event), places_of(key, one, live, settings["destination"])
            for name in (key, key + COPY):
                if name in places:
                    yield Item(KIND, name, event.book.ref, {"place": places[name], **body}, changes.at)
                elif name in live:  # a note less: the reader did that, whatever else is gone
                    yield replace(changes, question="").removal(live[name])
    for key in changes.gone:
        yield from (changes.removal(live[name]) for name in (key, key + COPY) if name in live)
    undated = sum(map(is_highlight, changes.undated))
    if undated:
        title = event.book.title or "a book"
        text = f"highlights of {title} that do not say when they were made are not sent: {undated}"
        yield Remark(f"undated {event.book.partial_md5}", event.book.ref, text)
    yield changes.memory


def places_of(key: str, one: Annotation, live: Mapping[str, Item], destination: str) -> dict[str, str]:
    """Key → place of the facts that a highlight is. The setting counts for a note that has none yet."""
    if not text_of(one, "note"):
        return {key: IN_BOOK}
    own, copy = live.get(key), key + COPY in live
    if copy or (own and own.body.get("note")):
        return {key: own.body["place"] if own else IN_BOOK} | ({key + COPY: IN_BOOKLORE} if copy else {})
    if destination == BOTH:
        return {key: IN_BOOK, key + COPY: IN_BOOKLORE}
    return {key: destination}


def is_highlight(one: Annotation) -> bool:
    """One without a style and a range is a page bookmark."""
    return bool(one.get("drawer") or one.get("pos0"))


def body_of(one: Annotation, event: BookClose) -> dict[str, Any]:
    """Positions are xpointers, of a PDF KOReader's tables; page is the one that the highlight begins on: an xpointer,
    or its number. datetime, updated: KOReader's own, local times without a zone. color, drawer: its names.
    text_edited: that the reader wrote the text anew, so that it is not the book's."""
    return {
        "datetime": one["datetime"],
        "updated": text_of(one, "datetime_updated"),
        "pos0": one.get("pos0"),
        "pos1": one.get("pos1"),
        "page": one.get("page"),
        "pageno": one.get("pageno"),
        "text": text_of(one, "text") or "",
        "note": text_of(one, "note"),
        "color": text_of(one, "color"),
        "drawer": text_of(one, "drawer"),
        "chapter": text_of(one, "chapter"),
        "device": event.device,
        "format": event.book.format,
        **({"text_edited": True} if one.get("text_edited") else {}),
    }


def text_of(one: Annotation, field: str) -> str | None:
    """A field's text, None for one of blanks only."""
    text = one.get(field)
    return text if isinstance(text, str) and text.strip() else None
