"""No session twice: before a repeat the server is looked at, and where it cannot be, the session is held.

When the core asks for a repeat, and that it waits before, is tested in `tests/pipeline/test_delivery_looks.py`.
"""

from datetime import timedelta

import pytest
from booklore_world import FRESH, MAYBE_SENT, OpenWorld, World, session

from booklore_core import Before, BookUnmatched, Declined, Item, ItemFailed, TargetUnavailable
from booklore_targets.booklore.target import BookLore

POST, LOOK = "POST /api/v1/reading-sessions", "GET /api/v1/reading-sessions/book"


def repeat(target: BookLore, item: Item) -> str:
    """What the core does about a session of unknown outcome once it has waited."""
    return target.find(item) or target.deliver(item, MAYBE_SENT) or ""


def looks(world: World) -> int:
    return world.asked("/api/v1/reading-sessions/book", "GET")


@pytest.mark.parametrize("fault", ["close_after", "half_body", "commit_then_500", "commit_then_html_200"])
def test_session_whose_answer_was_lost_is_found_and_not_repeated(world: World, fault: str) -> None:
    target = world.target()
    target.check()
    world.server.fail(fault, POST)
    with pytest.raises(Declined) as lost:
        target.deliver(session(), FRESH)
    assert lost.value.maybe_sent

    remote_id = repeat(target, session())

    assert remote_id == "1:2026-02-22T14:00:00Z"
    assert len(world.server.sessions) == 1


@pytest.mark.parametrize("fault", ["close_before", "status:500", "status:503"])
def test_session_that_did_not_arrive_is_sent_again(stock: World, fault: str) -> None:
    target = stock.target()
    target.check()
    stock.server.fail(fault, POST)
    with pytest.raises(Declined):
        target.deliver(session(), FRESH)

    repeat(target, session())

    assert len(stock.server.sessions) == 1


def test_fresh_session_costs_no_look(stock: World) -> None:
    stock.target().deliver(session(), FRESH)

    assert looks(stock) == 0


@pytest.mark.parametrize("fault", ["status:500", "status:409", "sync_disabled"])
def test_session_is_held_when_the_server_does_not_show_its_sessions(stock: World, fault: str) -> None:
    stock.server.fail(fault, LOOK)

    with pytest.raises(ItemFailed):
        repeat(stock.target(), session())

    assert not stock.server.sessions


@pytest.mark.parametrize("fault", ["html_200", "status:429", "status:503", "close_before", "half_body"])
def test_session_is_held_when_the_server_goes_away_meanwhile(stock: World, fault: str) -> None:
    stock.target().check()
    stock.server.fail(fault, LOOK)

    with pytest.raises(TargetUnavailable):
        repeat(stock.target(), session())

    assert not stock.server.sessions


def test_session_is_held_while_nobody_can_log_in(stock: World) -> None:
    stock.server.fail("status:500", "POST /api/v1/auth/login")

    with pytest.raises(TargetUnavailable):
        repeat(stock.target(), session())


def test_session_is_held_while_the_server_is_down(stock: World) -> None:
    target = stock.target()
    stock.server.stop()

    with pytest.raises(TargetUnavailable):
        repeat(target, session())


def test_session_of_a_removed_book_is_not_looked_for_elsewhere(stock: World) -> None:
    with pytest.raises(BookUnmatched):
        repeat(stock.target(), session().matched("999"))


def test_of_a_revision_that_ends_later_what_is_new_is_sent(stock: World) -> None:
    target = stock.target()
    target.deliver(session(), FRESH)

    for _ in range(2):
        repeat(target, session(end="2026-02-22T14:30:00Z", duration=1800))

    assert [row["durationSeconds"] for row in stock.server.sessions] == [300, 1500]
    assert stock.server.sessions[1]["startTime"] == "2026-02-22T14:05:00Z"


@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_short_session_is_sent_where_no_other_tells_of_its_time(stock: World, length: int) -> None:
    short = session(end=f"2026-02-22T14:00:0{length}Z", duration=length)
    target = stock.target()

    assert target.find(short) is None
    target.deliver(short, Before(is_older=True))

    assert [row["durationSeconds"] for row in stock.server.sessions] == [length]
    assert stock.target().find(short) == "1:2026-02-22T14:00:00Z"
    assert stock.target().audit(short.book, [short]) == []


def of_device(device: str, **changed: object) -> Item:
    """A session of another device that begins in the same second."""
    one = session(device=device, **changed)
    return Item("session", f"{device}/0", one.book, one.body, one.occurred_at)


LONGER = {"end": "2026-02-22T14:09:00Z", "duration": 540}


@pytest.mark.parametrize("changed", [{}, LONGER, {"start_page": 30}, {**LONGER, "start_page": 30}])
@pytest.mark.parametrize("arrived", [0, 1, 2])
def test_sessions_of_two_devices_that_begin_together_both_arrive_in_one_run(
    stock: World, changed: dict[str, object], arrived: int
) -> None:
    items = [session(), of_device("boox-2", **changed)]
    for item in items[:arrived]:
        stock.target().deliver(item, FRESH)
    target = stock.target()

    for item in items * 2:
        repeat(target, item)

    assert len(stock.server.sessions) == 2


def test_session_of_another_device_that_begins_elsewhere_is_sent_though_its_outcome_is_unknown(stock: World) -> None:
    stock.target().deliver(session(), FRESH)

    repeat(stock.target(), of_device("boox-2", start_page=30, **LONGER))

    assert len(stock.server.sessions) == 2


def test_of_a_session_that_cannot_be_told_from_an_earlier_form_the_rest_is_sent(stock: World) -> None:
    stock.target().deliver(session(), FRESH)

    repeat(stock.target(), of_device("boox-2", **LONGER))

    assert [row["durationSeconds"] for row in stock.server.sessions] == [300, 240]


def test_session_that_was_sent_is_found_again_in_the_same_run(stock: World) -> None:
    target = stock.target()
    repeat(target, session(minute=10))

    for _ in range(2):
        repeat(target, session())

    assert len(stock.server.sessions) == 2


def test_fractions_of_a_second_are_no_difference(stock: World) -> None:
    target = stock.target()
    target.deliver(session(start="2026-02-22T14:00:00.75Z"), FRESH)

    repeat(target, session(start="2026-02-22T15:00:00.750000+01:00"))

    assert len(stock.server.sessions) == 1


def test_session_of_another_book_at_the_same_time_is_another_session(stock: World) -> None:
    target = stock.target()
    target.deliver(session(stock.server.books[2]), FRESH)

    repeat(target, session(stock.server.books[1]))

    assert [row["bookId"] for row in stock.server.sessions] == [2, 1]


def test_session_of_another_reader_is_another_session(world: World) -> None:
    world.target().deliver(session(), FRESH)
    world.server.add_user("ann", "annspassword", libraries=[1])
    world.clock.now += 5

    repeat(world.target(USERNAME="ann", PASSWORD="annspassword"), session())

    assert len(world.server.sessions) == 2


@pytest.mark.parametrize(("minute", "is_new"), [(0, False), (1, True), (1000, False), (1995, False), (2000, True)])
def test_old_session_is_found_behind_many_pages(open_world: OpenWorld, minute: int, is_new: bool) -> None:
    world = open_world("custom")
    target = world.target()
    for first in (0, 100, 200, 300):
        target.deliver_batch([session(minute=5 * (first + number)) for number in range(100)])

    repeat(target, session(minute=minute))

    assert len(world.server.sessions) == 400 + is_new


def test_look_ends_at_the_first_session_that_began_earlier(open_world: OpenWorld) -> None:
    world = open_world("custom")
    target = world.target()
    for first in (0, 100, 200):
        target.deliver_batch([session(minute=10 * (first + number)) for number in range(100)])

    repeat(target, session(minute=10 * 250))

    assert looks(world) == 1


def test_one_look_serves_all_sessions_of_a_book(world: World) -> None:
    target = world.target()

    for minute in range(0, 100, 10):
        repeat(target, session(minute=minute))

    assert len(world.server.sessions) == 10
    assert looks(world) == 1


def test_look_of_a_long_run_is_not_older_than_a_minute(stock: World) -> None:
    """Meanwhile a request that was given up may have been carried out."""
    target = stock.target()
    assert target.find(session()) is None
    stock.target().deliver(session(), FRESH)

    stock.clock.now += 61
    target.deliver(session(minute=20), FRESH)

    assert target.find(session()) is not None


def test_sessions_that_start_in_the_same_second_do_not_end_the_look(open_world: OpenWorld) -> None:
    world = open_world()
    target = world.target()
    for _ in range(101):
        target.deliver(session(minute=10), FRESH)
    target.deliver(session(), FRESH)

    repeat(target, session())

    assert len(world.server.sessions) == 102


def test_batch_of_unknown_outcome_is_repeated_one_by_one_without_duplicates(open_world: OpenWorld) -> None:
    world = open_world("custom")
    target = world.target()
    target.check()
    items = [session(minute=10 * number) for number in range(5)]
    world.server.fail("commit_then_500", f"{POST}/batch")
    with pytest.raises(ItemFailed) as lost:
        target.deliver_batch(items)
    assert lost.value.maybe_sent

    for item in items:
        repeat(target, item)

    assert len(world.server.sessions) == 5


def test_session_at_the_same_minute_of_another_day_is_another_session(stock: World) -> None:
    target, item = stock.target(), session()
    target.deliver(item, FRESH)
    tomorrow = item.occurred_at + timedelta(days=1)

    repeat(target, session(minute=24 * 60))

    assert stock.server.sessions[1]["startTime"] == tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ")
