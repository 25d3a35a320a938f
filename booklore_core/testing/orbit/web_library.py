"""Books as a browser shows them, files as they are fetched, and what their owner does to them. Source: contract 10,
11."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from booklore_core.testing.orbit.about_file import read_about, renamed
from booklore_core.testing.orbit.catalogue import library_name
from booklore_core.testing.orbit.orbit_state import Fields, OrbitBook, OrbitRefusal, OrbitState, OrbitUser, iso
from booklore_core.testing.orbit.web_reading import file_of
from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.library import partial_digest
from booklore_core.testing.server.routing import ServerRequest

TYPES = {"epub": "application/epub+zip", "pdf": "application/pdf", "cbz": "application/vnd.comicbook+zip"}
RANGE = re.compile(r"bytes=(\d+)-(\d*)(?:,.*)?")
PROVIDERS = "google goodreads amazon hardcover openLibrary itunes audible librofm kobo comicvine ranobedb lubimyczytac"
PROVIDERS += " aladin"
FORMATS = [
    "epub",
    "kepub",
    "pdf",
    "cbz",
    "cbr",
    "cb7",
    "mobi",
    "azw3",
    "azw",
    "fb2",
    "m4b",
    "mp3",
    "m4a",
    "opus",
    "ogg",
    "flac",
]
NOTHING = ("subtitle", "publisher", "publishedDate", "publishedYear", "personalNote", "personalNoteUpdatedAt")
NO_MORE = ("coverSource", "hardcoverEditionId", "lastWrittenAt", "audioMetadata", "comicMetadata")
EMPTY = ("seriesMemberships", "communityRatings", "lockedFields", "genres", "customMetadata", "collections")
NOT_WRITTEN = {"enabled": False, "reason": "library_disabled", "writableFormats": [], "writableFields": []}
POINTS = {"title": 10, "authors": 10, "language": 9, "isbn13": 10}
"""What each field that is filled adds to a book's score, as far as it has been seen."""


def get_book(state: OrbitState, user: OrbitUser, book: OrbitBook) -> Fields:
    known, row = read_about(book.content, book.format), state.state_of(user, book)
    told = {"id": book.id, "libraryId": book.library, "libraryName": library_name(book), "status": "present"}
    told |= {"title": book.title, "isbn10": book.isbn10, "isbn13": book.isbn13, "pageCount": book.pages}
    told |= {"description": known.description, "language": known.language, "tags": list(known.tags)}
    told |= {"seriesId": 1 if known.series else None, "seriesName": known.series, "seriesIndex": known.index}
    told |= {"rating": row["rating"], "readStatus": row["status"], "addedAt": iso(0), "updatedAt": iso(0)}
    told |= dict.fromkeys((*NOTHING, *NO_MORE)) | {name: list[str]() for name in EMPTY}
    told |= {"providerIds": dict.fromkeys(PROVIDERS.split()), "formatPriority": FORMATS}
    told |= {"fileWriteStatus": NOT_WRITTEN, "folderPath": f"/books/{book.title}"}
    told["authors"] = [{"id": number, "name": name, "sortName": None} for number, name in enumerate(book.authors, 1)]
    filled = {"title": book.title, "authors": book.authors, "language": known.language, "isbn13": book.isbn13}
    told["metadataScore"] = sum(POINTS[name] for name, value in filled.items() if value)
    file = {"id": book.id, "format": book.format, "role": "primary", "sizeBytes": book.size, "createdAt": iso(0)}
    file |= {"absolutePath": f"/books/{book.title}/{book.file_name}", "filename": book.file_name}
    return {**told, "files": [{**file, "durationSeconds": None}]}


def search(state: OrbitState, user: OrbitUser, words: str) -> list[Fields]:
    found = [one for one in state.by_id if state.sees(user, one) and words.casefold() in one.title.casefold()]
    return [
        {
            "id": one.id, "title": one.title, "seriesName": read_about(one.content, one.format).series,
            "authors": one.authors, "libraryId": one.library, "libraryName": library_name(one), "updatedAt": iso(0),
            "formats": [one.format],
        }
        for one in found
    ]  # fmt: skip


def download(state: OrbitState, user: OrbitUser, number: str) -> Answer:
    """All of it, whatever part is asked for."""
    book = file_of(state, user, number)
    return Answer(200, book.content or b"", TYPES[book.format], (disposition("attachment", book),))


def serve(state: OrbitState, user: OrbitUser, number: str, request: ServerRequest) -> Answer:
    """A part that ends past the end is refused, the end alone is everything, and of two parts the first is sent."""
    book = file_of(state, user, number)
    content, kind = book.content or b"", TYPES[book.format]
    headers = (disposition("inline", book), ("Accept-Ranges", "bytes"))
    found = RANGE.fullmatch(request.headers.get("range", ""))
    if found is None:
        return Answer(200, content, kind, headers)
    first, last = int(found[1]), int(found[2] or len(content) - 1)
    if last >= len(content) or first > last:
        return Answer(416, b"", kind, (*headers, ("Content-Range", f"bytes */{len(content)}")))
    told = f"bytes {first}-{last}/{len(content)}"
    return Answer(206, content[first : last + 1], kind, (*headers, ("Content-Range", told)))


def disposition(how: str, book: OrbitBook) -> tuple[str, str]:
    name = book.file_name
    return "Content-Disposition", f"{how}; filename=\"{name}\"; filename*=UTF-8''{name}"


def thumbnail(state: OrbitState, user: OrbitUser, number: str) -> Answer:
    """The first page of a comic. Nothing makes it smaller, or a JPEG of it."""
    book = state.book_for(user, number)
    if book.format != "cbz" or not book.content:
        raise OrbitRefusal(404, "No thumbnail")
    with zipfile.ZipFile(io.BytesIO(book.content)) as archive:
        pages = sorted(one for one in archive.namelist() if one.endswith((".png", ".jpg", ".jpeg")))
        return Answer(200, archive.read(pages[0]), "image/jpeg", (("ETag", f'"{book.md5}"'),))


def delete_books(state: OrbitState, user: OrbitUser, body: Any) -> None:
    """The files, and what everybody has of these books."""
    if user.libraries is not None:
        raise OrbitRefusal(403, "Insufficient permissions")
    for number in body.get("bookIds") or ():
        if state.books.pop(number, None) is None:
            raise OrbitRefusal(404, "One or more books were not found")
        tables: list[dict[Any, Any]] = [state.events, state.sessions, state.places, state.shared, state.states]
        for table in tables:
            for key in [one for one in table if one[1] == number]:
                del table[key]
        for rows in (state.annotations, state.bookmarks):
            rows[:] = [one for one in rows if one["book"] != number]


def change_library(state: OrbitState, user: OrbitUser, number: str, body: Fields) -> Fields:
    """Whether changes of metadata go into the files."""
    (state.writes_files.add if body.get("fileWriteEnabled") else state.writes_files.discard)(int(number))
    return {"id": int(number), **body}


def change_metadata(state: OrbitState, user: OrbitUser, book: OrbitBook, body: Fields) -> Fields:
    """A file that is rewritten is still known by the digest that it had."""
    book.title = body.get("title", book.title)
    if book.library in state.writes_files and book.format == "epub" and book.content:
        book.former.add(book.md5)
        book.content = renamed(book.content, book.title)
        book.size, book.md5 = len(book.content), partial_digest(book.content)
        book.__post_init__()
    state.rewrite(book)
    return {"id": book.id, "title": book.title}
