"""The status of a book at a BookLore server: looked up first, never lowered, its finish date moved by nobody twice."""

import pytest
import requests
from booklore_world import FRESH, MAYBE_SENT, OpenWorld, World
from places_world import elsewhere_pushed, mark, on_the_page, place, signed
from reader_world import connected, deletion, fact, joined, just_before, status, taken_over, writes

from booklore_core import Before, BookUnmatched, Declined, ItemFailed, ItemRejected, Superseded, TargetUnavailable
from booklore_targets.booklore.answers import confirm

PLAIN, GENTLE, PROBE = "POST /api/v1/books/status", "PUT /api/v1/app/books/1/status", "GET /api/v1/app/books"
HIGHER = ["READ", "RE_READING", "PARTIALLY_READ", "WONT_READ"]
LOWER = ["UNREAD", "UNSET", "PAUSED", "ABANDONED"]
HOUR = 3600
OLDER = Before(is_older=True)


def route(dialect: str) -> str:
    """The one that the server's status is written by."""
    return GENTLE if dialect == "grimmory" else PLAIN


def shown(world: World) -> tuple[str | None, str | None]:
    """Status and finish date of the first book."""
    book = on_the_page(world, world.server.books[1])
    return book["readStatus"], book.get("dateFinished")


def read_before(world: World) -> str:
    """The first book was read a while ago, and somebody has begun it again. Returns its finish date."""
    mark(world, world.server.books[1], "READ")
    world.clock.now += HOUR
    elsewhere_pushed(world, world.server.books[1], 0.3)
    told, finished = shown(world)
    assert told == "READING"
    assert finished
    return finished


def test_finished_book_is_read_from_now_on(world: World, dialect: str) -> None:
    world.target().deliver(status(world.server.books[1], "complete"), FRESH)

    assert shown(world) == ("READ", "2026-11-20T20:00:00Z")
    assert writes(world) == [route(dialect)]


@pytest.mark.parametrize("before", [FRESH, MAYBE_SENT])
def test_finish_date_is_not_moved_by_a_second_time(world: World, before: object) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(status(dune, "complete"), FRESH)
    world.clock.now += HOUR
    asked = len(world.server.requests)

    world.target().deliver(status(dune, "complete"), before)

    assert shown(world) == ("READ", "2026-11-20T20:00:00Z")
    assert writes(world, since=asked) == []


def test_position_that_came_first_has_set_the_finish_date(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(place(dune, 1.0), FRESH)
    _, finished = shown(world)
    world.clock.now += HOUR

    target.deliver(status(dune, "complete"), FRESH)

    assert shown(world) == ("READ", finished)


@pytest.mark.parametrize("name", [*LOWER, "READING", "RE_READING", "PARTIALLY_READ", "WONT_READ"])
def test_finished_book_is_read_whatever_it_was_before(world: World, name: str) -> None:
    dune = world.server.books[1]
    mark(world, dune, name)

    world.target().deliver(status(dune, "complete"), FRESH)

    assert shown(world)[0] == "READ"


def test_gentle_route_keeps_the_date_of_an_earlier_reading(open_world: OpenWorld) -> None:
    world = open_world("grimmory")
    finished = read_before(world)

    world.target().deliver(status(world.server.books[1], "complete"), FRESH)

    assert shown(world) == ("READ", finished)


@pytest.mark.parametrize("name", ["UNREAD", "UNSET", "READING", "PAUSED"])
def test_book_that_was_given_up_is_abandoned(world: World, dialect: str, name: str) -> None:
    dune = world.server.books[1]
    mark(world, dune, name)
    asked = len(world.server.requests)

    world.target().deliver(status(dune, "abandoned"), FRESH)
    world.target().deliver(status(dune, "abandoned"), FRESH)

    assert shown(world) == ("ABANDONED", None)
    assert writes(world, since=asked) == [route(dialect)]


@pytest.mark.parametrize("name", LOWER)
def test_book_that_is_being_read_is_reading(world: World, name: str) -> None:
    dune = world.server.books[1]
    mark(world, dune, name)

    world.target().deliver(status(dune, "reading"), FRESH)

    assert shown(world)[0] == "READING"


def test_status_of_a_book_that_nobody_has_touched_is_set(world: World) -> None:
    world.target().deliver(status(world.server.books[1], "reading"), FRESH)

    assert shown(world)[0] == "READING"


@pytest.mark.parametrize(("word", "name"), [("abandoned", "READ"), *(("reading", name) for name in HIGHER)])
def test_higher_status_stays(world: World, word: str, name: str) -> None:
    dune = world.server.books[1]
    mark(world, dune, name)
    there, asked = shown(world), len(world.server.requests)

    with pytest.raises(Superseded, match=r"the book is marked as [a-z-]+ on the server, and stays so"):
        world.target().deliver(status(dune, word), FRESH)

    assert shown(world) == there
    assert writes(world, since=asked) == []


@pytest.mark.parametrize(
    ("word", "name"), [("complete", "PAUSED"), ("complete", "READING"), ("abandoned", "READING"), ("reading", "PAUSED")]
)
def test_status_that_an_earlier_database_may_have_sent_takes_no_others_place(
    world: World, word: str, name: str
) -> None:
    dune = world.server.books[1]
    mark(world, dune, name)

    with pytest.raises(Superseded, match=f"marked as {name.lower()} on the server, which may have been given since"):
        world.target().deliver(status(dune, word), OLDER)

    assert shown(world) == (name, None)


@pytest.mark.parametrize("dialect", ["booklore", "grimmory", "grimmory-3.5"])
def test_book_that_somebody_took_for_unread_since_is_not_finished_by_an_earlier_status(
    open_world: OpenWorld, dialect: str
) -> None:
    world = open_world(dialect)
    mark(world, world.server.books[1], "UNREAD")

    with pytest.raises(Superseded, match="marked as unread on the server"):
        world.target().deliver(status(world.server.books[1], "complete"), OLDER)

    assert shown(world) == ("UNREAD", None)


@pytest.mark.parametrize("word", ["complete", "abandoned", "reading"])
def test_status_from_before_the_first_day_is_set_where_nobody_has_set_any(world: World, word: str) -> None:
    world.target().deliver(status(world.server.books[1], word), OLDER)

    assert shown(world)[0] == {"complete": "READ", "abandoned": "ABANDONED", "reading": "READING"}[word]


@pytest.mark.parametrize("word", ["complete", "abandoned"])
def test_earlier_status_takes_the_place_of_what_our_own_place_has_made_of_it(world: World, word: str) -> None:
    dune, target = world.server.books[1], world.target()
    target.deliver(place(dune, 0.4), OLDER)

    target.deliver(status(dune, word), OLDER)

    assert shown(world)[0] == {"complete": "READ", "abandoned": "ABANDONED"}[word]


def test_earlier_status_takes_the_place_of_those_before_it(world: World) -> None:
    dune = world.server.books[1]
    world.target().deliver(status(dune, "abandoned"), OLDER)
    mark(world, world.server.books[2], "ABANDONED")

    world.target().deliver(status(dune, "complete"), OLDER)
    told = {"status": "complete", "earlier": ["abandoned"]}
    world.target().deliver(fact("status", world.server.books[2], told), OLDER)

    assert shown(world)[0] == "READ"
    assert on_the_page(world, world.server.books[2])["readStatus"] == "READ"


@pytest.mark.parametrize("dialect", ["booklore", "grimmory-3.5", "custom"])
def test_finish_date_is_not_lost_to_a_lower_status(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect)
    finished = read_before(world)

    with pytest.raises(Superseded, match="the book was finished on 2026-11-20: marked as abandoned, the server would"):
        world.target().deliver(status(world.server.books[1], "abandoned"), FRESH)

    assert shown(world) == ("READING", finished)


def test_finish_date_survives_a_lower_status_by_the_gentle_route(open_world: OpenWorld) -> None:
    world = open_world("grimmory")
    finished = read_before(world)

    world.target().deliver(status(world.server.books[1], "abandoned"), FRESH)

    assert shown(world) == ("ABANDONED", finished)


@pytest.mark.parametrize("word", ["READ", "finished", "", None, 1, ["complete"]])
def test_word_that_is_none_of_koreaders_is_never_sent(world: World, word: object) -> None:
    with pytest.raises(ItemRejected, match="a status is complete, abandoned or reading"):
        world.target().deliver(status(world.server.books[1], word), FRESH)

    assert writes(world) == []


def test_status_that_was_removed_asks_for_nothing(world: World) -> None:
    mark(world, world.server.books[1], "READ")
    asked = len(world.server.requests)

    world.target().deliver(fact("status", world.server.books[1], {"removed": True}), FRESH)

    assert writes(world, since=asked) == []


def test_status_is_the_accounts_own(world: World) -> None:
    dune, mary = world.server.books[1], joined(world, "mary")

    world.target(USERNAME="mary", PASSWORD="mary-pw").deliver(status(dune, "complete"), FRESH)

    assert mary.book(dune)["readStatus"] == "READ"


@pytest.mark.parametrize(
    "fault", ["close_after", "half_body", "commit_then_500", "commit_then_html_200", "commit_then_502_html"]
)
@pytest.mark.parametrize(("word", "name"), [("complete", "READ"), ("abandoned", "ABANDONED"), ("reading", "READING")])
def test_status_whose_answer_is_lost_is_found_set(world: World, dialect: str, fault: str, word: str, name: str) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail(fault, route(dialect))

    with pytest.raises(Declined) as lost:
        target.deliver(status(dune, word), FRESH)
    there = shown(world)
    world.clock.now += HOUR
    world.target().deliver(status(dune, word), MAYBE_SENT)

    assert lost.value.maybe_sent
    assert shown(world) == there
    assert there[0] == name
    assert writes(world) == [route(dialect)]


@pytest.mark.parametrize("fault", ["close_before", "refuse", "status:403", "sync_disabled", "status:503"])
def test_status_that_did_not_arrive_is_sent_again(world: World, dialect: str, fault: str) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.fail(fault, route(dialect))

    with pytest.raises((ItemFailed, TargetUnavailable)):
        target.deliver(status(dune, "complete"), FRESH)
    world.target().deliver(status(dune, "complete"), FRESH)

    assert shown(world)[0] == "READ"


@pytest.mark.parametrize("fault", ["html_200", "status:502_html", "status:503", "status:429", "close_before"])
def test_nothing_is_written_where_the_look_fails(world: World, fault: str) -> None:
    target = connected(world)
    world.server.fail(fault, "GET /api/v1/books/1$")

    with pytest.raises(TargetUnavailable) as refused:
        target.deliver(status(world.server.books[1], "complete"), FRESH)

    assert not refused.value.maybe_sent
    assert writes(world) == []


@pytest.mark.parametrize("fault", ["status:404", "status:405", "refuse", "html_200"])
def test_route_that_is_not_there_now_is_asked_for_again_in_the_next_run(open_world: OpenWorld, fault: str) -> None:
    world = open_world("grimmory")
    dune, target = world.server.books[1], connected(world)
    world.server.fail(fault, PROBE)

    target.deliver(status(dune, "reading"), FRESH)
    target.close()
    target.deliver(status(dune, "complete"), FRESH)

    assert writes(world) == [PLAIN, GENTLE]


@pytest.mark.parametrize("fault", ["status:502_html", "status:503", "status:429", "close_before", "half_body"])
def test_nothing_is_written_while_the_route_cannot_be_asked_for(world: World, fault: str) -> None:
    target = connected(world)
    world.server.fail(fault, PROBE)

    with pytest.raises(TargetUnavailable) as refused:
        target.deliver(status(world.server.books[1], "complete"), FRESH)

    assert not refused.value.maybe_sent
    assert writes(world) == []


def test_route_is_asked_for_once_a_run(world: World) -> None:
    target = world.target()

    for book in world.server.books.values():
        target.deliver(status(book, "complete"), FRESH)

    assert world.asked("/api/v1/app/books/", "GET") == 1


@pytest.mark.parametrize("word", ["complete", "abandoned", "reading"])
def test_status_of_a_book_that_is_gone_waits_for_a_match(world: World, word: str) -> None:
    dune, target = world.server.books[1], connected(world)
    world.server.remove_book(dune.id)

    with pytest.raises(BookUnmatched, match="the server has no book of number 1 any more"):
        target.deliver(status(dune, word), FRESH)


@pytest.mark.parametrize("dialect", ["booklore", "grimmory-3.5", "custom"])
def test_book_that_goes_while_it_is_marked_waits_for_a_match(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect)
    dune, target = world.server.books[1], connected(world)
    just_before(world, "POST", "/api/v1/books/status", lambda: world.server.remove_book(dune.id))

    with pytest.raises(BookUnmatched, match="the server has no book of that number any more"):
        target.deliver(status(dune, "complete"), FRESH)


def test_answer_to_a_word_that_the_server_does_not_know_is_no_success(world: World) -> None:
    dune = world.server.books[1]
    body = {"bookIds": [dune.id], "status": "FINISHED"}
    url = f"{world.server.url}/api/v1/books/status"
    answer = requests.post(url, json=body, headers=signed(world), timeout=5)

    with pytest.raises(ItemFailed, match="does not say that it has taken it") as refused:
        confirm(answer, "1", readStatus="FINISHED")

    assert answer.status_code == 200
    assert refused.value.maybe_sent


def test_book_that_has_the_number_since_keeps_its_status(world: World) -> None:
    dune, target = world.server.books[1], connected(world)
    taken_over(world, dune)

    with pytest.raises(BookUnmatched, match="the server has another book as number 1 than before"):
        target.deliver(status(dune, "complete"), FRESH)

    assert writes(world) == []


def test_library_that_the_account_may_not_see_is_no_place_for_a_status(world: World) -> None:
    joined(world, "mary")
    world.server.assign_libraries("mary", ())
    target = world.target(USERNAME="mary", PASSWORD="mary-pw")

    with pytest.raises(BookUnmatched):
        target.deliver(status(world.server.books[1], "complete"), FRESH)

    assert writes(world) == []


def test_deletion_and_status_go_to_their_own_handlers(stock: World) -> None:
    dune, target = stock.server.books[1], stock.target()

    target.deliver(status(dune, "complete"), FRESH)
    target.deliver(deletion(dune), FRESH)

    assert writes(stock) == [PLAIN]
