"""Whose position a BookLore tells: one's own is known again, lost answers and late requests included; what is newer is
not overwritten."""

import pytest
from booklore_world import FRESH, OpenWorld, World, ref
from places_world import (
    ELSEWHERE,
    PUT,
    SECOND,
    elsewhere_pushed,
    place,
    pushes,
    read_on_the_page,
    told,
)

from booklore_core import Declined, ItemFailed, Superseded

BOOX = {"device": "Boox", "device_id": "boox-2", "position": ELSEWHERE}


def now_at(world: World) -> float:
    return round(told(world, world.server.books[1].partial_md5)["percentage"], 4)


def lose(world: World, fault: str, percent: float, minute: int = 0, **changed: str) -> None:
    """A push whose answer does not come."""
    world.server.fail(fault, PUT)
    with pytest.raises(Declined) as lost:
        world.target().deliver(place(world.server.books[1], percent, minute, **changed), FRESH)
    assert lost.value.maybe_sent


def test_older_position_does_not_overwrite_what_another_reader_has_read_since(world: World) -> None:
    elsewhere_pushed(world, world.server.books[1], 0.3)

    with pytest.raises(Superseded) as given_up:
        world.target().deliver(place(world.server.books[1], 0.4), FRESH)

    assert "is at 30.0%, read later" in given_up.value.reason
    assert now_at(world) == 0.3


def test_position_that_the_reader_has_seen_and_left_is_overwritten(world: World) -> None:
    dune = world.server.books[1]
    elsewhere_pushed(world, dune, 0.71)

    world.target().deliver(place(dune, 0.4, 90, seen=[0.71, ELSEWHERE]), FRESH)

    assert now_at(world) == 0.4


def test_later_position_goes_over_an_older_one_that_is_less_far(world: World) -> None:
    elsewhere_pushed(world, world.server.books[1], 0.3)

    world.target().deliver(place(world.server.books[1], 0.4, 90), FRESH)

    assert now_at(world) == 0.4


def test_book_that_was_only_opened_moves_nobody(world: World) -> None:
    elsewhere_pushed(world, world.server.books[1], 0.3)

    with pytest.raises(Superseded):
        world.target().deliver(place(world.server.books[1], 0.4, 90, is_opening=True), FRESH)


@pytest.mark.parametrize("fault", ["close_after", "half_body", "commit_then_500"])
def test_echo_of_a_push_whose_answer_was_lost_is_ones_own(world: World, fault: str) -> None:
    dune = world.server.books[1]
    lose(world, fault, 0.42)

    remote = world.target().remote_progress(ref(dune, match="1"))

    assert remote is not None
    assert (remote.device_id, remote.at) == ("kobo-7f3a", place(dune, 0.42).occurred_at)


def test_reading_on_after_a_lost_answer_is_told(world: World) -> None:
    lose(world, "close_after", 0.42)

    world.target().deliver(place(world.server.books[1], 0.45, 5), FRESH)

    assert now_at(world) == 0.45


def test_two_devices_that_read_in_turns_both_push(world: World) -> None:
    dune = world.server.books[1]

    world.target().deliver(place(dune, 0.30, 0), FRESH)
    world.target().deliver(place(dune, 0.35, 30, seen=[0.30, SECOND], **BOOX), FRESH)
    world.target().deliver(place(dune, 0.40, 60, seen=[0.35, ELSEWHERE]), FRESH)

    assert pushes(world) == [0.30, 0.35, 0.40]


def test_older_position_of_the_other_device_is_superseded(world: World) -> None:
    dune = world.server.books[1]
    world.target().deliver(place(dune, 0.40, 60), FRESH)

    with pytest.raises(Superseded) as given_up:
        world.target().deliver(place(dune, 0.35, 30, **BOOX), FRESH)

    assert "Kobo Libra is at 40.0%" in given_up.value.reason
    assert now_at(world) == 0.4


def test_two_files_of_one_book_share_what_was_pushed(world: World) -> None:
    dune, other = world.server.books[1], "0" * 31 + "b"
    world.target().deliver(place(dune, 0.42), FRESH)

    remote = world.target().remote_progress(ref(dune, partial_md5=other, match="1"))

    assert remote is not None
    assert (remote.device_id, remote.partial_md5, remote.position) == ("kobo-7f3a", dune.partial_md5, None)


def test_web_readers_position_with_the_devices_own_id_is_somebody_elses(open_world: OpenWorld) -> None:
    world = open_world("grimmory-3.5")
    dune = world.server.books[1]
    world.target().deliver(place(dune, 0.42), FRESH)
    read_on_the_page(world, dune, 62.5)
    assert told(world, dune.partial_md5)["device_id"] == "kobo-7f3a"

    remote = world.target().remote_progress(ref(dune, match="1"))

    assert remote is not None
    assert (round(remote.percent or 0, 4), remote.device_id, remote.device) == (0.625, None, None)
    with pytest.raises(Superseded):
        world.target().deliver(place(dune, 0.44, 30), FRESH)
    assert now_at(world) == 0.625


@pytest.mark.parametrize("fault", ["late:300", "late"])
def test_position_that_a_late_request_has_put_back_is_repaired(world: World, fault: str) -> None:
    """A request outlives its time-out, and comes after the newer one (contract §17)."""
    dune = world.server.books[1]
    lose(world, fault, 0.42)
    world.clock.wait(60)

    with pytest.raises(ItemFailed) as in_doubt:
        world.target().deliver(place(dune, 0.45, 5), FRESH)
    assert in_doubt.value.maybe_sent
    assert "looked at again until" in in_doubt.value.reason
    world.clock.wait(300)
    world.server.carry_out_late()
    assert now_at(world) == 0.42

    world.target().deliver(place(dune, 0.45, 5), FRESH)

    assert now_at(world) == 0.45


def test_doubt_ends_after_ten_minutes(world: World) -> None:
    dune = world.server.books[1]
    lose(world, "close_before", 0.42)
    with pytest.raises(ItemFailed):
        world.target().deliver(place(dune, 0.45, 5), FRESH)

    world.clock.wait(601)
    world.target().deliver(place(dune, 0.45, 5), FRESH)
    world.target().deliver(place(dune, 0.50, 15), FRESH)

    assert pushes(world) == [0.42, 0.45, 0.50]


def test_push_of_one_device_may_come_late_over_that_of_the_other(world: World) -> None:
    dune = world.server.books[1]
    lose(world, "late", 0.30, 0)

    with pytest.raises(ItemFailed):
        world.target().deliver(place(dune, 0.35, 30, **BOOX), FRESH)
    world.server.carry_out_late()
    world.target().deliver(place(dune, 0.35, 30, **BOOX), FRESH)

    assert now_at(world) == 0.35


def test_push_that_was_refused_leaves_no_doubt(stock: World) -> None:
    dune = stock.server.books[1]
    stock.server.fail("status:400", PUT)
    with pytest.raises(Declined):
        stock.target().deliver(place(dune, 0.42), FRESH)

    stock.target().deliver(place(dune, 0.45, 5), FRESH)

    assert now_at(stock) == 0.45


def test_forced_mark_of_a_rating_is_told_once_and_reading_on_goes_on(world: World) -> None:
    dune = world.server.books[1]
    world.target().deliver(place(dune, 0.6), FRESH)
    world.target().deliver(place(dune, 1.0, 5, forced_from=0.6), FRESH)

    world.target().deliver(place(dune, 0.6, 10), FRESH)
    assert pushes(world) == [0.6, 1.0]
    world.target().deliver(place(dune, 0.65, 20, position=ELSEWHERE), FRESH)

    assert pushes(world) == [0.6, 1.0, 0.65]
