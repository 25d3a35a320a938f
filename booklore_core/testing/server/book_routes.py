"""Lists of books, single books, by digest, by search, and their deletion."""

from __future__ import annotations

from collections.abc import Iterable

from booklore_core.testing.server.answers import Answer, Refusal, json_answer, unexpected
from booklore_core.testing.server.book_json import book_object, listed_object, listing
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.library import ServerBook
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.search import search_books
from booklore_core.testing.server.state import State, refuse_unless, refuse_unless_visible

PAGE_LIMIT = 100


def book_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("GET", "/api/v1/books", all_books)
    yield Route("DELETE", "/api/v1/books", delete_books)
    yield Route("GET", "/api/v1/books/batch", some_books)
    yield Route("GET", "/api/v1/books/{bookId:long}", one_book)
    if dialect.has_book_pages:
        yield Route("GET", "/api/v1/books/page", page_of_books)
    if dialect.has_by_hash:
        yield Route("GET", "/api/v1/books/search", search)
        yield Route("GET", "/api/v1/books/by-hash/{digest}", book_by_digest)
        yield Route("GET", "/api/koreader/books/by-hash/{digest}", book_by_digest_for_device)


def all_books(state: State, request: ServerRequest) -> Answer:
    user = request.user
    return Answer(200, listing(state, state.books_for(user), user), "application/json")


def page_of_books(state: State, request: ServerRequest) -> Answer:
    number, size = max(request.whole("page", 0), 0), request.whole("size", 20)
    size = min(size, PAGE_LIMIT) if size > 0 else 20
    books = state.books_for(request.user)
    shown = books[number * size : (number + 1) * size]
    page = {"size": size, "number": number, "totalElements": len(books), "totalPages": -(-len(books) // size)}
    return json_answer({"content": [listed_object(state, book, request.user) for book in shown], "page": page})


def some_books(state: State, request: ServerRequest) -> Answer:
    user = request.user
    wanted = {book_id for book_id in _ids(request) if book_id in state.books}
    books = [book for book in state.books_for(user) if book.id in wanted]
    return json_answer([book_object(state, book, user) for book in books])


def one_book(state: State, request: ServerRequest) -> Answer:
    book = state.book(request.id("bookId"))
    refuse_unless_visible(request.user, book)
    return json_answer(book_object(state, book, request.user))


def book_by_digest(state: State, request: ServerRequest) -> Answer:
    """Only for users to whom the library is assigned: this endpoint has no exception for admins."""
    digest = str(request.variables["digest"])
    book = state.book_of_digest(digest)
    if book is None or book.library_id not in request.user.libraries:
        raise Refusal(404, f"Book with hash {digest} not found")
    return json_answer(book_object(state, book, request.user))


def book_by_digest_for_device(state: State, request: ServerRequest) -> Answer:
    request.principal = state.users[request.account.user_id]
    return book_by_digest(state, request)


def search(state: State, request: ServerRequest) -> Answer:
    title, isbn = request.query.get("title"), request.query.get("isbn")
    if not title and not isbn:
        raise Refusal(400, "At least one search parameter (title or isbn) must be provided")
    found = search_books(state.books_for(request.user), title, isbn)
    return json_answer([_hit(book, score) for score, book in found])


def _hit(book: ServerBook, score: float) -> dict[str, object]:
    hit: dict[str, object] = {"hash": book.partial_md5, "id": book.id, "matchScore": score}
    return hit if book.title is None else hit | {"title": book.title}


def delete_books(state: State, request: ServerRequest) -> Answer:
    """Deletes for everybody, and echoes whatever ids were asked for. A file that cannot be removed stays where it is,
    its book goes all the same. The files given to this server stay."""
    refuse_unless(request.user, "delete", state.dialect)
    wanted = _ids(request)
    visible = {book.id for book in state.books_for(request.user)}.intersection(wanted)
    failed = sorted(visible & state.stuck_files)
    state.left_behind += [state.books[book_id] for book_id in failed]
    for book_id in visible:
        state.drop_book(book_id)
    return json_answer({"deleted": wanted, "failedFileDeletions": failed}, 207 if failed else 200)


def _ids(request: ServerRequest) -> list[int]:
    written = request.query.get("ids", "")
    if not written:
        raise unexpected(400)
    return [request.parsed("ids", part) for part in written.split(",")]
