"""A book that was deleted on the device leaves the reader's own shelf at a BookLore server; nothing else happens."""

import json
from typing import Any

import pytest
from booklore_world import FRESH, MAYBE_SENT, World
from places_world import on_the_page
from reader_world import Person, connected, deletes, deletion, fact, joined, just_before, rating, taken_over, writes

from booklore_core import BookUnmatched, Declined, ItemFailed, ItemRejected, TargetUnavailable

ASSIGN = "POST /api/v1/books/shelves"


def test_book_leaves_the_shelf_and_stays_in_the_library(world: World) -> None:
    (dune, emma, *_), me = world.server.books.values(), Person(world)
    shelf = me.shelf("KOReader", dune, emma)
    asked = len(world.server.requests)

    world.target().deliver(deletion(dune), FRESH)

    assert not me.stands_on(dune, shelf)
    assert me.stands_on(emma, shelf)
    assert me.book(dune)
    assert writes(world, since=asked) == [ASSIGN]
    assert deletes(world) == []


def test_all_three_lists_are_told(world: World) -> None:
    dune = world.server.books[1]
    shelf = Person(world).shelf("KOReader", dune)

    world.target().deliver(deletion(dune), FRESH)

    told = [json.loads(one.body) for one in world.server.requests if one.path == "/api/v1/books/shelves"]
    assert told[-1] == {"bookIds": [1], "shelvesToAssign": [], "shelvesToUnassign": [shelf]}


@pytest.mark.parametrize(("there", "wanted"), [("koreader", "KOReader"), ("KOReader", "koreader "), ("Éa", "éA")])
def test_shelf_is_found_whatever_the_case_of_its_name(world: World, there: str, wanted: str) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf = me.shelf(there, dune)

    world.target().deliver(deletion(dune, shelf=wanted), FRESH)

    assert not me.stands_on(dune, shelf)


def test_other_shelves_of_the_reader_keep_the_book(world: World) -> None:
    dune, me = world.server.books[1], Person(world)
    mine, other = me.shelf("KOReader", dune), me.shelf("KOReader 2", dune)

    world.target().deliver(deletion(dune), FRESH)

    assert not me.stands_on(dune, mine)
    assert me.stands_on(dune, other)


@pytest.mark.parametrize("public", [False, True])
def test_shelves_of_others_are_left_alone(world: World, public: bool) -> None:
    dune, mary = world.server.books[1], joined(world, "mary", ("admin",))
    theirs = mary.shelf("KOReader", dune, public=public)
    asked = len(world.server.requests)

    world.target().deliver(deletion(dune), FRESH)

    assert mary.stands_on(dune, theirs)
    assert writes(world, since=asked) == []


def test_own_shelf_is_told_from_a_public_one_of_that_name(world: World) -> None:
    dune, mary, me = world.server.books[1], joined(world, "mary", ("admin",)), Person(world)
    theirs, mine = mary.shelf("KOReader", dune, public=True), me.shelf("KOReader", dune)

    world.target().deliver(deletion(dune), FRESH)

    assert mary.stands_on(dune, theirs)
    assert not me.stands_on(dune, mine)


def test_reader_without_any_permission_has_shelves_too(world: World) -> None:
    dune, mary = world.server.books[1], joined(world, "mary")
    shelf = mary.shelf("KOReader", dune)

    world.target(USERNAME="mary", PASSWORD="mary-pw").deliver(deletion(dune), FRESH)

    assert not mary.stands_on(dune, shelf)


def test_nothing_is_sent_where_there_is_no_such_shelf(world: World) -> None:
    world.target().deliver(deletion(world.server.books[1]), FRESH)

    assert writes(world) == []


def test_nothing_is_sent_where_the_book_is_not_on_the_shelf(world: World) -> None:
    (dune, emma, *_), me = world.server.books.values(), Person(world)
    shelf = me.shelf("KOReader", emma)
    asked = len(world.server.requests)

    world.target().deliver(deletion(dune), FRESH)

    assert me.stands_on(emma, shelf)
    assert writes(world, since=asked) == []


def test_file_that_came_back_asks_for_nothing(world: World) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf = me.shelf("KOReader", dune)
    asked = len(world.server.requests)
    body = {"removed": True, "policy": "delete", "shelf": "KOReader", "file": "/mnt/onboard/dune.epub"}

    world.target().deliver(fact("deletion", dune, body), MAYBE_SENT)

    assert me.stands_on(dune, shelf)
    assert writes(world, since=asked) == []


@pytest.mark.parametrize("policy", ["ignore", "", None, "DELETE", "unshelve ", 1, ["delete"]])
def test_policy_that_is_not_known_does_nothing(world: World, policy: Any) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf = me.shelf("KOReader", dune)
    asked = len(world.server.requests)

    with pytest.raises(ItemRejected, match="nothing is known to do for the policy"):
        world.target().deliver(deletion(dune, policy), FRESH)

    assert me.stands_on(dune, shelf)
    assert writes(world, since=asked) == []


@pytest.mark.parametrize("shelf", ["", " ", None, 2])
def test_shelf_without_a_name_is_none(stock: World, shelf: Any) -> None:
    with pytest.raises(ItemRejected):
        stock.target().deliver(deletion(stock.server.books[1], shelf=shelf), FRESH)

    assert writes(stock) == []


@pytest.mark.parametrize(
    "fault", ["close_before", "close_after", "half_body", "commit_then_500", "commit_then_html_200", "refuse", "late"]
)
def test_answer_that_is_lost_costs_a_repeat_at_most(world: World, fault: str) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf, target = me.shelf("KOReader", dune), connected(world)
    world.server.fail(fault, ASSIGN)

    with pytest.raises(Declined) as lost:
        target.deliver(deletion(dune), FRESH)
    world.target().deliver(deletion(dune), MAYBE_SENT)

    assert lost.value.maybe_sent
    assert not me.stands_on(dune, shelf)
    assert me.book(dune)
    assert deletes(world) == []


@pytest.mark.parametrize("place", ["/api/v1/shelves", "/api/v1/users/me", "/api/v1/books/1$"])
@pytest.mark.parametrize("fault", ["html_200", "status:502_html", "status:503", "status:429", "close_before"])
def test_nothing_is_sent_where_a_look_fails(world: World, place: str, fault: str) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf, target = me.shelf("KOReader", dune), connected(world)
    asked = len(world.server.requests)
    world.server.fail(fault, f"GET {place}")

    with pytest.raises(TargetUnavailable) as refused:
        target.deliver(deletion(dune), FRESH)

    assert not refused.value.maybe_sent
    assert me.stands_on(dune, shelf)
    assert writes(world, since=asked) == []


@pytest.mark.parametrize("fault", ["status:403", "sync_disabled"])
def test_refusal_is_tried_again(stock: World, fault: str) -> None:
    dune, me = stock.server.books[1], Person(stock)
    shelf, target = me.shelf("KOReader", dune), connected(stock)
    stock.server.fail(fault, ASSIGN)

    with pytest.raises(ItemFailed):
        target.deliver(deletion(dune), FRESH)
    target.deliver(deletion(dune), FRESH)

    assert not me.stands_on(dune, shelf)


def test_shelf_that_goes_away_meanwhile_holds_up_nothing(world: World) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf, target = me.shelf("KOReader", dune), connected(world)
    just_before(world, "POST", "/api/v1/books/shelves", lambda: me.send("DELETE", f"/api/v1/shelves/{shelf}"))
    with pytest.raises(ItemFailed, match="Cannot unassign shelves that do not belong to the user"):
        target.deliver(deletion(dune), FRESH)
    target.deliver(deletion(dune), FRESH)

    assert me.book(dune)


def test_book_that_goes_meanwhile_stands_on_no_shelf(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    Person(world).shelf("KOReader", dune)
    just_before(world, "POST", "/api/v1/books/shelves", lambda: world.server.remove_book(dune.id))

    target.deliver(deletion(dune), FRESH)

    assert dune not in world.server.books.values()


def test_book_that_is_gone_stands_on_no_shelf(world: World) -> None:
    (dune, emma, *_), me = world.server.books.values(), Person(world)
    me.shelf("KOReader", dune, emma)
    target = connected(world)
    world.server.remove_book(dune.id)
    asked = len(world.server.requests)

    target.deliver(deletion(dune), FRESH)

    assert writes(world, since=asked) == []


def test_book_that_has_the_number_since_stays_on_the_shelf(world: World) -> None:
    (dune, emma, *_), me = world.server.books.values(), Person(world)
    shelf, target = me.shelf("KOReader", dune, emma), connected(world)
    other = taken_over(world, dune)
    me.send("POST", "/api/v1/books/shelves", {"bookIds": [1], "shelvesToAssign": [shelf], "shelvesToUnassign": []})

    with pytest.raises(BookUnmatched, match="the server has another book as number 1 than before"):
        target.deliver(deletion(dune), FRESH)

    assert me.stands_on(other, shelf)


def test_book_that_a_person_matched_leaves_the_shelf_whatever_its_digest(world: World) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf = me.shelf("KOReader", dune)

    world.target().deliver(deletion(dune, partial_md5="a" * 32, size=None), FRESH)

    assert not me.stands_on(dune, shelf)


@pytest.mark.parametrize("match", [None, "", "1,2", "all"])
def test_deletion_without_a_match_waits(stock: World, match: str | None) -> None:
    for policy in ("unshelve", "delete"):
        with pytest.raises(BookUnmatched):
            stock.target().deliver(deletion(stock.server.books[1], policy, match=match), FRESH)

    assert writes(stock) == []


def test_what_the_reader_gave_the_book_stays(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    Person(world).shelf("KOReader", dune)
    target.deliver(rating(dune, 8), FRESH)

    target.deliver(deletion(dune), FRESH)

    assert on_the_page(world, dune)["personalRating"] == 8
