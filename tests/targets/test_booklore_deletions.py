"""The server's delete takes a file from everybody for ever: it is called under its policy, for the very file that was
deleted on the device, and never else."""

from dataclasses import replace
from typing import Any

import pytest
from booklore_world import FRESH, MAYBE_SENT, World, session, size_of
from places_world import elsewhere_pushed, mark, on_the_page
from reader_world import Person, connected, deletes, deletion, joined, just_before, rating, taken_over

from booklore_core import Before, BookUnmatched, Declined, ItemFailed, ItemRejected, TargetUnavailable
from booklore_core.testing import small_epub

PROXY = ["html_200", "status:502_html", "status:503", "status:429", "close_before", "half_body"]
DELETE, CONTENT, BOOK = "DELETE /api/v1/books", "GET /api/v1/books/1/content", "GET /api/v1/books/1$"


def test_book_is_deleted_where_a_person_chose_that(world: World) -> None:
    dune, *others = world.server.books.values()

    remote_id = world.target().deliver(deletion(dune, "delete"), FRESH)

    assert remote_id == "1"
    assert deletes(world) == ["1"]
    assert list(world.server.books.values()) == others


def test_size_that_is_not_known_leaves_the_digest_as_the_proof(world: World) -> None:
    world.target().deliver(deletion(world.server.books[1], "delete", size=None), FRESH)

    assert deletes(world) == ["1"]


def test_everything_but_the_delete_of_a_proven_file_leaves_the_library_whole(world: World) -> None:
    dune, me, target = world.server.books[1], Person(world), world.target()
    me.shelf("KOReader", dune)

    target.match([deletion(dune).book])
    target.deliver(session(dune), FRESH)
    target.deliver(rating(dune, 8), FRESH)
    for policy in ("unshelve", "ignore", "Delete", None, True):
        with_policy = deletion(dune, policy)
        try:
            target.deliver(with_policy, FRESH)
        except ItemRejected:
            assert policy != "unshelve"

    assert deletes(world) == []
    assert dune in world.server.books.values()


def test_book_that_a_person_matched_with_another_file_is_refused(world: World) -> None:
    dune, target = world.server.books[1], connected(world)

    with pytest.raises(ItemRejected, match="the server's file is not the one that was deleted, and stays"):
        target.deliver(deletion(dune, "delete", partial_md5="a" * 32), FRESH)

    assert deletes(world) == []
    assert on_the_page(world, dune)["id"] == 1


@pytest.mark.parametrize("off", [-1, 1, 1024])
def test_equal_digest_with_another_size_is_refused(world: World, off: int) -> None:
    dune = world.server.books[1]

    with pytest.raises(ItemRejected, match="is not the one that was deleted"):
        world.target().deliver(deletion(dune, "delete", size=size_of(dune) + off), FRESH)

    assert deletes(world) == []


def test_title_name_and_size_prove_nothing(world: World) -> None:
    dune = world.server.books[1]
    on_device = replace(deletion(dune, "delete").book, partial_md5="b" * 32, authors=dune.authors, isbn=dune.isbn13)
    item = replace(deletion(dune, "delete"), book=on_device)

    with pytest.raises(ItemRejected):
        world.target().deliver(item, FRESH)

    assert deletes(world) == []


def test_file_that_the_server_has_rewritten_is_another_one(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.rewrite_book(dune.id, small_epub("Dune", paragraphs=41))

    with pytest.raises(ItemRejected, match="is not the one that was deleted"):
        target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []


def test_proof_is_of_the_file_as_it_is_now(world: World) -> None:
    """What matching has read in the same run is no proof for a delete."""
    dune, target = world.server.books[1], connected(world)
    world.server.rewrite_book(dune.id, small_epub("Dune", paragraphs=41))
    target.match([deletion(dune).book])
    world.server.rewrite_book(dune.id, dune.read() or b"")

    target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == ["1"]


def test_book_that_has_the_number_since_is_not_deleted(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    other = taken_over(world, dune)

    with pytest.raises(BookUnmatched, match="the server has another book as number 1 than before"):
        target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []
    assert world.server.books[1] == other


def test_book_that_has_the_number_and_was_never_looked_at_is_not_deleted(world: World) -> None:
    dune = world.server.books[1]
    other = taken_over(world, dune)

    with pytest.raises(ItemRejected):
        world.target().deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []
    assert world.server.books[1] == other


def test_book_with_further_files_is_refused(world: World) -> None:
    dune = world.server.books[1]
    world.server.add_format(dune.id, "dune.pdf")

    with pytest.raises(ItemRejected, match="the server's book has other files as well, which would go with it"):
        world.target().deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []


@pytest.mark.parametrize("fault", ["status:404", "refuse"])
def test_file_that_cannot_be_read_is_not_proven(world: World, fault: str) -> None:
    target = connected(world)
    world.server.fail(fault, CONTENT)

    with pytest.raises(ItemRejected, match="the server does not show its file"):
        target.deliver(deletion(world.server.books[1], "delete"), FRESH)

    assert deletes(world) == []


@pytest.mark.parametrize("place", [BOOK, CONTENT])
@pytest.mark.parametrize(
    "fault", ["html_200", "status:502_html", "status:503", "status:429", "close_before", "half_body"]
)
def test_nothing_is_deleted_where_the_proof_fails(world: World, place: str, fault: str) -> None:
    target = connected(world)
    world.server.fail(fault, place)

    with pytest.raises(TargetUnavailable) as refused:
        target.deliver(deletion(world.server.books[1], "delete"), FRESH)

    assert not refused.value.maybe_sent
    assert deletes(world) == []


def test_account_without_the_permission_is_told_so(world: World) -> None:
    dune, _ = world.server.books[1], joined(world, "mary")

    with pytest.raises(ItemRejected, match="the account lacks the permission to delete books: an admin gives it") as no:
        world.target(USERNAME="mary", PASSWORD="mary-pw").deliver(deletion(dune, "delete"), FRESH)

    assert not no.value.maybe_sent
    assert dune in world.server.books.values()


def test_permission_is_all_that_the_account_needs(world: World) -> None:
    dune, _ = world.server.books[1], joined(world, "mary", ("delete",))

    world.target(USERNAME="mary", PASSWORD="mary-pw").deliver(deletion(dune, "delete"), FRESH)

    assert dune not in world.server.books.values()


def test_library_that_the_account_may_not_see_is_left_alone(world: World) -> None:
    dune, _ = world.server.books[1], joined(world, "mary", ("delete",))
    world.server.assign_libraries("mary", ())

    with pytest.raises(BookUnmatched):
        world.target(USERNAME="mary", PASSWORD="mary-pw").deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []


@pytest.mark.parametrize(
    "fault", ["close_after", "half_body", "commit_then_500", "commit_then_html_200", "commit_then_502_html"]
)
def test_deletion_whose_answer_is_lost_is_found_done(world: World, fault: str) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail(fault, DELETE)

    with pytest.raises(Declined) as lost:
        target.deliver(deletion(dune, "delete"), FRESH)
    world.target().deliver(deletion(dune, "delete"), MAYBE_SENT)

    assert lost.value.maybe_sent
    assert deletes(world) == ["1"]
    assert dune not in world.server.books.values()


@pytest.mark.parametrize("fault", ["close_before", "refuse", "status:503"])
def test_deletion_that_did_not_arrive_is_proven_anew(world: World, fault: str) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail(fault, DELETE)
    with pytest.raises(Declined) as lost:
        target.deliver(deletion(dune, "delete"), FRESH)
    world.server.rewrite_book(dune.id, small_epub("Dune", paragraphs=41))

    with pytest.raises(ItemRejected):
        world.target().deliver(deletion(dune, "delete"), MAYBE_SENT)

    assert lost.value.maybe_sent
    assert deletes(world) == ["1"]
    assert world.server.books[1].id == dune.id


def test_look_afterwards_that_fails_leaves_the_outcome_open(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail("status:503", BOOK, after=1)

    with pytest.raises(TargetUnavailable) as lost:
        target.deliver(deletion(dune, "delete"), FRESH)
    world.target().deliver(deletion(dune, "delete"), MAYBE_SENT)

    assert lost.value.maybe_sent
    assert deletes(world) == ["1"]


def test_what_the_answer_calls_deleted_is_looked_for(world: World) -> None:
    """The server names whatever it was asked for, also what it has left out."""
    dune, _ = world.server.books[1], joined(world, "mary", ("delete",))
    target = connected(world, USERNAME="mary", PASSWORD="mary-pw")

    def hidden(request: Any) -> None:
        world.server.assign_libraries("mary", () if request.method == "DELETE" else (1,))

    world.server.on_request = hidden
    with pytest.raises(ItemFailed, match="the server says that it has deleted the book, and still has it"):
        target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == ["1"]
    assert dune in world.server.books.values()


def test_token_that_is_refused_between_proof_and_deletion_costs_another_proof(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail("status:401_empty", DELETE)
    world.clock.now += 600
    read = world.asked("/api/v1/books/1/content")

    target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == ["1", "1"]
    assert world.asked("/api/v1/books/1/content") == read + 2


def test_file_that_changes_while_a_token_is_replaced_is_not_deleted(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail("status:401_empty", DELETE)
    world.clock.now += 600
    rewritten = small_epub("Dune", paragraphs=41)
    just_before(world, "POST", "/api/v1/auth/refresh", lambda: world.server.rewrite_book(dune.id, rewritten))

    with pytest.raises(ItemRejected):
        target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == ["1"]
    assert world.server.books[1].id == dune.id


def test_file_that_the_server_cannot_remove_is_told(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.protect_file(dune.id)

    with pytest.raises(ItemRejected, match="could not remove the file, which its next scan brings back") as told:
        target.deliver(deletion(dune, "delete"), FRESH)
    target.deliver(deletion(dune, "delete"), Before(maybe_sent=told.value.maybe_sent))

    assert deletes(world) == ["1"]


def test_second_device_that_deletes_the_book_finds_it_done(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    remote_id = target.deliver(deletion(dune, "delete"), FRESH)

    target.deliver(deletion(dune, "delete"), Before(remote_id=remote_id))

    assert deletes(world) == ["1"]


def test_deleted_book_takes_along_what_everybody_had_about_it(world: World) -> None:
    """Why it is asked for with so much care."""
    dune, mary = world.server.books[1], joined(world, "mary")
    mary.shelf("Hers", dune)
    world.target(USERNAME="mary", PASSWORD="mary-pw").deliver(session(dune), FRESH)
    mark(world, dune, "READ")
    elsewhere_pushed(world, dune, 0.5)
    admin = {"USERNAME": world.server.username, "PASSWORD": world.server.password}

    world.target(**admin).deliver(deletion(dune, "delete"), FRESH)

    assert world.server.sessions == []
    assert mary.book(dune) == {}
