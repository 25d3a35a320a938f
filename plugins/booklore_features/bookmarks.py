"""Page bookmarks: set, renamed and removed, as the list that KOReader keeps for a book shows at a closing."""

from collections.abc import Iterable, Iterator
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

KIND = "bookmark"
MENU = ("What to Sync", "Bookmarks")
ON_SESSION, ON_COMPLETE = UPLOADS = ("on_session", "on_complete")

VIEWS = {
    "pending_bookmarks": """SELECT id, book_cache_id, book_id, {text:datetime} AS datetime, body AS payload,
        retry_count, last_retry_at, created_at FROM pending_items WHERE kind = 'bookmark'""",
    "synced_bookmarks": """SELECT id, book_cache_id, {text:datetime} AS datetime,
        {id:LTRIM(remote_id, 'abcdefghijklmnopqrstuvwxyz-:')} AS server_id, synced_at
        FROM delivered_items WHERE kind = 'bookmark' AND {text:removed} IS NULL""",
}
"""The existing plugin's tables (lua-plugin-behaviour §2). server_id: a number there, whatever a target puts before."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind(KIND, "B", "bookmark", "bookmarks", 30, VIEWS, label_rank=40)


@hookimpl
def register_settings() -> Iterable[Setting]:
    yield Setting("enabled", bool, True, "Whether page bookmarks are sent", label="Sync bookmarks", menu=MENU)
    about, words = "When they are sent", ("Upload on session end", "Upload on read complete")
    yield Setting("upload", str, ON_SESSION, about, UPLOADS, label="Sync Trigger", words=words)


@hookimpl
def on_book_close(
    event: BookClose, journal: Journal, facts: Facts, settings: Section
) -> Iterator[Item | Proposal | Remark]:
    if settings["upload"] == ON_COMPLETE and not event.reading.is_complete:
        return
    changes = annotation_changes(KIND, event, journal, facts)
    if changes is None:
        return
    for key, one in changes.told.items():
        if is_bookmark(one):
            yield Item(KIND, key, event.book.ref, body_of(one, event), changes.at)
    for fact in facts.known(KIND, changes.gone):
        if not fact.item.is_tombstone:
            yield changes.removal(fact.item)
    undated = sum(map(is_bookmark, changes.undated))
    if undated:
        title = event.book.title or "a book"
        text = f"bookmarks of {title} that do not say when they were made are not sent: {undated}"
        yield Remark(f"undated {event.book.partial_md5}", event.book.ref, text)
    yield changes.memory


def is_bookmark(one: Annotation) -> bool:
    """What has a style or a range is a highlight."""
    return not (one.get("drawer") or one.get("pos0"))


def body_of(one: Annotation, event: BookClose) -> dict[str, Any]:
    """page: an xpointer, or the page's number. text: KOReader's own, such as `in Chapter 2`. datetime: its local time,
    without a zone."""
    return {
        "datetime": one["datetime"],
        "page": one.get("page"),
        "pageno": one.get("pageno"),
        "text": text_of(one, "text") or "",
        "note": text_of(one, "note"),
        "chapter": text_of(one, "chapter"),
        "device": event.device,
        "format": event.book.format,
    }


def text_of(one: Annotation, field: str) -> str | None:
    """A field's text, None for one of blanks only."""
    text = one.get(field)
    return text if isinstance(text, str) and text.strip() else None
