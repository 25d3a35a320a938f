"""The documented tables are there as views: every printed query runs, with the columns of the existing database."""

import json

import pytest
from databases import asked
from declared_kinds import declare

from booklore_core import BookRef, Item, ItemFailed, Kind, Match, hookimpl
from booklore_core.testing import FakeTarget, SampleReader, sample_book

pytestmark = pytest.mark.both_databases

DUNE = sample_book("Dune")
REF = BookRef(DUNE["partial_md5"], "Dune")

PRINTED = [
    "SELECT id, retry_count, book_id, duration_seconds FROM pending_sessions;",
    "SELECT id, file_path, book_id, created_at FROM pending_deletions;",
    "SELECT id, book_hash, duration_seconds, retry_count, created_at FROM pending_sessions;",
]
"""Every query of the manual's pages, as printed."""

SPAN = "start_time end_time duration_seconds start_progress end_progress progress_delta start_location end_location"
QUEUE = "retry_count last_retry_at created_at"
COLUMNS = {
    "pending_sessions": f"id book_id book_hash book_type {SPAN} {QUEUE} book_title koreader_book_id",
    "historical_sessions": "id koreader_book_id koreader_book_title book_id book_hash book_type"
    f" {SPAN} created_at matched synced",
    "pending_annotations": f"id book_cache_id book_id ann_type datetime payload {QUEUE}",
    "pending_ratings": f"id book_cache_id book_id rating {QUEUE}",
    "pending_bookmarks": f"id book_cache_id book_id datetime payload {QUEUE}",
    "pending_deletions": "id file_hash file_path stem book_id retry_count created_at",
    "pending_koreader_progress": "id document percentage progress timestamp device device_id retry_count",
    "synced_annotations": "id book_cache_id koreader_datetime annotation_type destination server_id synced_at",
    "synced_bookmarks": "id book_cache_id datetime server_id synced_at",
    "rating_sync_history": "id book_cache_id rating synced_at status error_message",
    "book_cache": "id file_path file_hash book_id title author last_accessed created_at updated_at isbn10 isbn13"
    " hardcover_id tracking_enabled",
}
KINDS = {"session", "annotation", "rating", "bookmark", "progress", "deletion"}
BODIES = {
    "annotation": {"datetime": "2026-11-20 13:41:02", "text": "Fear is the mind-killer", "note": "yes"},
    "rating": {"stars": 4},
    "bookmark": {"datetime": "2026-11-20 13:42:00"},
    "progress": {"percent": 0.42, "position": "/body/p[3].0", "device": "kobo-7f3a"},
    "deletion": {"file": "/mnt/onboard/dune.epub"},
}


@pytest.fixture
def bookworm():
    return FakeTarget(kinds=KINDS)


@pytest.fixture
def core(open_core, bookworm, clock):
    """A core with one item of every kind waiting, the book being matched to 42."""
    core = declare(open_core(bookworm))
    core.take(SampleReader().read(DUNE, pages=60, seconds=10), "test")
    core.put([Item(kind, "one", REF, body, clock()) for kind, body in BODIES.items()], "test")
    core.books.match(REF.partial_md5, "bookworm", Match("42", "digest"), clock())
    return core


@pytest.fixture
def ask(core):
    """Asks the database itself, as a person does with the command sqlite3 or psql."""
    return lambda sql: asked(core.places.home, sql)


@pytest.mark.parametrize("query", PRINTED)
def test_every_printed_query_runs_as_printed(ask, query):
    assert len(ask(query)) == 1


def test_what_the_shipped_features_declare_answers_every_printed_query(open_core):
    features = ("sessions", "annotations", "bookmarks", "ratings", "progress", "deletions")
    rows = open_core(home="shipped", plugins=features).database.rows

    assert [rows(query) for query in PRINTED] == [[]] * len(PRINTED)
    assert [rows(f"SELECT {', '.join(columns.split())} FROM {view}") for view, columns in COLUMNS.items()] == [
        [] for _ in COLUMNS
    ]


@pytest.mark.parametrize("view", COLUMNS)
def test_every_documented_table_has_its_columns(core, ask, view):
    core.sync()

    assert isinstance(ask(f"SELECT {', '.join(COLUMNS[view].split())} FROM {view}"), list)


def test_a_pending_session_is_told_in_the_units_of_the_existing_plugin(ask, clock):
    [row] = ask("SELECT * FROM pending_sessions")

    assert (row["book_hash"], row["book_id"], row["book_type"]) == (REF.partial_md5, 42, "EPUB")
    assert (row["start_time"], row["end_time"]) == ("2026-11-20T08:00:00Z", "2026-11-20T08:10:00Z")
    assert (row["duration_seconds"], row["retry_count"], row["last_retry_at"]) == (600, 0, None)
    assert row["start_progress"] == pytest.approx(100 / 600)
    assert row["progress_delta"] == pytest.approx(10)
    assert (row["book_title"], row["created_at"]) == ("Dune", int(clock().timestamp()))


def test_an_unmatched_book_has_no_id_where_the_old_plugin_took_another_books(core, ask):
    core.books.forget_match(REF.partial_md5, "bookworm")

    assert ask("SELECT book_id FROM pending_sessions") == [{"book_id": None}]


def test_the_retry_count_is_seen_in_the_database(core, ask, bookworm):
    bookworm.fails_with = ItemFailed("busy")
    core.sync()
    core.sync()

    for view in ("sessions", "annotations", "ratings", "bookmarks", "koreader_progress", "deletions"):
        assert [row["retry_count"] for row in ask(f"SELECT * FROM pending_{view}")] == [2]


def test_what_was_sent_moves_from_the_queues_to_the_histories(core, ask):
    core.sync()

    assert [ask(f"SELECT * FROM {view}") for view in COLUMNS if view.startswith("pending")] == [[]] * 6
    [session] = ask("SELECT * FROM historical_sessions")
    assert (session["koreader_book_title"], session["matched"], session["synced"]) == ("Dune", 1, 1)
    [annotation] = ask("SELECT * FROM synced_annotations")
    assert (annotation["koreader_datetime"], annotation["annotation_type"]) == ("2026-11-20 13:41:02", "note")
    assert annotation["server_id"].startswith("bookworm-")
    assert [row["datetime"] for row in ask("SELECT * FROM synced_bookmarks")] == ["2026-11-20 13:42:00"]
    assert [(row["rating"], row["status"]) for row in ask("SELECT * FROM rating_sync_history")] == [(8, "success")]


def test_the_other_queues_tell_what_waits(ask):
    [rating] = ask("SELECT * FROM pending_ratings")
    [progress] = ask("SELECT * FROM pending_koreader_progress")
    [annotation] = ask("SELECT * FROM pending_annotations")
    [deletion] = ask("SELECT * FROM pending_deletions")

    assert rating["rating"] == 8
    assert (progress["document"], progress["percentage"]) == (REF.partial_md5, 0.42)
    assert json.loads(annotation["payload"]) == BODIES["annotation"]
    assert (deletion["file_path"], deletion["stem"]) == ("/mnt/onboard/dune.epub", "Dune")


def test_the_book_cache_keeps_its_row_and_its_switch_when_the_book_is_matched_anew(core, ask, clock):
    core.books.track(REF.partial_md5, False)
    [before] = ask("SELECT * FROM book_cache")

    core.books.match(REF.partial_md5, "bookworm", Match("43", "person"), clock())

    [after] = ask("SELECT * FROM book_cache")
    assert (before["book_id"], after["book_id"]) == (42, 43)
    assert (after["id"], after["tracking_enabled"]) == (before["id"], 0)
    assert after["file_path"] == "/mnt/onboard/dune.epub"


def test_two_targets_make_one_row_of_an_item(open_core, clock):
    core = declare(open_core(FakeTarget("one", KINDS), FakeTarget("two", KINDS), home="both"))
    core.put([Item("rating", "one", REF, {"stars": 4}, clock())], "test")

    assert len(core.database.rows("SELECT * FROM pending_ratings")) == 1


def quote(**views):
    return Kind("quote", "Q", "quote", "quotes", views=views)


def test_a_view_that_a_third_party_declares_is_there_and_follows_its_declaration(open_core, clock):
    core = declare(
        open_core(FakeTarget(kinds={"quote"})), quote(quotes="SELECT {text:text} AS text FROM pending_items")
    )
    core.put([Item("quote", "one", REF, {"text": "Fear"}, clock())], "test")
    assert core.database.rows("SELECT * FROM quotes") == [{"text": "Fear"}]

    again = declare(open_core(), quote(quotes="SELECT key, {text:text} AS text FROM pending_items"))

    assert again.database.rows("SELECT * FROM quotes") == [{"key": "one", "text": "Fear"}]


@pytest.mark.parametrize(
    ("written", "text"),
    [("at :noon", "at :noon"), ("a::b", "a::b"), (": 5%", ": 5%"), ("c:\\:d", "c:\\:d")],
)
def test_a_colon_in_a_view_is_a_colon(open_core, written, text):
    core = declare(open_core(), quote(quotes=f"SELECT '{written}' AS text"))

    assert core.plugins.plugins["kinds"].error is None
    assert core.database.rows("SELECT * FROM quotes") == [{"text": text}]


@pytest.mark.parametrize(
    "views",
    [
        {"quotes": "SELECT nonsense FROM pending_items"},
        {"quotes": "SELECT {colour:text} FROM pending_items"},
        {"quotes": "no SQL"},
        {"due": "SELECT 1"},
        {"items": "SELECT 1"},
        {"pending_sessions": "SELECT 1"},
        {"a; DROP TABLE items": "SELECT 1"},
    ],
)
def test_a_view_that_cannot_be_made_is_named_and_costs_nobody_else_anything(open_core, clock, views):
    core = declare(open_core(FakeTarget(kinds={"quote"})), quote(good_quotes="SELECT 1 AS one", **views))
    core.put([Item("quote", "one", REF, {"text": "Fear"}, clock())], "test")

    assert f"view {next(iter(views))}" in core.plugins.plugins["kinds"].error
    assert core.database.rows("SELECT * FROM good_quotes") == [{"one": 1}]
    assert core.database.rows("SELECT * FROM pending_sessions") == []
    assert core.pending() == {"quote": 1}


def test_a_view_of_another_kind_stays_its_own_from_the_first_start(open_core):
    class Thief:
        @hookimpl
        def register_kinds(self):
            yield Kind("blob", "", "blob", "blobs", views={"pending_sessions": "SELECT 1 AS id FROM pending_items"})

    core = open_core()
    core.database.run("DROP VIEW pending_sessions")
    core.database.run("DELETE FROM kind_views")
    core.plugins.register("thief", Thief())
    core.refresh()

    assert core.database.rows("SELECT duration_seconds FROM pending_sessions") == []
    assert "view pending_sessions: the name is taken" in core.plugins.plugins["thief"].error
