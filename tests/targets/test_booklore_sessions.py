"""Reading sessions as the server gets them, singly and in batches, and what its refusals mean."""

import pytest
from booklore_world import FRESH, OpenWorld, World, session

from booklore_core import (
    Before,
    BookRef,
    BookUnmatched,
    Declined,
    Item,
    ItemFailed,
    ItemRejected,
    TargetUnavailable,
)
from booklore_core.testing import small_epub
from booklore_targets.booklore.session_body import session_body

POST = "POST /api/v1/reading-sessions"


def deliver_connected(world: World, fault: str, item: Item | None = None) -> Declined:
    """What a delivery raises when the fault happens to the sending itself."""
    target = world.target()
    target.check()
    world.server.fail(fault, POST)
    with pytest.raises(Declined) as refusal:
        target.deliver(item or session(), FRESH)
    return refusal.value


def test_session_arrives_with_all_it_says(world: World) -> None:
    remote_id = world.target().deliver(session(), FRESH)

    row = world.server.sessions[0]
    assert remote_id == "1:2026-02-22T14:00:00Z"
    assert {name: row[name] for name in ("bookId", "bookType", "startTime", "endTime", "durationSeconds")} == {
        "bookId": 1,
        "bookType": "EPUB",
        "startTime": "2026-02-22T14:00:00Z",
        "endTime": "2026-02-22T14:05:00Z",
        "durationSeconds": 300,
    }
    assert (row["startProgress"], row["endProgress"], row["progressDelta"]) == (10.0, 12.5, 2.5)
    assert (row["startLocation"], row["endLocation"], row["durationFormatted"]) == ("12", "15", "5m")


@pytest.mark.parametrize(
    ("decimals", "start", "end", "delta"),
    [(0, 33.0, 67.0, 34.0), (1, 33.3, 66.7, 33.4), (2, 33.33, 66.67, 33.34), (5, 33.33333, 66.66667, 33.33334)],
)
def test_delta_fits_the_rounded_percentages(decimals: int, start: float, end: float, delta: float) -> None:
    body = session_body(session(start_percent=1 / 3, end_percent=2 / 3), decimals)

    assert (body["startProgress"], body["endProgress"], body["progressDelta"]) == (start, end, delta)


@pytest.mark.parametrize(("fraction", "sent"), [(0.12345, 12.35), (0.00005, 0.01), (0.285, 28.5), (1, 100.0), (0, 0.0)])
def test_percentages_are_rounded_half_up(fraction: float, sent: float) -> None:
    assert session_body(session(start_percent=fraction), 2)["startProgress"] == sent


def test_decimals_are_the_readers_choice_when_sending(open_world: OpenWorld) -> None:
    world = open_world()

    world.target(SESSIONS__DECIMALS="0").deliver(session(start_percent=0.125), FRESH)

    assert world.server.sessions[0]["startProgress"] == 13.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (9, "9s"), (60, "1m"), (3600, "1h"), (3909, "1h 5m 9s"), (86_400, "24h")]
)
def test_duration_is_told_in_words(seconds: int, text: str) -> None:
    assert session_body(session(duration=seconds), 2)["durationFormatted"] == text


@pytest.mark.parametrize(
    ("page", "position", "sent"),
    [(7, "/body", "7"), (None, "/body", "/body"), (None, None, None), (None, "x" * 501, None), (0, None, "0")],
)
def test_location_is_the_page_where_it_is_known(page: int | None, position: str | None, sent: str | None) -> None:
    assert session_body(session(start_page=page, start_position=position), 2)["startLocation"] == sent


def test_unknown_progress_stays_unknown(stock: World) -> None:
    stock.target().deliver(session(start_percent=None), FRESH)

    row = stock.server.sessions[0]
    assert (row["startProgress"], row["endProgress"], row["progressDelta"]) == (None, 12.5, None)


@pytest.mark.parametrize(
    ("suffix", "sent"),
    [
        ("epub", "EPUB"),
        ("pdf", "PDF"),
        ("cbz", "CBX"),
        ("cbr", "CBX"),
        ("azw", "AZW3"),
        ("mobi", "MOBI"),
        ("FB2", "FB2"),
    ],
)
def test_book_type_is_that_of_the_devices_file(open_world: OpenWorld, suffix: str, sent: str) -> None:
    world = open_world()

    world.target().deliver(session(format=suffix), FRESH)

    assert world.server.sessions[0]["bookType"] == sent


@pytest.mark.parametrize("suffix", [None, "djvu", "txt"])
def test_book_type_is_the_servers_own_where_the_device_has_none_it_knows(world: World, suffix: str | None) -> None:
    target, comic = world.target(), world.server.books[4]

    for minute in (0, 10):
        target.deliver(session(comic, minute, format=suffix), FRESH)

    assert [row["bookType"] for row in world.server.sessions] == ["CBX", "CBX"]
    assert world.asked("/api/v1/books/4") == 1


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"end": "2026-02-22T13:59:59Z"}, "before the start"),
        ({"duration": -1}, "duration"),
        ({"duration": 86_401}, "duration"),
        ({"duration": None}, "duration"),
        ({"start": "2026-02-22 14:00"}, "start"),
        ({"end": None}, "end"),
        ({"end_percent": 12.5}, "end_percent"),
    ],
)
def test_what_no_reading_can_be_is_rejected_before_it_is_sent(
    stock: World, changed: dict[str, object], text: str
) -> None:
    with pytest.raises(ItemRejected, match=text):
        stock.target().deliver(session(**changed), FRESH)

    assert not stock.server.sessions


def test_unmatched_book_waits(stock: World) -> None:
    item = session().matched(None)

    with pytest.raises(BookUnmatched):
        stock.target().deliver(item, FRESH)


def test_unknown_book_waits_for_another_match(world: World) -> None:
    with pytest.raises(BookUnmatched, match="Book not found with ID: 999"):
        world.target().deliver(session().matched("999"), FRESH)


def test_book_without_access_waits_for_another_match(open_world: OpenWorld) -> None:
    world = open_world("custom")
    world.server.add_user("ann", "annspassword")

    with pytest.raises(BookUnmatched, match="not authorized"):
        world.target(USERNAME="ann", PASSWORD="annspassword").deliver(session(), FRESH)


@pytest.mark.parametrize(
    ("fault", "kind", "maybe_sent"),
    [
        ("status:400", ItemRejected, False),
        ("status:409", ItemFailed, False),
        ("status:500", ItemFailed, True),
        ("commit_then_500", ItemFailed, True),
        ("status:429", TargetUnavailable, False),
        ("status:503", TargetUnavailable, True),
        ("status:502_html", TargetUnavailable, True),
        ("html_200", TargetUnavailable, True),
        ("close_before", TargetUnavailable, True),
        ("close_after", TargetUnavailable, True),
        ("half_body", TargetUnavailable, True),
    ],
)
def test_each_failure_has_its_meaning(
    open_world: OpenWorld, fault: str, kind: type[Declined], maybe_sent: bool
) -> None:
    refusal = deliver_connected(open_world(), fault)

    assert (type(refusal), refusal.maybe_sent) == (kind, maybe_sent)


def test_rejection_tells_what_the_server_complains_about(open_world: OpenWorld) -> None:
    refusal = deliver_connected(open_world(), "status:400")

    assert refusal.reason.startswith("the server answers 400:")


def test_sessions_of_a_book_go_in_one_request_where_that_is_possible(open_world: OpenWorld) -> None:
    world = open_world("custom")
    target = world.target()
    target.match([BookRef("0" * 32, "Dune")])

    ids = target.deliver_batch([session(minute=10 * number) for number in range(target.batch_size)])

    assert target.batch_size == len(ids) == len(world.server.sessions) == 100
    assert ids[1] == "1:2026-02-22T14:10:00Z"
    assert world.asked("/api/v1/reading-sessions", "POST") == 2  # the probe and the batch


@pytest.mark.parametrize("dialect", ["booklore", "grimmory"])
def test_stock_server_is_given_one_session_at_a_time(world: World) -> None:
    target = world.target()
    target.match([BookRef("0" * 32, "Dune")])

    assert target.batch_size == 1
    with pytest.raises(ItemFailed) as refusal:
        target.deliver_batch([session(), session(minute=10)])
    assert not refusal.value.maybe_sent
    assert not world.server.sessions


@pytest.mark.parametrize(
    ("fault", "kind", "maybe_sent"),
    [
        ("status:400", ItemFailed, False),
        ("status:404", ItemFailed, False),
        ("status:429", TargetUnavailable, False),
        ("status:500", ItemFailed, True),
        ("status:503", TargetUnavailable, True),
        ("html_200", TargetUnavailable, True),
        ("close_after", TargetUnavailable, True),
    ],
)
def test_batch_that_fails_says_whether_it_may_have_arrived(
    open_world: OpenWorld, fault: str, kind: type[Declined], maybe_sent: bool
) -> None:
    world = open_world("custom")
    target = world.target()
    target.check()
    world.server.fail(fault, f"{POST}/batch")

    with pytest.raises(Declined) as refusal:
        target.deliver_batch([session(), session(minute=10)])

    assert (type(refusal.value), refusal.value.maybe_sent) == (kind, maybe_sent)


@pytest.mark.parametrize("bad", [{"end": "2026-02-22T14:10:00Z"}, {"duration": -5}])
def test_batch_with_a_session_that_would_spoil_it_is_not_sent(open_world: OpenWorld, bad: dict[str, object]) -> None:
    world = open_world("custom")

    with pytest.raises(Declined) as refusal:
        world.target().deliver_batch([session(), session(minute=10, **bad)])

    assert not refusal.value.maybe_sent
    assert not world.server.sessions


def test_batch_for_an_unknown_book_is_unmatched(open_world: OpenWorld) -> None:
    with pytest.raises(BookUnmatched):
        open_world("custom").target().deliver_batch([session().matched("999"), session(minute=10).matched("999")])


def test_image_that_has_lost_its_batches_is_probed_again(open_world: OpenWorld) -> None:
    world = open_world("custom")
    target = world.target()
    target.check()
    world.server.fail("status:404", f"{POST}/batch")

    with pytest.raises(ItemFailed):
        target.deliver_batch([session(), session(minute=10)])

    assert target.batch_size == 1


def test_revision_of_a_session_that_was_sent_is_not_sent_again(world: World) -> None:
    target = world.target()
    remote_id = target.deliver(session(), FRESH)

    again = target.deliver(session(duration=250), Before(remote_id=remote_id))

    assert again == remote_id
    assert len(world.server.sessions) == 1


def test_other_kinds_are_not_taken(open_world: OpenWorld) -> None:
    world = open_world()
    item = Item("rating", "dune", BookRef("0" * 32, match="1"), {"stars": 4}, session().occurred_at)

    with pytest.raises(ItemRejected):
        world.target().deliver(item, FRESH)


def test_unicode_book_is_no_obstacle(stock: World) -> None:
    book = stock.server.add_book(small_epub("本"), "本.epub", "本 📚", ["Désirée"])

    stock.target().deliver(session(book, start_page=None, start_position="/body/本"), FRESH)

    assert stock.server.sessions[0]["startLocation"] == "/body/本"
