"""Stars at a BookLore server: on its scale of ten, cleared by none, and the same however often they are sent."""

import json
from typing import Any

import pytest
from booklore_world import FRESH, MAYBE_SENT, OpenWorld, World
from places_world import on_the_page
from reader_world import Person, connected, fact, joined, just_before, rating, taken_over, writes

from booklore_core import Before, BookUnmatched, Declined, ItemFailed, ItemRejected, Superseded, TargetUnavailable
from booklore_core.testing import ServerBook, small_epub

PATH = "/api/v1/books/personal-rating"
PUT = f"PUT {PATH}"
OLDER = Before(is_older=True)
BEFORE_OR_AFTER = ["close_before", "close_after", "half_body", "commit_then_500", "commit_then_html_200", "late"]


def rated_on_the_web(world: World, book: ServerBook, value: int) -> None:
    assert Person(world).send("PUT", PATH, {"ids": [book.id], "rating": value}).status_code == 200


@pytest.mark.parametrize("value", [1, 2, 7, 10])
def test_rating_is_on_the_servers_scale_of_ten(world: World, value: int) -> None:
    dune = world.server.books[1]

    world.target().deliver(rating(dune, value), FRESH)

    assert on_the_page(world, dune)["personalRating"] == value


def test_rating_of_whole_stars_may_come_as_a_fraction(stock: World) -> None:
    dune = stock.server.books[1]

    stock.target().deliver(fact("rating", dune, {"rating": 7.0, "stars": 3.5}), FRESH)

    assert on_the_page(stock, dune)["personalRating"] == 7


@pytest.mark.parametrize("body", [{"rating": None, "stars": None}, {"removed": True}])
def test_rating_that_is_taken_back_is_cleared(world: World, body: dict[str, Any]) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(rating(dune, 8), FRESH)

    target.deliver(fact("rating", dune, body), FRESH)

    assert "personalRating" not in on_the_page(world, dune)


@pytest.mark.parametrize("value", [0, -1, 11, 127, 4.5, True, "8", [8]])
def test_what_is_no_rating_is_never_sent(world: World, value: Any) -> None:
    with pytest.raises(ItemRejected, match="a rating is a whole number from 1 to 10"):
        world.target().deliver(fact("rating", world.server.books[1], {"rating": value}), FRESH)

    assert writes(world) == []


def test_body_without_a_rating_clears_none(stock: World) -> None:
    with pytest.raises(ItemRejected):
        stock.target().deliver(fact("rating", stock.server.books[1], {"stars": 4}), FRESH)

    assert writes(stock) == []


def test_rating_is_one_request_about_one_book(world: World) -> None:
    world.target().deliver(rating(world.server.books[2], 8), FRESH)

    assert writes(world) == [PUT]
    assert [json.loads(one.body) for one in world.server.requests if one.path == PATH] == [{"ids": [2], "rating": 8}]


def test_rating_is_the_accounts_own(world: World) -> None:
    dune, mary = world.server.books[1], joined(world, "mary")

    world.target(USERNAME="mary", PASSWORD="mary-pw").deliver(rating(dune, 8), FRESH)

    assert mary.book(dune)["personalRating"] == 8
    assert "personalRating" not in Person(world).book(dune)


@pytest.mark.parametrize("value", [8, None])
def test_rating_that_was_perhaps_sent_long_ago_stays_behind_one_of_the_web(world: World, value: int | None) -> None:
    dune = world.server.books[1]
    rated_on_the_web(world, dune, 9)

    with pytest.raises(Superseded, match="the book is rated 9 of 10 on the server"):
        world.target().deliver(rating(dune, value), OLDER)

    assert on_the_page(world, dune)["personalRating"] == 9


@pytest.mark.parametrize("value", [None, 8])
def test_stars_that_a_device_merely_had_fill_an_empty_rating_only(world: World, value: int | None) -> None:
    dune, found = world.server.books[1], fact("rating", world.server.books[1], {"rating": 6, "how": "found"})
    if value is None:
        world.target().deliver(found, FRESH)
    else:
        rated_on_the_web(world, dune, value)
        with pytest.raises(Superseded, match="the book is rated 8 of 10 on the server"):
            world.target().deliver(found, FRESH)

    assert on_the_page(world, dune)["personalRating"] == (value or 6)


@pytest.mark.parametrize("first", ["delivered", "found"])
def test_rating_that_was_perhaps_sent_long_ago_takes_the_place_of_our_own(world: World, first: str) -> None:
    dune = world.server.books[1]
    if first == "delivered":
        world.target().deliver(rating(dune, 8), OLDER)
    else:
        rated_on_the_web(world, dune, 8)
        assert world.target().find(rating(dune, 8)) == ""

    world.target().deliver(rating(dune, 4), OLDER)

    assert on_the_page(world, dune)["personalRating"] == 4


def test_rating_that_a_device_gave_before_is_our_own_from_an_earlier_database(world: World) -> None:
    dune = world.server.books[1]
    rated_on_the_web(world, dune, 10)

    world.target().deliver(fact("rating", dune, {"rating": 2, "earlier": [6, 10]}), OLDER)

    assert on_the_page(world, dune)["personalRating"] == 2


@pytest.mark.parametrize("fault", ["close_before", "close_after"])
def test_rating_whose_answer_was_lost_is_our_own_too(world: World, fault: str) -> None:
    dune = world.server.books[1]
    world.target().deliver(rating(dune, 6), OLDER)
    world.server.fail(fault, PUT)
    with pytest.raises(Declined):
        world.target().deliver(rating(dune, 8), OLDER)

    world.target().deliver(rating(dune, 4), OLDER)

    assert on_the_page(world, dune)["personalRating"] == 4


@pytest.mark.parametrize("fault", BEFORE_OR_AFTER)
@pytest.mark.parametrize("value", [8, None])
def test_rating_whose_answer_is_lost_is_simply_repeated(world: World, fault: str, value: int | None) -> None:
    dune, target = world.server.books[1], connected(world)
    target.deliver(rating(dune, 3), FRESH)
    world.server.fail(fault, PUT)

    with pytest.raises(Declined) as lost:
        target.deliver(rating(dune, value), FRESH)
    world.target().deliver(rating(dune, value), MAYBE_SENT)

    assert lost.value.maybe_sent
    world.server.carry_out_late()
    assert on_the_page(world, dune).get("personalRating") == value


@pytest.mark.parametrize("fault", ["html_200", "status:502_html", "status:503", "status:429"])
def test_proxy_that_answers_ends_the_run(world: World, fault: str) -> None:
    target = connected(world)
    world.server.fail(fault, PUT)

    with pytest.raises(TargetUnavailable):
        target.deliver(rating(world.server.books[1], 8), FRESH)


@pytest.mark.parametrize(("fault", "maybe_sent"), [("refuse", True), ("status:403", False), ("sync_disabled", False)])
def test_refusal_of_one_rating_holds_up_that_one_only(stock: World, fault: str, maybe_sent: bool) -> None:
    target, (dune, emma, *_) = connected(stock), stock.server.books.values()
    stock.server.fail(fault, PUT)

    with pytest.raises(ItemFailed) as refused:
        target.deliver(rating(dune, 8), FRESH)
    target.deliver(rating(emma, 6), FRESH)

    assert refused.value.maybe_sent is maybe_sent
    assert on_the_page(stock, emma)["personalRating"] == 6


def test_token_that_is_refused_is_replaced(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail("status:401_empty", PUT)
    world.clock.now += 600

    target.deliver(rating(dune, 8), FRESH)

    assert on_the_page(world, dune)["personalRating"] == 8


def test_server_that_is_down_ends_the_run(stock: World) -> None:
    target = connected(stock)
    stock.server.stop()

    with pytest.raises(TargetUnavailable):
        target.deliver(rating(stock.server.books[1], 8), FRESH)


def test_rating_of_a_book_that_is_gone_waits_for_a_match(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.remove_book(dune.id)

    with pytest.raises(BookUnmatched, match="the server has no book of number 1 any more"):
        target.deliver(rating(dune, 8), FRESH)


def test_book_that_goes_while_it_is_rated_waits_for_a_match(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    just_before(world, "PUT", PATH, lambda: world.server.remove_book(dune.id))

    with pytest.raises(BookUnmatched, match="the server has no book of that number any more") as gone:
        target.deliver(rating(dune, 8), FRESH)

    assert not gone.value.maybe_sent


@pytest.mark.parametrize("match", [None, "", "one", "1,2"])
def test_rating_without_a_match_waits(stock: World, match: str | None) -> None:
    with pytest.raises(BookUnmatched):
        stock.target().deliver(rating(stock.server.books[1], 8, match=match), FRESH)

    assert writes(stock) == []


def test_book_that_has_the_number_since_gets_no_stars(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    target.deliver(rating(dune, 8), FRESH)
    other = taken_over(world, dune)

    with pytest.raises(BookUnmatched, match="the server has another book as number 1 than before"):
        target.deliver(rating(dune, 3), FRESH)

    assert "personalRating" not in on_the_page(world, other)


def test_book_is_known_from_its_first_stars_on(stock: World) -> None:
    dune, target = stock.server.books[1], stock.target()
    target.deliver(rating(dune, 8), FRESH)
    taken_over(stock, dune)

    with pytest.raises(BookUnmatched, match="the server has another book"):
        target.deliver(rating(dune, 3), FRESH)


def test_server_that_is_another_one_by_now_gets_no_stars(open_world: OpenWorld, dialect: str) -> None:
    before = open_world(dialect)
    dune = before.server.books[1]
    connected(before).deliver(rating(dune, 8), FRESH)
    before.clock.now += 3600
    after = open_world(dialect, {"books": []})
    other = after.server.add_book(small_epub("Other"), "other.epub", "Other")

    with pytest.raises(BookUnmatched):
        before.target(URL=after.server.url).deliver(rating(dune, 3, match=str(other.id)), FRESH)

    assert writes(after) == []
