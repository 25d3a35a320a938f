"""What the server holds of a book, compared with what it was sent: missing, there too often, overlapping."""

import pytest
import requests
from booklore_world import FRESH, OpenWorld, World, moment, ref, session

from booklore_core import BookRef, BookUnmatched, Finding, Item, ItemFailed, TargetUnavailable
from booklore_core.testing import Record

LOOK = "GET /api/v1/reading-sessions/book"
FIELDS = ("startTime", "endTime", "durationSeconds", "startLocation", "endLocation")


@pytest.fixture
def dune(world: World) -> BookRef:
    return ref(world.server.books[1], match="1")


def audit(world: World, *items: Item) -> list[Finding]:
    return list(world.target().audit(ref(world.server.books[1], match="1"), items))


def deliver(world: World, *items: Item) -> None:
    target = world.target()
    for item in items:
        target.deliver(item, FRESH)
    target.close()


def naive_client(world: World, **changed: object) -> None:
    """Posts the first session on the server once more, as a client does that never looks."""
    world.clock.now += 5
    login = {"username": world.server.username, "password": world.server.password}
    token = requests.post(f"{world.server.url}/api/v1/auth/login", json=login, timeout=5).json()["accessToken"]
    row = world.server.sessions[0]
    body = {"bookId": 1, "bookType": "EPUB", **{name: row[name] for name in FIELDS}, **changed}
    bearer = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{world.server.url}/api/v1/reading-sessions", json=body, headers=bearer, timeout=5)
    assert answer.status_code == 202


def test_nothing_is_found_where_all_is_as_it_was_sent(world: World) -> None:
    items = [session(minute=5 * number) for number in range(4)]
    deliver(world, *items)

    assert audit(world, *items) == []


def test_session_that_the_server_lacks_is_missing(world: World, dune: BookRef) -> None:
    deliver(world, session())

    (finding,) = audit(world, session(), session(minute=10))

    assert (finding.what, finding.kind, finding.key, finding.book) == ("missing", "session", "kobo-7f3a/10", dune)
    assert "2026-02-22T14:10:00Z – 2026-02-22T14:15:00Z, 300 s" in finding.detail
    assert "verify --resend" in finding.advice


def test_session_that_a_naive_client_has_repeated_is_a_duplicate(world: World) -> None:
    deliver(world, session(), session(minute=10))
    naive_client(world)
    naive_client(world)

    (finding,) = audit(world, session(), session(minute=10))

    assert (finding.what, finding.key) == ("duplicate", "kobo-7f3a/0")
    assert finding.detail.endswith("is there 3 times, also as session 3, 4")
    assert "no call to remove a session" in finding.advice
    assert "nothing has to be sent again" in finding.advice


def test_repeat_with_another_duration_is_a_duplicate_too(stock: World) -> None:
    deliver(stock, session())
    naive_client(stock, durationSeconds=250)

    (finding,) = audit(stock, session())

    assert finding.what == "duplicate"
    assert finding.detail.endswith("is there twice, also as session 2")


def test_session_of_another_client_that_overlaps_is_told(world: World) -> None:
    deliver(world, session())
    naive_client(world, startTime="2026-02-22T14:02:00Z", endTime="2026-02-22T14:09:00Z")

    (finding,) = audit(world, session())

    assert (finding.what, finding.key) == ("overlapping", "kobo-7f3a/0")
    assert "only one program" in finding.advice
    assert finding.detail == (
        "session 2 (2026-02-22T14:02:00Z – 2026-02-22T14:09:00Z, not sent from here) overlaps "
        "session 1 (2026-02-22T14:00:00Z – 2026-02-22T14:05:00Z) by 180 s"
    )


def test_sessions_of_other_clients_that_overlap_each_other_are_told_without_a_key(stock: World) -> None:
    deliver(stock, session(), session(minute=100))
    for minute in (10, 11):
        start = session(minute=minute).occurred_at.timestamp()
        naive_client(stock, startTime=moment(start), endTime=moment(start + 300))

    assert [(one.what, one.key) for one in audit(stock, session(), session(minute=100))] == [("overlapping", "")]


@pytest.mark.parametrize(("passed", "found"), [(300, []), (299, []), (298, ["overlapping"])])
def test_sessions_may_share_a_second(stock: World, passed: int, found: list[str]) -> None:
    begun = session().occurred_at.timestamp() + passed
    later = session(minute=5, start=moment(begun))
    deliver(stock, session(), later)

    assert [finding.what for finding in audit(stock, session(), later)] == found


def test_sessions_of_one_device_that_overlap_are_told_with_what_its_clock_did(stock: World) -> None:
    later = session(minute=3)
    deliver(stock, session(), later)

    (finding,) = audit(stock, session(), later)

    assert (finding.what, finding.key) == ("overlapping", "kobo-7f3a/3")
    assert "clock" in finding.advice
    assert "nothing has to be sent again" in finding.advice
    assert "only one program" not in finding.advice


@pytest.mark.parametrize("other", [None, "kobo-7f3a"])
def test_what_a_file_told_overlaps_with_what_any_device_told_and_no_clock_is_blamed(
    stock: World, other: str | None
) -> None:
    past = session(minute=3, device=None, source="statistics")
    live = session(device=other, **({} if other else {"source": "lua"}))
    deliver(stock, live, past)

    (finding,) = audit(stock, live, past)

    assert (finding.what, finding.key) == ("overlapping", past.key)
    assert "from a file of past reading" in finding.advice
    assert "clock" not in finding.advice


def test_two_devices_may_read_at_a_time(world: World) -> None:
    other = session(device="boox-2", end="2026-02-22T14:04:00Z", duration=240)
    other = Item("session", "boox-2/0", other.book, other.body, other.occurred_at)
    deliver(world, session(), other)

    assert audit(world, session(), other) == []


def test_equal_sessions_of_two_devices_are_both_looked_for(world: World) -> None:
    other = Item("session", "boox-2/0", session().book, {**session().body, "device": "boox-2"}, session().occurred_at)
    deliver(world, session())

    assert [(one.what, one.key) for one in audit(world, session(), other)] == [("missing", "boox-2/0")]


def test_of_a_revision_that_was_not_sent_what_is_new_is_missing(stock: World) -> None:
    deliver(stock, session())

    (finding,) = audit(stock, session(end="2026-02-22T14:30:00Z", duration=1800))

    assert finding.what == "missing"
    told = "of 2026-02-22T14:00:00Z – 2026-02-22T14:30:00Z, 1800 s of reading, 1500 are not on the server"
    assert finding.detail == told


def test_fractions_and_zones_are_no_difference(stock: World) -> None:
    deliver(stock, session())

    assert audit(stock, session(start="2026-02-22T15:00:00.75+01:00", end="2026-02-22T14:05:00.25Z")) == []


def test_other_readers_sessions_are_none_of_ours(world: World) -> None:
    deliver(world, session())
    world.server.add_user("ann", "annspassword", libraries=[1])
    world.clock.now += 5

    findings = world.target(USERNAME="ann", PASSWORD="annspassword").audit(session().book, [session()])

    assert [finding.what for finding in findings] == ["missing"]


def test_all_pages_are_compared(open_world: OpenWorld) -> None:
    world = open_world("custom")
    items = [session(minute=5 * number) for number in range(250)]
    target = world.target()
    for first in range(0, 250, 50):
        target.deliver_batch(items[first : first + 50])

    assert audit(world, *items, session(minute=-10)) == audit(world, session(minute=-10))
    assert world.asked("/api/v1/reading-sessions/book", "GET") == 2 * 3


@pytest.mark.parametrize("match", ["999", None])
def test_book_that_the_server_lacks_is_unmatched(world: World, match: str | None) -> None:
    with pytest.raises(BookUnmatched):
        world.target().audit(session().matched(match).book, [session()])


@pytest.mark.parametrize("fault", ["status:503", "html_200", "close_before", "half_body"])
def test_server_that_cannot_be_read_is_unavailable(stock: World, fault: str) -> None:
    stock.target().check()
    stock.server.fail(fault, LOOK)

    with pytest.raises(TargetUnavailable):
        audit(stock, session())


def post_before_looks(world: World, looks: set[int]) -> None:
    """Has a naive client post a session just before these looks at the list, counted from 1."""
    seen: list[Record] = []

    def post(record: Record) -> None:
        if record.path.startswith("/api/v1/reading-sessions/book"):
            seen.append(record)
            if len(seen) in looks:
                start = moment(session().occurred_at.timestamp() + 10_000_000 * len(seen))
                naive_client(world, startTime=start, endTime=start)

    world.server.on_request = post


@pytest.fixture
def two_pages(open_world: OpenWorld) -> tuple[World, list[Item]]:
    """A server with 150 sessions of one book."""
    world = open_world("custom")
    items = [session(minute=5 * number) for number in range(150)]
    target = world.target()
    for first in (0, 50, 100):
        target.deliver_batch(items[first : first + 50])
    return world, items


def test_list_that_moves_while_it_is_read_is_read_anew(two_pages: tuple[World, list[Item]]) -> None:
    world, items = two_pages
    post_before_looks(world, {2})

    assert audit(world, *items) == []
    assert len(world.server.sessions) == 151


def test_session_is_held_when_the_list_does_not_hold_still(two_pages: tuple[World, list[Item]]) -> None:
    world, _ = two_pages
    post_before_looks(world, {2, 4})

    with pytest.raises(ItemFailed, match="hold still"):
        world.target().find(session(minute=-100))

    assert len(world.server.sessions) == 152
