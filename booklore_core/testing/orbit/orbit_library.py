"""The accounts and books that a fake BookOrbit begins with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from booklore_core.testing.orbit.orbit_state import OrbitBook, OrbitUser
from booklore_core.testing.server.library import ServerBook, small_library


def read_library(source: Path | str | Mapping[str, Any] | None) -> dict[str, Any]:
    """Accounts and books. Files are looked for beside the recordings of the other servers, whose library it shares."""
    if source is None:
        library = small_library()
        account = library.koreader
        assert account is not None
        user = user_of(1, library.web.username, library.web.password, account.username, account.password, None)
        books = [book_of(one) for one in library.books]
        return {"accounts": [user], "books": books, "koreader_password": account.password}
    folder = Path() if isinstance(source, Mapping) else Path(source).parent
    listed = source if isinstance(source, Mapping) else json.loads(Path(source).read_text(encoding="utf-8"))
    web, reader = listed["web_login"], listed["koreader_account"]
    accounts = [user_of(1, web["username"], web["password"], reader["username"], reader["password"], None)]
    if second := listed.get("second"):
        own, seen = second["koreader_account"], set(second["libraries"])
        accounts.append(user_of(2, second["username"], second["password"], own["username"], own["password"], seen))
    books = [listed_book(one, folder) for one in listed["books"]]
    return {"accounts": accounts, "books": books, "koreader_password": reader["password"]}


def user_of(number: int, name: str, password: str, reader: str, secret: str, libraries: set[int] | None) -> OrbitUser:
    key = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest()
    return OrbitUser(number, name, password, reader, key, libraries)


def listed_book(listed: Mapping[str, Any], folder: Path) -> OrbitBook:
    file = folder / listed["file"] if listed.get("file") else None
    content = file.read_bytes() if file and file.is_file() else None
    return OrbitBook(
        listed["id"], listed["title"], list(listed["authors"]), listed["fileName"], listed["sizeBytes"], listed["md5"],
        listed["libraryId"], listed.get("isbn13"), listed.get("isbn10"), listed.get("pageCount"), content=content,
    )  # fmt: skip


def book_of(book: ServerBook) -> OrbitBook:
    content = book.read()
    size = len(content) if content is not None else book.size_kb * 1024
    about = {"isbn13": book.isbn13, "isbn10": book.isbn10, "content": content}
    return OrbitBook(book.id, book.title or "", list(book.authors), book.file_name, size, book.partial_md5, 1, **about)  # type: ignore[arg-type]
