"""Ratings from the Lua plugin: what was sent is not sent again, what waits is, and what was changed since stays."""

import pytest
from lua_world import open_world

from booklore_core.testing import SampleReader

AT = 1772400000


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


@pytest.fixture
def database(world):
    book = world.book("Dune")
    return world.database().book(1, book.partial_md5, book_id=book.id, title="Dune")


def rating(world):
    kept = world.server.readings.get(1)
    return kept and kept.rating


def shown(world, stars):
    """The e-reader tells these stars at a closing."""
    book, reader = world.book("Dune"), SampleReader(stars=stars)
    about = {"partial_md5": book.partial_md5, "title": "Dune", "file": "/mnt/onboard/dune.epub", "pages": 600}
    reader.read({**about, "size": len(book.read())})
    world.core.take(reader.lines, "test")


def test_a_rating_that_waits_is_sent(world, database):
    database.put("pending_ratings", {"book_cache_id": 1, "rating": "8", "created_at": AT})

    world.take_over(database)
    world.sync()

    assert rating(world) == 8


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("book_metadata", {"rating": 8, "rating_synced": 1, "updated_at": AT}),
        ("rating_sync_history", {"rating": 8, "status": "success", "synced_at": AT}),
    ],
)
def test_a_rating_that_was_sent_is_not_sent_again(world, database, table, row):
    database.put(table, {"book_cache_id": 1, **row})

    world.take_over(database)
    world.sync()

    assert rating(world) is None  # somebody has taken it back there
    assert world.states("rating") == {world.book("Dune").partial_md5: "delivered"}


def test_a_rating_that_was_kept_and_never_sent_is_due(world, database):
    database.put("book_metadata", {"book_cache_id": 1, "rating": 6, "rating_synced": 0, "updated_at": AT})
    database.put("rating_sync_history", {"book_cache_id": 1, "rating": 6, "status": "error", "synced_at": AT})

    world.take_over(database)
    world.sync()

    assert rating(world) == 6


def test_the_stars_that_became_the_rating_are_no_news(world, database):
    database.put("book_metadata", {"book_cache_id": 1, "rating": 8, "rating_synced": 1, "updated_at": AT})

    world.take_over(database)
    shown(world, 4)
    world.sync()

    assert rating(world) is None


def test_other_stars_are(world, database):
    database.put("book_metadata", {"book_cache_id": 1, "rating": 8, "rating_synced": 1, "updated_at": AT})

    world.take_over(database)
    shown(world, 5)
    world.sync()

    assert rating(world) == 10


def test_stars_that_were_told_here_since_count(world, database):
    shown(world, 5)
    database.put("pending_ratings", {"book_cache_id": 1, "rating": 6, "created_at": AT})

    world.take_over(database)
    world.sync()

    assert rating(world) == 10


def test_a_rating_whose_book_has_another_number_by_now_is_found_by_its_sidecar(world, database):
    """The plugin gives a book a new number whenever it matches it (A1)."""
    database.put(
        "book_metadata", {"book_cache_id": 99, "rating": 8, "rating_synced": 1, "sdr_path": "/mnt/onboard/1.sdr"}
    )
    database.put("book_metadata", {"book_cache_id": 98, "rating": 8, "rating_synced": 1, "sdr_path": "/mnt/x.sdr"})

    result = world.take_over(database)

    assert list(world.states("rating").values()) == ["delivered"]
    assert result.data["left_out"] == {"rating of which nothing tells the book": 1}


@pytest.mark.parametrize("wrong", [0, 11, 3.5, "many", -1])
def test_what_is_no_rating_is_told(world, database, wrong):
    database.put("pending_ratings", {"book_cache_id": 1, "rating": wrong, "created_at": AT})

    world.take_over(database)

    assert world.items("rating") == []
    assert "whole number from 1 to 10" in world.remarks()[0]


def test_a_question_that_was_still_to_be_asked_is_dropped_with_a_word(world, database):
    database.put("book_metadata", {"book_cache_id": 1, "pending_rating_prompt": 1})

    told = world.take_over(database, dry_run=True).message

    assert "1 question for a rating that was still to be asked" in told
