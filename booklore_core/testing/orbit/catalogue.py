"""Which books there are, and which file is which: for devices. Source: contract 4, 12.1."""

from __future__ import annotations

import hashlib

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
NOTHING = ["seriesId", "seriesName", "seriesIndex", "thumbnailUrl", "subtitle", "description", "publisher"]
NOTHING += ["publishedDate", "publishedYear"]


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
    seen = [(book.id, book.md5) for book in state.books.values() if state.sees(user, book)]
    linked = sorted((key[1], link["bookId"]) for key, link in state.links.items() if key[0] == user.id)
    return hashlib.md5(repr((seen, linked)).encode(), usedforsecurity=False).hexdigest()[:16]


def post_sweep(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    told = check_body(body, **DEVICE, **{name: whole(0) for name in COUNTS})
    now = iso(state.now())
    state.devices[user.id, told["deviceId"]] = {**told, "lastSweepAt": now}
    return {"ok": True, "lastSweepAt": now, "libraryVersion": library_version(state, user)}


def find_books(state: OrbitState, user: OrbitUser, query: dict[str, str]) -> Fields:
    """By title, author or ISBN."""
    words, size = query.get("q", "").casefold(), int(query.get("size", "20"))
    if not 1 <= size <= 100:
        raise OrbitRefusal(400, ["size must not be greater than 100"])
    seen = [book for book in state.books.values() if state.sees(user, book)]
    found = [book for book in seen if words in " ".join(texts_of(book)).casefold()]
    return {"items": [card(state, user, book) for book in found[:size]], "total": len(found), "page": 0, "size": size}


def texts_of(book: OrbitBook) -> list[str]:
    return [" ".join(book.title.split()), *book.authors, book.isbn13 or "", book.isbn10 or ""]


def card(state: OrbitState, user: OrbitUser, book: OrbitBook) -> Fields:
    """A book as lists show it."""
    row, shared = state.state_of(user, book), state.shared.get((user.id, book.id))
    about = {"id": book.id, "title": book.title, "authors": book.authors, "readStatus": row["status"]}
    about |= {"formats": [book.format], "hasCover": book.format == "cbz"}
    about |= {"progressPercentage": shared and shared["percent"], "lastReadAt": shared and iso(shared["at"])}
    about["detailUrl"] = f"/api/v1/koreader/plugin/catalog/books/{book.id}"
    return {**about, "addedAt": iso(0), "updatedAt": iso(0), "seriesId": None, "seriesName": None, "seriesIndex": None}


def get_book(state: OrbitState, user: OrbitUser, number: str) -> Fields:
    book = state.book_for(user, number)
    shared = state.shared.get((user.id, book.id))
    about = {**dict.fromkeys(NOTHING), **card(state, user, book), "language": "en", "isbn10": book.isbn10}
    about |= {"isbn13": book.isbn13, "libraryId": book.library, "libraryName": {1: "Main", 2: "Dup"}[book.library]}
    about |= {"rating": state.state_of(user, book)["rating"], "pageCount": book.pages}
    about |= {"collections": [], "genres": [], "tags": [], "relatedSections": []}
    place = shared and {"fileId": book.id, "percentage": shared["percent"], "koreaderProgress": shared["place"]}
    about["progress"] = place and {**place, "updatedAt": iso(shared["at"] if shared else 0)}
    file = {"id": book.id, "format": book.format, "role": "primary", "sizeBytes": book.size, "durationSeconds": None}
    file |= {
        "downloadUrl": f"/api/v1/koreader/plugin/catalog/files/{book.id}/download",
        "devicePath": device_path(book),
    }
    return {**about, "files": [file]}


def device_path(book: OrbitBook) -> str:
    return f"Standalone/{book.authors[0] if book.authors else 'Unknown'} - {book.title}.{book.format}"


def get_manifest(state: OrbitState, user: OrbitUser, query: dict[str, str]) -> Fields:
    """Every file, with its digest; ids: those of the only books."""
    size, cursor = int(query.get("size", "100")), int(query.get("cursor") or 0)
    wanted = {int(one) for one in query["ids"].split(",")} if query.get("ids") else state.books.keys()
    seen = [one for one in state.books.values() if state.sees(user, one) and one.id in wanted and one.id > cursor]
    has_next = len(seen) > size
    about = {"hasNext": has_next, "nextCursor": str(seen[size - 1].id) if has_next else None}
    about |= {"manifestVersion": library_version(state, user), "restartRequired": False}
    return {"items": [manifest_entry(one) for one in seen[:size]], **about}


def manifest_entry(book: OrbitBook) -> Fields:
    file = {"id": book.id, "format": book.format, "sizeBytes": book.size, "contentVersion": iso(0)}
    file |= {"fileHash": book.md5, "devicePath": device_path(book)}
    file["downloadUrl"] = f"/api/v1/koreader/plugin/catalog/files/{book.id}/download"
    about = {"id": book.id, "title": book.title, "authors": book.authors, "seriesName": None, "seriesIndex": None}
    return {**about, "formats": [book.format], "files": [file]}
