"""Which books there are, and which file is which: for devices. Source: contract 4, 12.1."""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from urllib.parse import urlencode

from booklore_core.testing.orbit.about_file import read_about
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    iso,
)
from booklore_core.testing.orbit.rules import BOOK_HASH, DEVICE, HASH, listed, one_of, pattern, text, truth, whole

VERSION = {
    "pluginVersion": "1.5.0",
    "serverVersion": "dev-183ae7ad",
    "capabilities": ["catalogBulkManifest", "catalogDashboardSections", "bookmarkSync"],
}
ABOUT = {
    "hash": BOOK_HASH,
    "title": text(500, True),
    "authors": text(1000, True),
    "lastOpen": whole(0, None, True),
    "source": one_of("current_file", "file", "statistics", is_optional=True),
    "metadataAmbiguous": truth(True),
}
SHOWN_TO_OWNER = ("current_file", "file")
COUNTS = ("booksMatched", "pageStatsUploaded", "annotationsUpserted")
NOTHING = ("subtitle", "publisher", "publishedDate", "publishedYear")
BOOKS = "/api/v1/koreader/plugin/catalog/books"
SECTIONS = {"libraries": "Libraries", "collections": "Collections", "smart-scopes": "SmartScopes"}
SECTIONS |= {"authors": "Authors", "series": "Series"}
ASKED = ("q", "size", "page", "sort", "ids", "format", "readStatus", "libraryId", "author", "seriesId", "deviceId")
"""What a list of books may be asked with."""

MOST_SIMILAR = 8
NO_NUMBER = "Validation failed (numeric string is expected)"


def post_match_check(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    hashes = listed(1, 500, each=pattern(HASH, "i", says_string=True))
    told = check_body(body, **DEVICE, hashes=hashes, books=listed(0, 500, ABOUT, is_optional=True))
    matches = []
    for digest in dict.fromkeys(one.lower() for one in told["hashes"]):
        if book := state.find(user, digest):
            matches.append({"hash": digest, "bookId": book.id, "bookFileId": book.id})
    known = {one["hash"] for one in matches}
    for about in told.get("books") or ():
        digest = about["hash"].lower()
        if digest not in known and about.get("source") in SHOWN_TO_OWNER:
            first = state.unmatched.get((user.id, digest), {"firstSeenAt": iso(state.now())})
            fields = {name: about.get(name) for name in ("title", "authors", "lastOpen")}
            state.unmatched[user.id, digest] = {"hash": digest, **first, **fields, "lastSeenAt": iso(state.now())}
    return {"matches": matches, "libraryVersion": library_version(state, user)}


def library_version(state: OrbitState, user: OrbitUser) -> str:
    """Another one with any file or link."""
    seen = [(book.id, book.md5) for book in state.by_id if state.sees(user, book)]
    linked = sorted((key[1], link["bookId"]) for key, link in state.links.items() if key[0] == user.id)
    return hashlib.md5(repr((seen, linked)).encode(), usedforsecurity=False).hexdigest()[:16]


def post_sweep(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    told = check_body(body, **DEVICE, **{name: whole(0) for name in COUNTS})
    now = iso(state.now())
    state.devices[user.id, told["deviceId"]] = {**told, "lastSweepAt": now}
    return {"ok": True, "lastSweepAt": now, "libraryVersion": library_version(state, user)}


def get_root(state: OrbitState, user: OrbitUser) -> Fields:
    """Where a device may begin to look for books."""
    told = {
        "continue-reading": ("Continue reading", "recently_read&readStatus=reading"),
        "recent": ("Recently added", "recently_added"),
    }
    sections: list[Fields] = [
        {"id": name, "title": title, "section": name, "booksHref": f"{BOOKS}?sort={sort}"}
        for name, (title, sort) in told.items()
    ]
    above = BOOKS.removesuffix("books") + "sections"
    sections += [
        {"id": one, "title": title, "section": one, "href": f"{above}/{one}"} for one, title in SECTIONS.items()
    ]
    return {
        "sections": [
            *sections,
            {"id": "all-books", "title": "All Books", "section": "all-books", "booksHref": f"{BOOKS}?sort=title"},
        ]
    }


def find_books(state: OrbitState, user: OrbitUser, query: dict[str, str]) -> Fields:
    """By title, author or ISBN; by their numbers, or of a format. The title tells the order."""
    said = [f"property {name} should not exist" for name in query if name not in ASKED]
    size, page = int(query.get("size", "20")), int(query.get("page", "1"))
    said += ["size must not be greater than 100"] if size > 100 else []
    said += ["size must not be less than 1"] if size < 1 else []
    if said:
        raise OrbitRefusal(400, said)
    found = sorted((book for book in state.by_id if state.sees(user, book)), key=lambda one: plain(one.title))
    words, ids = plain(query.get("q", "")), query.get("ids", "").split(",") if query.get("ids") else None
    found = [one for one in found if words in plain(" ".join(texts_of(one))) and (ids is None or str(one.id) in ids)]
    found = [one for one in found if query.get("format") in (None, one.format)]
    items = [card(state, user, one) for one in found[(page - 1) * size : page * size]]
    told = {"items": items, "total": len(found), "page": page, "size": size, "seriesSummary": None}
    urls = {"nextUrl": page + 1 if page * size < len(found) else None, "previousUrl": page - 1 if page > 1 else None}
    told |= {"hasNext": urls["nextUrl"] is not None, "hasPrevious": urls["previousUrl"] is not None}
    return {**told, **{name: number and url_of(query, number, size) for name, number in urls.items()}}


def url_of(query: dict[str, str], page: int, size: int) -> str:
    asked = {"page": page, "size": size, **{name: query[name] for name in query if name not in ("page", "size")}}
    return f"{BOOKS}?{urlencode(asked)}"


def plain(text: str) -> str:
    """Without accents, in small letters."""
    told = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in told if not unicodedata.combining(one))


def texts_of(book: OrbitBook) -> list[str]:
    return [" ".join(book.title.split()), *book.authors, book.isbn13 or "", book.isbn10 or ""]


def card(state: OrbitState, user: OrbitUser, book: OrbitBook) -> Fields:
    """A book as lists show it."""
    row, shared = state.state_of(user, book), state.shared.get((user.id, book.id))
    told = {"id": book.id, "title": book.title, "authors": book.authors, "readStatus": row["status"]}
    told |= {"formats": [book.format], **cover_of(book), "detailUrl": f"{BOOKS}/{book.id}"}
    told |= {
        "progressPercentage": shared and shared["percent"],
        "lastReadAt": shared and iso(shared.get("read") or shared["at"]),
    }
    known = read_about(book.content, book.format)
    told |= {"seriesId": 1 if known.series else None, "seriesName": known.series, "seriesIndex": known.index}
    return {**told, "addedAt": iso(0), "updatedAt": iso(0)}


def cover_of(book: OrbitBook) -> Fields:
    has_cover = book.format == "cbz"
    return {"hasCover": has_cover, "thumbnailUrl": f"{BOOKS}/{book.id}/thumbnail" if has_cover else None}


def get_book(state: OrbitState, user: OrbitUser, number: str) -> Fields:
    if not number.isdigit():
        raise OrbitRefusal(400, NO_NUMBER)
    book = state.book_for(user, number)
    shared, known = state.shared.get((user.id, book.id)), read_about(book.content, book.format)
    told = {**dict.fromkeys(NOTHING), **card(state, user, book), "language": known.language, "isbn10": book.isbn10}
    told |= {"isbn13": book.isbn13, "libraryId": book.library, "libraryName": library_name(book)}
    told |= {"rating": state.state_of(user, book)["rating"], "pageCount": book.pages, "description": known.description}
    told |= {"collections": [], "genres": [], "tags": list(known.tags), "relatedSections": related(state, user, book)}
    place = shared and {"fileId": book.id, "percentage": shared["percent"], "koreaderProgress": shared["place"]}
    told["progress"] = place and {**place, "updatedAt": iso(shared["at"] if shared else 0)}
    file = {"id": book.id, "format": book.format, "role": "primary", "sizeBytes": book.size, "durationSeconds": None}
    file |= {"downloadUrl": download_url(book), "devicePath": device_path(book)}
    return {**told, "files": [file]}


def related(state: OrbitState, user: OrbitUser, book: OrbitBook) -> list[Fields]:
    """Others that the reader may see. Which are the most similar, an index of the real one's database tells."""
    others = [one for one in state.by_id if state.sees(user, one) and one is not book][:MOST_SIMILAR]
    books = [
        {
            "id": one.id, "title": one.title, "authors": one.authors, **cover_of(one), "updatedAt": iso(0),
            "seriesIndex": read_about(one.content, one.format).index, "detailUrl": f"{BOOKS}/{one.id}",
            "isAudiobook": False, "isComic": one.format == "cbz",
        }
        for one in others
    ]  # fmt: skip
    return [{"id": "similar", "title": "Similar books", "books": books}] if books else []


def library_name(book: OrbitBook) -> str:
    return {1: "Main", 2: "Dup"}.get(book.library, f"Library {book.library}")


def download_url(book: OrbitBook) -> str:
    return f"/api/v1/koreader/plugin/catalog/files/{book.id}/download"


def device_path(book: OrbitBook) -> str:
    known = read_about(book.content, book.format)
    if known.series:
        return f"Series/{known.series}/{known.index or 0:.2f} - {book.title}.{book.format}"
    return f"Standalone/{book.authors[0] if book.authors else 'Unknown'} - {book.title}.{book.format}"


def get_manifest(state: OrbitState, user: OrbitUser, query: dict[str, str]) -> Fields:
    """Every file, with its digest; ids: those of the only books. Where the next part begins is nobody's to read."""
    size, cursor = int(query.get("size", "100")), read_cursor(query.get("cursor"))
    wanted = {int(one) for one in query["ids"].split(",")} if query.get("ids") else state.books.keys()
    seen = [one for one in state.by_id if state.sees(user, one) and one.id in wanted and one.id > cursor]
    has_next = len(seen) > size
    told = {"hasNext": has_next, "nextCursor": write_cursor(seen[size - 1].id) if has_next else None}
    told |= {"manifestVersion": library_version(state, user), "restartRequired": False}
    return {"items": [manifest_entry(one) for one in seen[:size]], **told}


def write_cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f'{{"v":1,"a":{number}}}'.encode()).decode().rstrip("=")


def read_cursor(told: str | None) -> int:
    return json.loads(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)))["a"] if told else 0


def manifest_entry(book: OrbitBook) -> Fields:
    file = {"id": book.id, "format": book.format, "sizeBytes": book.size, "contentVersion": iso(0)}
    file |= {"fileHash": book.md5, "devicePath": device_path(book)}
    file["downloadUrl"] = download_url(book)
    known = read_about(book.content, book.format)
    told = {"id": book.id, "title": book.title, "authors": book.authors, "seriesName": known.series}
    return {**told, "seriesIndex": known.index, "formats": [book.format], "files": [file]}
