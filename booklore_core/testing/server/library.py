"""The books a server holds, and where they come from: a file, a mapping or a few small made ones."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

BOOK_TYPE_OF = {
    "pdf": "PDF",
    "epub": "EPUB",
    "cbz": "CBX",
    "cbr": "CBX",
    "cb7": "CBX",
    "fb2": "FB2",
    "mobi": "MOBI",
    "azw": "AZW3",
    "azw3": "AZW3",
    "m4b": "AUDIOBOOK",
}
LIBRARY_NAMES = {1: "Main", 2: "Dup"}


@dataclass(frozen=True)
class ServerBook:
    """A book, mostly of one file, as the server knows it; content is its bytes, or file the path they are read from.

    added: when it came into the library, seconds since 1970; None: with the server's start. other_files: names of its
    files in other formats.
    """

    id: int
    title: str | None
    authors: tuple[str, ...]
    file_name: str
    book_type: str
    size_kb: int
    partial_md5: str
    library_id: int = 1
    isbn13: str | None = None
    isbn10: str | None = None
    added: float | None = None
    subtitle: str | None = None
    other_files: tuple[str, ...] = ()
    content: bytes | None = field(default=None, repr=False, compare=False)
    file: Path | None = field(default=None, repr=False, compare=False)

    def read(self) -> bytes | None:
        """The file's bytes, None when the file is missing."""
        if self.content is not None:
            return self.content
        return self.file.read_bytes() if self.file is not None and self.file.is_file() else None

    @property
    def extension(self) -> str:
        return self.file_name.rpartition(".")[2].lower()

    @property
    def library_name(self) -> str:
        return LIBRARY_NAMES.get(self.library_id, f"Library {self.library_id}")

    @property
    def folder(self) -> str:
        return f"/books/{self.library_name.lower().replace(' ', '-')}"


@dataclass(frozen=True)
class Account:
    username: str
    password: str = field(repr=False)
    sync: bool = True


@dataclass(frozen=True)
class ServerLibrary:
    """What a server starts with; koreader is None when there is no KOReader account yet."""

    web: Account
    koreader: Account | None
    books: tuple[ServerBook, ...]


def partial_digest(content: bytes) -> str:
    """KOReader's digest of the bytes: MD5 over 1 KiB at byte 0 and at 1024·4^0 … 1024·4^10, up to the end."""
    digest = hashlib.md5(usedforsecurity=False)
    for offset in (0, *(1024 << 2 * power for power in range(11))):
        if offset >= len(content):
            break
        digest.update(content[offset : offset + 1024])
    return digest.hexdigest()


def book_of_content(book_id: int, content: bytes, file_name: str, **facts: Any) -> ServerBook:
    """A book whose type, size and digest follow from its bytes and name."""
    extension = file_name.rpartition(".")[2].lower()
    return ServerBook(
        id=book_id,
        file_name=file_name,
        book_type=BOOK_TYPE_OF.get(extension, "EPUB"),
        size_kb=len(content) // 1024,
        partial_md5=partial_digest(content),
        content=content,
        **facts,
    )


def load_library(source: Path | str | Mapping[str, Any] | None) -> ServerLibrary:
    """The library of a JSON file or mapping of that shape; without one, a small library of its own.

    Book files are looked for relative to the JSON file's folder (a mapping: the working folder).
    """
    if source is None:
        return small_library()
    if isinstance(source, Mapping):
        return _read_library(source, Path())
    path = Path(source)
    return _read_library(json.loads(path.read_text(encoding="utf-8")), path.parent)


def _read_library(listed: Mapping[str, Any], folder: Path) -> ServerLibrary:
    web = listed.get("web_login") or {"username": "admin", "password": "adminadmin"}
    koreader = listed.get("koreader_account")
    return ServerLibrary(
        web=Account(web["username"], web["password"]),
        koreader=_read_koreader(koreader) if koreader else None,
        books=tuple(_read_book(entry, number, folder) for number, entry in enumerate(listed.get("books", ()), 1)),
    )


def _read_koreader(listed: Mapping[str, Any]) -> Account:
    sync = listed.get("sync", "on")
    return Account(listed["username"], listed["password"], sync is True or str(sync).startswith("on"))


def _read_book(listed: Mapping[str, Any], number: int, folder: Path) -> ServerBook:
    file = folder / listed["file"] if listed.get("file") else None
    file_name = listed.get("fileName") or (file.name if file else f"book-{number}.epub")
    content = file.read_bytes() if file and file.is_file() and _lacks_facts(listed) else b""
    size_kb = listed.get("fileSizeKb")
    return ServerBook(
        id=listed.get("id", number),
        title=listed.get("title"),
        authors=tuple(listed.get("authors") or ()),
        file_name=file_name,
        book_type=listed.get("bookType") or BOOK_TYPE_OF.get(file_name.rpartition(".")[2].lower(), "EPUB"),
        size_kb=len(content) // 1024 if size_kb is None else size_kb,
        partial_md5=listed.get("md5") or partial_digest(content),
        library_id=listed.get("libraryId", 1),
        isbn13=listed.get("isbn13"),
        isbn10=listed.get("isbn10"),
        subtitle=listed.get("subtitle"),
        added=None if listed.get("addedOn") is None else datetime.fromisoformat(listed["addedOn"]).timestamp(),
        file=file,
    )


def _lacks_facts(listed: Mapping[str, Any]) -> bool:
    return not listed.get("md5") or listed.get("fileSizeKb") is None


def small_library() -> ServerLibrary:
    """Three EPUBs and a comic, the same bytes every time."""
    books = (
        ("dune.epub", "Dune", ("Frank Herbert",), "9780441013593", "0441013597"),
        ("emma.epub", "Emma", ("Jane Austen",), None, None),
        ("moby-dick.epub", "Moby Dick", ("Herman Melville",), None, None),
        ("signals.cbz", "Signals", (), None, None),
    )
    return ServerLibrary(
        web=Account("admin", "adminadmin"),
        koreader=Account("reader", "kosyncpw"),
        books=tuple(_small_book(number, *facts) for number, facts in enumerate(books, 1)),
    )


def _small_book(
    number: int, file_name: str, title: str, authors: tuple[str, ...], isbn13: str | None, isbn10: str | None
) -> ServerBook:
    content = small_epub(title) if file_name.endswith("epub") else _archive({"001.txt": title.encode() * 200})
    return book_of_content(number, content, file_name, title=title, authors=authors, isbn13=isbn13, isbn10=isbn10)


def small_epub(title: str, paragraphs: int = 40) -> bytes:
    """An EPUB of one chapter whose paragraphs can be told apart; equal arguments give equal bytes."""
    lines = "".join(f"<p>{title}, paragraph {number}: the page turns.</p>" for number in range(1, paragraphs + 1))
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head><body>{lines}</body></html>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">{title}</dc:identifier><dc:title>{title}</dc:title><dc:language>en</dc:language>'
        '</metadata><manifest><item id="one" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="one"/></spine></package>'
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    files = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
    files |= {"book.opf": package, "one.xhtml": page}
    return _archive({name: content.encode() for name, content in files.items()})


def _archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()
