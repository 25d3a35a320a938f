"""Where anything speaks against a deletion nothing is done, and a person is told or asked: it cannot be taken back."""

from dataclasses import replace
from typing import Any

import pytest
from booklore_world import FRESH, MAYBE_SENT, World, ref, session, size_of
from reader_world import NIGHT, Person, connected, deletes, deletion, writes

from booklore_core import Before, BookUnmatched, ItemFailed, ItemRejected, Superseded
from booklore_core.testing import ServerBook, small_epub
from booklore_targets.booklore.deletions import MOST_READ

OLDER = Before(is_older=True)
BOTH = pytest.mark.parametrize("policy", ["unshelve", "delete"])


def twin(world: World, title: str = "Dune", file_name: str = "dune-copy.epub") -> ServerBook:
    """The very file of Dune in a second book."""
    return world.server.add_book(world.server.books[1].read() or b"", file_name, title, ["Frank Herbert"])


def agreed(item: Any) -> Any:
    return replace(item, body={**item.body, "agreed": True})


@pytest.mark.parametrize("facts", [{}, {"title": "Something", "file_name": "else.epub"}])
def test_file_that_the_library_has_twice_is_deleted_by_nobodys_guess(world: World, facts: dict[str, str]) -> None:
    dune, other = world.server.books[1], twin(world, **facts)

    with pytest.raises(ItemRejected) as refused:
        world.target().deliver(deletion(dune, "delete"), FRESH)

    assert refused.value.reason.startswith(
        f"the server has the file more than once, as “Dune” (1) and “{other.title}” ({other.id}), and nobody knows "
        "which is meant: delete it on the server's page"
    )
    assert deletes(world) == []


def test_second_file_that_cannot_be_read_may_be_the_same(world: World) -> None:
    dune, other = world.server.books[1], twin(world)
    target = connected(world)
    world.server.fail("status:404", f"GET /api/v1/books/{other.id}/content", 9)

    with pytest.raises(ItemRejected, match="more than once"):
        target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []


def test_file_that_was_added_a_minute_ago_counts(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    twin(world)
    world.clock.now += 60

    with pytest.raises(ItemRejected, match="more than once"):
        target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []


def test_other_file_of_its_size_keeps_nobody_from_it(world: World) -> None:
    dune = world.server.books[1]
    content = (dune.read() or b"").replace(b"Dune", b"Tune")
    world.server.add_book(content, "tune.epub", "Dune", ["Frank Herbert"])

    world.target().deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == ["1"]


def test_unreadable_file_that_has_nothing_but_its_size_in_common_keeps_nobody_from_it(world: World) -> None:
    dune, other = world.server.books[1], twin(world, "Something", "else.pdf")
    target = connected(world)
    world.server.fail("status:404", f"GET /api/v1/books/{other.id}/content", 9)

    target.deliver(deletion(dune, "delete", authors=("Frank Herbert",)), FRESH)

    assert deletes(world) == ["1"]


def test_many_files_of_its_size_are_read_over_several_runs(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    content = dune.read() or b""
    for number in range(MOST_READ + 1):
        world.server.add_book(content.replace(b"Dune", b"%04d" % number), f"{number}.epub", str(number))
    world.clock.now += 60

    with pytest.raises(ItemFailed, match="more of its size are compared at the next syncs"):
        target.deliver(deletion(dune, "delete"), FRESH)
    assert deletes(world) == []
    target.close()
    target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == ["1"]


@BOTH
def test_title_that_says_another_book_is_refused_where_no_size_is_known(world: World, policy: str) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf = me.shelf("KOReader", dune)

    with pytest.raises(ItemRejected, match="is “Second Download” on the device and “Dune” on the server"):
        world.target().deliver(deletion(dune, policy, size=None, title="Second Download"), FRESH)

    assert deletes(world) == []
    assert me.stands_on(dune, shelf)


@BOTH
def test_title_that_was_changed_on_the_server_keeps_nobody_from_it_where_the_size_agrees(
    world: World, policy: str
) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf = me.shelf("KOReader", dune)

    world.target().deliver(deletion(dune, policy, title="Dune: the deluxe edition"), FRESH)

    assert (deletes(world) == ["1"]) is (policy == "delete")
    assert dune.id not in world.server.books or not me.stands_on(dune, shelf)


@pytest.mark.parametrize("title", [None, "dune", "DUNE"])
def test_title_that_says_nothing_else_keeps_nobody_from_it(world: World, title: str | None) -> None:
    world.target().deliver(deletion(world.server.books[1], "delete", size=None, title=title), FRESH)

    assert deletes(world) == ["1"]


def test_both_names_are_told_of_a_file_that_is_another(world: World) -> None:
    dune = world.server.books[1]

    with pytest.raises(
        ItemRejected, match=r"is not the one that was deleted, and stays \(“Emma” on the device, “Dune” th"
    ):
        world.target().deliver(deletion(dune, "delete", title="Emma", size=size_of(dune) + 1), FRESH)


def test_book_that_came_into_the_library_after_its_deletion_is_not_deleted(world: World) -> None:
    """It waited for a book that nobody had, until somebody added it."""
    world.clock.now = NIGHT.timestamp() + 60
    added = world.server.add_book(small_epub("Late"), "late.epub", "Late")

    with pytest.raises(
        Superseded, match="the library has “Late” only since 2026-11-20 21:01 UTC, after it was"
    ) as doubt:
        connected(world).deliver(deletion(added, "delete"), FRESH)

    assert "came into the server's library after they had been deleted. Delete them there?" in doubt.value.question
    assert deletes(world) == []


def test_book_that_was_proven_and_is_gone_is_done(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.remove_book(dune.id)

    assert target.deliver(deletion(dune, "delete"), FRESH) == "1"

    assert deletes(world) == []


def test_book_that_was_never_proven_and_is_gone_waits_for_a_match(world: World) -> None:
    dune = world.server.books[1]
    world.server.remove_book(dune.id)

    with pytest.raises(BookUnmatched, match="the server has no book of number 1 any more"):
        world.target().deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []


def test_book_that_is_gone_while_the_library_has_its_file_waits_for_a_match(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    twin(world)
    world.server.remove_book(dune.id)
    world.clock.now += 60

    with pytest.raises(BookUnmatched):
        target.deliver(deletion(dune, "delete"), FRESH)

    assert deletes(world) == []


def left_behind(world: World) -> tuple[ServerBook, Any, ServerBook]:
    """A book whose file the server could not remove, the target that had it deleted, and what a scan made of it."""
    dune, target = world.server.books[1], connected(world)
    world.server.protect_file(dune.id)
    with pytest.raises(ItemRejected):
        target.deliver(deletion(dune, "delete"), FRESH)
    world.clock.now = NIGHT.timestamp() + 60
    (back,) = world.server.rescan()
    target.close()
    return dune, target, back


def test_file_that_a_scan_brings_back_is_not_called_deleted(world: World) -> None:
    dune, target, back = left_behind(world)

    for _ in range(2):
        with pytest.raises(ItemRejected) as told:
            target.deliver(deletion(dune, "delete"), MAYBE_SENT)
        target.close()

    assert told.value.maybe_sent
    assert told.value.reason == (
        f"the server has deleted the book and has its file again, as “Dune” ({back.id}): clear this deletion "
        "if that is to stay, or delete it on the server's page, and let the server write to its folder, or a scan "
        "brings it back"
    )
    assert deletes(world) == ["1"]


def test_file_that_a_scan_brings_back_is_not_deleted_under_its_new_number(world: World) -> None:
    dune, target, back = left_behind(world)
    target.match([ref(dune)])

    with pytest.raises(Superseded, match="the library has “Dune” only since"):
        target.deliver(deletion(dune, "delete", match=str(back.id)), MAYBE_SENT)

    assert deletes(world) == ["1"]


def test_file_that_was_brought_back_and_removed_by_hand_is_done(world: World) -> None:
    dune, target, back = left_behind(world)
    world.server.remove_book(back.id)

    assert target.deliver(deletion(dune, "delete"), MAYBE_SENT) == "1"


def test_older_deletion_of_a_book_that_stands_on_the_shelf_is_a_persons_to_say(world: World) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf, asked = me.shelf("KOReader", dune), len(world.server.requests)

    with pytest.raises(Superseded) as doubt:
        world.target().deliver(deletion(dune), OLDER)

    assert doubt.value.reason.startswith("it was deleted before the server was set up here, and may have been put back")
    assert doubt.value.question == (
        "Some books were deleted before the server was set up here, and stand on its shelf “KOReader”, where somebody "
        "may have put them back. Take them off?\n“Dune”"
    )
    assert me.stands_on(dune, shelf)
    assert writes(world, since=asked) == []


def test_older_deletion_of_a_book_that_is_on_no_shelf_is_done(world: World) -> None:
    Person(world).shelf("KOReader")

    assert world.target().deliver(deletion(world.server.books[1]), OLDER) is None


def test_older_deletion_from_the_library_is_a_persons_to_say(world: World) -> None:
    dune = world.server.books[1]

    with pytest.raises(Superseded) as doubt:
        world.target().deliver(deletion(dune, "delete"), OLDER)

    assert "Delete them there? Of each that deletes all of its files, in every format" in doubt.value.question
    assert doubt.value.question.endswith("\n“Dune”")
    assert deletes(world) == []


@BOTH
def test_older_deletion_to_which_a_person_has_agreed_is_carried_out(world: World, policy: str) -> None:
    dune, me = world.server.books[1], Person(world)
    shelf = me.shelf("KOReader", dune)

    world.target().deliver(agreed(deletion(dune, policy)), OLDER)

    assert dune.id not in world.server.books or not me.stands_on(dune, shelf)
    assert deletes(world) == (["1"] if policy == "delete" else [])


def test_agreement_is_no_proof(world: World) -> None:
    with pytest.raises(ItemRejected):
        world.target().deliver(agreed(deletion(world.server.books[1], "delete", partial_md5="a" * 32)), OLDER)

    assert deletes(world) == []


def test_book_that_was_deleted_on_purpose_is_not_looked_for_by_an_audit(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    target.deliver(session(dune), FRESH)
    target.deliver(deletion(dune, "delete"), FRESH)

    assert target.audit(ref(dune, match="1"), [session(dune)]) == []


def test_book_that_somebody_else_has_deleted_is(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    target.deliver(session(dune), FRESH)
    world.server.remove_book(dune.id)

    with pytest.raises(BookUnmatched):
        target.audit(ref(dune, match="1"), [session(dune)])
