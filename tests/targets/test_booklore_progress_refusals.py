"""What BookLore answers otherwise than with a position: nothing is pushed before it is known where its reader is."""

from collections.abc import Callable

import pytest
import requests
from booklore_world import FRESH, OpenWorld, World, ref
from places_world import GET, PUT, elsewhere_pushed, place, pushes, put_bodies, signed, told

from booklore_core import (
    BookUnmatched,
    Declined,
    ItemFailed,
    ItemRejected,
    Superseded,
    TargetUnavailable,
)
from booklore_core.testing import small_epub

OTHER = "0" * 31 + "b"
"""The digest of a file that the server does not have: a kepub, for one."""


def declined(work: Callable[[], object]) -> Declined:
    with pytest.raises(Declined) as found:
        work()
    return found.value


@pytest.mark.parametrize(
    "fault", ["html_200", "status:502_html", "status:503", "status:429", "close_before", "close_after", "half_body"]
)
def test_nothing_is_pushed_where_the_look_is_answered_by_a_page_or_a_proxy(world: World, fault: str) -> None:
    dune = world.server.books[1]
    elsewhere_pushed(world, dune, 0.71)
    world.server.fail(fault, GET)

    refusal = declined(lambda: world.target().deliver(place(dune, 0.4), FRESH))

    assert isinstance(refusal, TargetUnavailable)
    assert not refusal.maybe_sent
    assert told(world, dune.partial_md5)["percentage"] == pytest.approx(0.71)


@pytest.mark.parametrize("fault", ["html_200", "status:502_html", "status:503"])
def test_page_is_no_answer_for_who_opens_a_book(stock: World, fault: str) -> None:
    stock.server.fail(fault, GET)

    with pytest.raises(TargetUnavailable):
        stock.target().remote_progress(ref(stock.server.books[1]))


@pytest.mark.parametrize(
    "fault", ["close_after", "half_body", "commit_then_500", "commit_then_html_200", "commit_then_502_html"]
)
def test_push_whose_answer_is_lost_is_known_again(world: World, fault: str) -> None:
    dune, target = world.server.books[1], world.target()
    world.server.fail(fault, PUT)

    refusal = declined(lambda: target.deliver(place(dune, 0.4), FRESH))
    assert refusal.maybe_sent
    world.target().deliver(place(dune, 0.4), FRESH)

    assert pushes(world) == [0.4]


@pytest.mark.parametrize("fault", ["close_before", "status:500", "status:503"])
def test_push_that_did_not_arrive_is_repeated(world: World, fault: str) -> None:
    dune = world.server.books[1]
    world.server.fail(fault, PUT)

    declined(lambda: world.target().deliver(place(dune, 0.4), FRESH))
    world.target().deliver(place(dune, 0.4), FRESH)

    assert told(world, dune.partial_md5)["percentage"] == pytest.approx(0.4)


def test_push_that_is_refused_is_rejected_with_the_servers_reason(stock: World) -> None:
    stock.server.fail("status:400", PUT)

    refusal = declined(lambda: stock.target().deliver(place(stock.server.books[1], 0.4), FRESH))

    assert isinstance(refusal, ItemRejected)
    assert "the server answers 400" in refusal.reason


@pytest.mark.parametrize("dialect", ["booklore", "custom"])
def test_file_in_two_libraries_says_what_is_wrong_with_it(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect)
    dune = world.server.books[1]
    world.server.add_book(dune.read() or b"", "dune.epub", "Dune", library_id=2)

    refusal = declined(lambda: world.target().deliver(place(dune, 0.4), FRESH))

    assert isinstance(refusal, ItemFailed)
    assert not refusal.maybe_sent
    assert "in two of its libraries: remove one of them there" in refusal.reason


@pytest.mark.parametrize("dialect", ["grimmory", "grimmory-3.5"])
def test_file_in_two_libraries_goes_to_grimmorys_newest(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect)
    dune = world.server.books[1]
    twin = world.server.add_book(dune.read() or b"", "dune.epub", "Dune", library_id=2)

    world.target().deliver(place(dune, 0.4, match=str(twin.id)), FRESH)

    assert pushes(world) == [0.4]


def test_sync_that_is_off_is_switched_on(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect, koreader_sync=False)

    world.target().deliver(place(world.server.books[1], 0.4), FRESH)

    assert pushes(world) == [0.4]


def test_account_is_made_where_there_is_none(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect, koreader_account=None)

    world.target().deliver(place(world.server.books[1], 0.4), FRESH)

    assert pushes(world) == [0.4]


def test_sync_that_stays_off_says_so(world: World) -> None:
    world.server.fail("sync_disabled", GET)

    refusal = declined(lambda: world.target().deliver(place(world.server.books[1], 0.4), FRESH))

    assert isinstance(refusal, ItemFailed)
    assert refusal.reason == "the sync of the KOReader account reader is off: switch it on on the server's page"


def test_account_that_is_refused_holds_up_nothing_but_positions(world: World) -> None:
    target = world.target(KOREADER_USERNAME="nobody", KOREADER_PASSWORD="wrong")

    refusal = declined(lambda: target.deliver(place(world.server.books[1], 0.4), FRESH))

    assert isinstance(refusal, ItemFailed)
    assert "the server refuses the KOReader account" in refusal.reason


def test_account_whose_password_is_changed_meanwhile_is_read_anew_in_the_next_run(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    target.remote_progress(ref(dune))
    account = {"username": "reader", "password": "changed"}
    requests.put(f"{world.server.url}/api/v1/koreader-users/me", json=account, headers=signed(world), timeout=5)

    refusal = declined(lambda: target.deliver(place(dune, 0.4), FRESH))
    target.close()
    target.deliver(place(dune, 0.4), FRESH)

    assert isinstance(refusal, ItemFailed)
    assert pushes(world) == [0.4]


def test_database_that_is_away_is_an_outage(world: World) -> None:
    dune, target = world.server.books[1], world.target()
    target.remote_progress(ref(dune))
    world.server.database_away = True

    refusal = declined(lambda: target.deliver(place(dune, 0.4), FRESH))

    assert isinstance(refusal, TargetUnavailable)
    assert "its database is not" in refusal.reason
    assert put_bodies(world) == []


def test_other_file_of_a_matched_book_goes_by_the_servers_own_with_its_percentage_alone(world: World) -> None:
    dune, kepub = world.server.books[1], place(world.server.books[1], 0.4, md5=OTHER)

    world.target().deliver(kepub, FRESH)

    now = told(world, dune.partial_md5)
    assert (now["percentage"], now["progress"]) == (pytest.approx(0.4), None)


def test_digest_of_the_servers_file_is_found_out_once(world: World) -> None:
    dune = world.server.books[1]
    for minute, percent in enumerate([0.4, 0.5, 0.6]):
        world.target().deliver(place(dune, percent, minute, md5=OTHER), FRESH)

    assert world.content_requests() == 1
    assert pushes(world) == [0.4, 0.5, 0.6]


def test_digest_of_a_file_that_the_server_has_rewritten_is_found_out_anew(world: World) -> None:
    dune = world.server.books[1]
    world.target().deliver(place(dune, 0.4, md5=OTHER), FRESH)
    world.server.rewrite_book(1, small_epub("Dune, with a cover"))

    world.target().deliver(place(dune, 0.5, 5, md5=OTHER), FRESH)

    assert pushes(world) == [0.4, 0.5]


def test_position_in_another_file_is_offered_as_a_percentage(world: World) -> None:
    dune = world.server.books[1]
    elsewhere_pushed(world, dune, 0.71)

    remote = world.target().remote_progress(ref(dune, partial_md5=OTHER, match="1"))

    assert remote is not None
    assert (remote.percent, remote.position) == (pytest.approx(0.71), None)


def test_newer_position_is_not_overwritten_from_another_file(world: World) -> None:
    dune = world.server.books[1]
    elsewhere_pushed(world, dune, 0.71)

    with pytest.raises(Superseded):
        world.target().deliver(place(dune, 0.4, md5=OTHER), FRESH)


def test_file_that_the_server_does_not_know_has_no_remote_position(world: World) -> None:
    stranger = ref(world.server.books[1], partial_md5=OTHER)

    with pytest.raises(BookUnmatched):
        world.target().remote_progress(stranger)


def test_match_with_a_book_that_is_gone_is_given_up(world: World) -> None:
    with pytest.raises(BookUnmatched):
        world.target().deliver(place(world.server.books[1], 0.4, md5=OTHER, match="99"), FRESH)


def test_server_that_knows_neither_file_says_what_to_do(world: World) -> None:
    dune = world.server.books[1]
    world.server.fail("status:404", "GET /api/v1/books/1/content", times=None)

    refusal = declined(lambda: world.target().deliver(place(dune, 0.4, md5=OTHER), FRESH))

    assert isinstance(refusal, ItemFailed)
    assert "scan its library again" in refusal.reason
