"""A recorded spring of reading on every server: each session once, under its book and of its type."""

import shutil

import pytest
from history_world import RECORDED, add_book, add_pages, digest, open_file, reading

from booklore_core.actions.verify import compare
from booklore_core.testing import DIALECTS, BookLoreServer

LIBRARY = RECORDED.with_name("server") / "library.json"
COMIC, PDF = 3, 4
"""The server's ids of books whose files no device has told of."""

NOT_ON_THE_SERVER = {"Comments and Instructions", "Plain Chapters"}
"""One has no digest in the statistics, of the other a second copy was read, too."""


@pytest.fixture(params=sorted(DIALECTS))
def server(request):
    with BookLoreServer(dialect=request.param, library=LIBRARY) as server:
        yield server


@pytest.fixture
def core(open_core, server):
    account = {"BOOKLORE_URL": server.url, "BOOKLORE_USERNAME": server.username, "BOOKLORE_PASSWORD": server.password}
    return open_core(plugins=("sessions", "history", "booklore"), **account)


def test_a_spring_of_reading_arrives_once_and_of_the_type_of_the_servers_file(core, server, take_in, path):
    path.parent.mkdir()
    shutil.copyfile(RECORDED / "statistics.sqlite3", path)
    items = take_in(path)

    core.sync()

    matches = core.books.matches("booklore")
    sent = [item for item in items if item.book.partial_md5 in matches]
    assert {item.book.title for item in items if item not in sent} <= NOT_ON_THE_SERVER
    assert len(server.sessions) == len(sent) == 286
    assert sum(one["durationSeconds"] for one in server.sessions) == sum(item.body["duration"] for item in sent)
    assert {one["bookType"] for one in server.sessions if one["bookId"] not in (PDF, COMIC)} == {"EPUB"}
    assert {(one["bookId"], one["bookType"]) for one in server.sessions} >= {(PDF, "PDF"), (COMIC, "CBX")}
    assert compare(core).is_clean
    assert take_in(path) == []


def test_the_tables_of_the_manual_show_what_waits_and_what_was_sent(core, take_in, path):
    db = open_file(path)
    add_book(db, "Nobody has this book")
    add_pages(db, *reading(15))

    take_in(path)

    (row,) = core.database.rows("SELECT * FROM pending_sessions")
    assert (row["book_hash"], row["book_type"], row["book_title"]) == (
        digest("Nobody has this book"), "EPUB", "Nobody has this book",
    )  # fmt: skip
    assert (row["start_time"], row["end_time"], row["duration_seconds"]) == (
        "2026-10-01T20:00:00Z", "2026-10-01T20:10:00Z", 600,
    )  # fmt: skip
