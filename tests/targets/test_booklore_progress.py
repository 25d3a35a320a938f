"""Where a reader is, as BookLore and its kin are told: byte for byte, after a look, and never to a book's harm."""

import json
from dataclasses import replace

import pytest
from booklore_world import FRESH, OpenWorld, World, ref
from places_world import (
    ELSEWHERE,
    SECOND,
    elsewhere_pushed,
    mark,
    on_the_page,
    place,
    pushes,
    put_bodies,
    told,
)

from booklore_core import ItemRejected, RemotePosition
from booklore_targets.booklore.target import BookLore


def test_position_is_told_byte_for_byte(world: World) -> None:
    dune = world.server.books[1]

    world.target().deliver(place(dune, 0.4242), FRESH)

    assert put_bodies(world) == [
        b'{"document": "%s", "percentage": 0.4242, "progress": "/body/DocFragment[2]/body/p[1]/text().0", '
        b'"timestamp": 1795201200, "device": "Kobo Libra", "device_id": "kobo-7f3a"}' % dune.partial_md5.encode()
    ]


def test_position_arrives_on_both_scales(world: World) -> None:
    dune = world.server.books[1]

    world.target().deliver(place(dune, 0.42), FRESH)

    assert told(world, dune.partial_md5)["percentage"] == pytest.approx(0.42)
    assert on_the_page(world, dune)["koreaderProgress"] == {"percentage": pytest.approx(42.0)}


@pytest.mark.parametrize(
    ("percent", "sent"),
    [(0.0025, "0.0025"), (0.123456, "0.1234"), (0.57, "0.57"), (0.29, "0.29"), (0.99999, "0.9999"), (1.0, "1.0")],
)
def test_percentage_is_a_fraction_floored_to_four_decimals(stock: World, percent: float, sent: str) -> None:
    stock.target().deliver(place(stock.server.books[1], percent), FRESH)

    assert f'"percentage": {sent},'.encode() in put_bodies(stock)[0]


def test_page_of_a_comic_is_told_as_text(stock: World) -> None:
    stock.target().deliver(place(stock.server.books[4], 0.5, position="3"), FRESH)

    assert b'"progress": "3",' in put_bodies(stock)[0]


def test_names_are_cut_to_what_the_server_holds(world: World) -> None:
    long = place(world.server.books[1], 0.5, device="Kobo 📖" * 30, device_id="x" * 101)

    world.target().deliver(long, FRESH)

    body = json.loads(put_bodies(world)[0])
    assert (len(body["device"]), body["device_id"]) == (100, "x" * 100)


def test_of_a_position_that_is_too_long_only_the_percentage_is_told(world: World) -> None:
    dune = world.server.books[1]

    world.target().deliver(place(dune, 0.5, position="/body" * 200 + "x"), FRESH)

    assert told(world, dune.partial_md5)["progress"] is None
    assert told(world, dune.partial_md5)["percentage"] == 0.5


def test_position_of_a_thousand_characters_is_told(stock: World) -> None:
    stock.target().deliver(place(stock.server.books[1], 0.5, position="/body" * 200), FRESH)

    assert json.loads(put_bodies(stock)[0])["progress"] == "/body" * 200


def test_only_the_koreader_account_goes_with_it(world: World) -> None:
    world.target().deliver(place(world.server.books[1], 0.5), FRESH)

    kinds = {one.auth for one in world.server.requests if one.path.startswith("/api/koreader/syncs")}
    assert kinds == {"md5"}


@pytest.mark.parametrize("percent", [0.0, 0.0024, -0.5])
def test_start_of_a_book_is_never_sent_for_it_would_be_marked_as_unread(world: World, percent: float) -> None:
    dune = world.server.books[1]
    mark(world, dune, "READ")

    world.target().deliver(place(dune, percent), FRESH)

    assert put_bodies(world) == []
    assert on_the_page(world, dune)["readStatus"] == "READ"


@pytest.mark.parametrize("percent", [1.01, 45.0])
def test_percentage_beyond_the_end_is_never_sent(stock: World, percent: float) -> None:
    with pytest.raises(ItemRejected):
        stock.target().deliver(place(stock.server.books[1], percent), FRESH)

    assert put_bodies(stock) == []


def test_same_position_is_not_pushed_again(world: World) -> None:
    dune = world.server.books[1]
    for _ in range(3):
        world.target().deliver(place(dune, 0.42), FRESH)

    assert len(put_bodies(world)) == 1


def test_finished_book_keeps_its_finish_date(world: World) -> None:
    dune = world.server.books[1]
    world.target().deliver(place(dune, 1.0), FRESH)
    finished = on_the_page(world, dune)["dateFinished"]

    world.clock.wait(86400)
    for minute, percent in enumerate([1.0, 0.997, 0.96], start=1500):
        world.target().deliver(place(dune, percent, minute), FRESH)

    book = on_the_page(world, dune)
    assert (book["readStatus"], book["dateFinished"]) == ("READ", finished)
    assert pushes(world) == [1.0]


def test_book_that_is_read_once_more_is_told_again(world: World) -> None:
    dune = world.server.books[1]
    world.target().deliver(place(dune, 1.0), FRESH)

    world.target().deliver(place(dune, 0.03, 1500, position=ELSEWHERE), FRESH)

    assert on_the_page(world, dune)["readStatus"] == "READING"
    assert pushes(world) == [1.0, 0.03]


def test_remote_position_is_told_in_fractions_with_time_and_without_the_servers_name_for_everybody(
    open_world: OpenWorld, dialect: str
) -> None:
    world = open_world(dialect)
    dune = world.server.books[1]
    elsewhere_pushed(world, dune, 0.71)

    remote = world.target().remote_progress(ref(dune))

    assert remote is not None
    known = "ipad" if dialect == "grimmory-3.5" else None
    assert (remote.percent, remote.position, remote.device) == (pytest.approx(0.71), ELSEWHERE, known)
    assert remote.at is not None
    assert remote.at.timestamp() == int(world.clock.now)
    assert remote.device_id is None


def test_book_that_nobody_has_read_has_no_remote_position(world: World) -> None:
    assert world.target().remote_progress(ref(world.server.books[1])) is None


def test_row_that_only_a_mark_has_made_is_no_position(world: World) -> None:
    dune = world.server.books[1]
    mark(world, dune, "READING")

    assert world.target().remote_progress(ref(dune)) is None

    world.target().deliver(place(dune, 0.4), FRESH)
    assert pushes(world) == [0.4]


@pytest.mark.parametrize("dialect", ["grimmory", "grimmory-3.5"])
def test_percentage_that_was_erased_is_no_position(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect)
    elsewhere_pushed(world, world.server.books[1], None)

    assert world.target().remote_progress(ref(world.server.books[1])) is None


def test_own_position_comes_back_with_who_read_there_and_when(world: World) -> None:
    dune = world.server.books[1]
    item = place(dune, 0.42)
    world.target().deliver(item, FRESH)

    remote = world.target().remote_progress(ref(dune, match="1"))

    assert remote is not None
    known = (SECOND, "Kobo Libra", item.occurred_at, "kobo-7f3a", dune.partial_md5)
    assert replace(remote, percent=0.42) == RemotePosition(0.42, *known)
    assert remote.percent == pytest.approx(0.42)


def test_positions_go_one_by_one_where_sessions_go_together(open_world: OpenWorld) -> None:
    target: BookLore = open_world("custom").target()
    target.check()

    assert target.batch_size > 1
    assert target.batched == target.concurrent == {"session"}
