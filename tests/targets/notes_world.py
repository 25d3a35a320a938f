"""Facts of a book for the folder of notes, and what is in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from booklore_core import BookRef, Item
from booklore_targets.markdown import Markdown

MD5 = "0123456789abcdef" * 2
DUNE = BookRef(MD5, "Dune", ("Frank Herbert",), isbn="9780441013593")
EVENING = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
FEAR = {"datetime": "2026-11-20 13:41:02", "pageno": 12, "text": "Fear is the mind-killer.", "chapter": "Book One"}


def item(kind: str, key: str = MD5, book: BookRef = DUNE, minute: int = 0, **body: Any) -> Item:
    return Item(kind, key, book, body, EVENING + timedelta(minutes=minute))


def mark(name: str = "fear", book: BookRef = DUNE, **changed: Any) -> Item:
    return item("annotation", name, book, **{**FEAR, **changed})


def give(notes: Markdown, *items: Item) -> None:
    for one in items:
        notes.deliver(one, None)


def only(folder: Path) -> Path:
    (path,) = folder.rglob("*.md")
    return path
