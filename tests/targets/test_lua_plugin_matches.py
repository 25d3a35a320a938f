"""The Lua plugin's matches: believed as far as nothing speaks against them, and never to a wrong book."""

from dataclasses import replace

import pytest
from lua_database import LuaDatabase
from lua_world import open_world

from booklore_core.testing import small_epub

DUNE, OTHER = "Dune", "Emma"


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


def digest(world, title=DUNE):
    return world.book(title).partial_md5


def matches(world):
    return {md5: (match.remote_id, match.how) for md5, match in
            ((book.partial_md5, match) for book, match in world.core.books.matched("booklore"))}  # fmt: skip


def test_a_match_whose_file_is_the_readers_is_certain(world):
    database = world.database().book(1, digest(world), book_id=1)

    world.take_over(database)

    assert matches(world) == {digest(world): ("1", "digest")}


def test_a_match_with_another_book_is_left_out_and_told(world):
    database = world.database().book(1, digest(world), book_id=world.book(OTHER).id, title="Something else")

    result = world.take_over(database)

    assert matches(world) == {}
    assert "“Emma” (2) is another than “Something else”" in result.message


def test_a_match_with_another_book_gives_way_to_the_right_one(world):
    database = world.database().book(1, digest(world), book_id=world.book(OTHER).id, title=DUNE)

    result = world.take_over(database)

    assert matches(world) == {digest(world): ("1", "digest")}
    assert "and not number 2" in result.message


def test_a_match_stays_when_the_server_has_rewritten_its_file(world):
    md5 = digest(world)
    world.server.rewrite_book(1, small_epub("Dune, with a cover"))
    database = world.database().book(1, md5, book_id=1, title="Dune", author="Frank Herbert")

    world.take_over(database)

    assert matches(world) == {md5: ("1", "lua plugin")}


def test_a_match_with_a_book_that_is_gone_is_left_out_and_told(world):
    database = world.database().book(1, "f" * 32, book_id=77, title="Lost", file_path="historical://" + "f" * 32)

    result = world.take_over(database)

    assert matches(world) == {}
    assert "no book of number 77 any more" in result.message


def test_the_row_of_a_file_goes_before_one_of_history(world):
    md5 = digest(world)
    database = world.database().book(1, md5, book_id=77, file_path=f"historical://{md5}").book(2, md5, book_id=1)

    world.take_over(database)

    assert matches(world) == {md5: ("1", "digest")}


def test_matches_are_believed_while_the_server_is_away(world):
    database = world.database().book(1, digest(world), book_id=1, title=DUNE)
    world.server.stop()

    result = world.take_over(database)

    assert matches(world) == {digest(world): ("1", "lua plugin")}
    assert "could not be checked" in result.message


def test_matches_of_another_server_are_not_believed_while_this_one_is_away(world):
    database = world.database().book(1, digest(world), book_id=1, title=DUNE)
    world.core.settings.set("booklore.url", "http://127.0.0.1:9")

    world.take_over(database)

    assert matches(world) == {}


def test_what_is_matched_here_stays(world):
    md5 = digest(world)
    database = world.database().book(1, md5, book_id=1, title=DUNE)
    world.take_over(database)
    world.core.books.match(
        md5, "booklore", replace(world.core.books.matched("booklore")[0][1], remote_id="2"), world.clock()
    )

    world.take_over(database)

    assert matches(world)[md5][0] == "2"


def test_what_waits_for_a_wrong_match_waits_on(world):
    md5 = "f" * 32
    database = world.database().book(1, md5, book_id=world.book(OTHER).id, title="Something else")
    database.waiting(md5, "2026-03-01 20:00", "2026-03-01 20:30", 1800, book_id=world.book(OTHER).id)

    world.take_over(database)
    world.sync()

    assert world.server.sessions == []
    assert world.core.pending() == {"session": 1}


def test_a_database_without_settings_is_believed_to_be_of_this_server(world, tmp_path):
    world.core.settings.set("booklore.url", world.server.url)
    world.core.settings.set("booklore.username", world.server.username)
    world.core.settings.set("booklore.password", world.server.password)
    database = LuaDatabase(tmp_path / "old.sqlite", 8).book(1, digest(world), book_id=1)
    database.sent(digest(world), "2026-02-01 20:00", "2026-02-01 20:10", 600, book_id=1)

    world.take_over(database)

    assert matches(world) == {digest(world): ("1", "digest")}
    assert list(world.states().values()) == ["delivered"]
