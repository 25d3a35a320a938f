"""The ways in which a BookOrbit silently loses or doubles what a reader did, in the order of its contract's §13: each
does not happen."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from orbit_world import PLACE, OrbitWorld, asked, dog_ear, highlight, item, orbit_world, read

from booklore_core import TOMBSTONE, BookRef, Item
from booklore_core.testing import MORNING, SampleReader
from booklore_targets.bookorbit.orbit_devices import OrbitDevices
from booklore_targets.bookorbit.page_events import MOST_EVENTS, encoded, events_of

EXCHANGES = ("/annotations/exchange", "/bookmarks/exchange")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def test_1_no_device_that_holds_marks_says_that_its_keys_are_all(world: OrbitWorld) -> None:
    many = [highlight(number, MORNING + timedelta(minutes=number)) for number in range(1, 9)]
    ears = [dog_ear(number, MORNING + timedelta(minutes=number)) for number in range(1, 9)]
    read(world, [*many, *ears])
    read(world, [*many[1:], *ears[1:]])

    assert (len(world.server.annotations), len(world.server.bookmarks)) == (7, 7)
    told = asked(world, *EXCHANGES)
    holding = {one["deviceId"] for one in told if any(len(book["changes"]) > 1 for book in one["books"])}
    emptied = {one["deviceId"] for one in told if any(book["keysComplete"] for book in one["books"])}
    assert holding and emptied and not holding & emptied


def test_1_what_was_restored_on_the_web_survives_the_next_removal(world: OrbitWorld) -> None:
    first, second = highlight(1), highlight(2, MORNING + timedelta(minutes=1))
    read(world, [first, second])
    read(world, [second])
    [row] = [one for one in world.server.state.annotations if one["is_deleted"]]
    row["is_deleted"] = False
    for link in row["links"].values():
        link["gone"] = False

    read(world, [])

    assert [one["id"] for one in world.server.annotations] == [row["id"]]


def test_2_the_names_of_devices_differ_in_their_first_eight_characters(world: OrbitWorld) -> None:
    devices = [SampleReader(f"bookloresync-{name}") for name in ("one", "two", "three")]
    for device in devices:
        read(world, [], reader=device)

    names = {one["deviceId"] for one in asked(world, "/page-stats")}
    assert len({name[:8] for name in names}) == 3
    assert sum(one["durationSeconds"] for one in world.server.sessions) == 3 * 600


def test_2_a_name_that_begins_as_another_is_made_anew() -> None:
    kept: dict[str, Any] = {}

    class Kept:
        def get(self, key: str, default: Any = None) -> Any:
            return kept.get(key, default)

        def set(self, key: str, value: Any) -> None:
            kept[key] = value

    devices = OrbitDevices(Kept())  # type: ignore[arg-type]
    one = devices.id_of("kobo")
    kept["devices"] = {"strange": one}

    assert devices.id_of("kobo")[:8] != one[:8]
    assert devices.id_of("kobo") == devices.id_of("kobo")


def test_3_requests_go_one_after_the_other(world: OrbitWorld) -> None:
    inside: list[int] = []
    most: list[int] = []

    def note(record: Any) -> None:
        inside.append(1)
        most.append(len(inside) - len(world.server.requests))

    world.server.on_request = note
    read(world, [highlight(1), dog_ear(2)])

    assert max(most) == 1


def test_5_places_of_the_newest_crengine_are_written_as_the_server_reads_them(world: OrbitWorld) -> None:
    newest = "/body[1]/DocFragment[1]/body[1]/p[{}]/text()[1].{}"
    places = {"pos0": newest.format(1, 0), "pos1": newest.format(1, 4), "page": newest.format(1, 0)}
    read(world, [highlight(1, **places), dog_ear(2, page=newest.format(2, 0))])
    world.send(item(world, "progress", {"device_id": "kobo-7f3a", "percent": 0.5, "position": newest.format(3, 7)}))

    assert [one["positionStatus"] for one in world.server.annotations] == ["exact"]
    assert len(world.server.bookmarks) == 1
    assert world.server.readings[1]["cfi"] is not None


@pytest.mark.parametrize("stars", [[4, 2], [4, 2, 4], [3, None], [5, 1, 3, 2]])
def test_7_stars_that_change_twice_on_a_day_arrive(world: OrbitWorld, stars: list[int | None]) -> None:
    for hour, given in enumerate(stars):
        rating = item(world, "rating", {"rating": given and 2 * given, "stars": given}, MORNING + timedelta(hours=hour))
        world.send(rating)

    assert world.server.readings[1]["rating"] == stars[-1]
    assert world.waiting() == []


def test_7_a_status_that_changes_twice_on_a_day_arrives(world: OrbitWorld) -> None:
    for hour, status in enumerate(("reading", "complete", "abandoned")):
        world.send(item(world, "status", {"status": status}, MORNING + timedelta(hours=hour)))

    assert world.server.readings[1]["status"] == "abandoned"


def test_7_stars_that_somebody_gave_on_the_web_stay(world: OrbitWorld) -> None:
    world.server.state.state_of(world.server.state.users[0], world.books[0]).update(
        rating=5, ratingAt=world.clock.seconds
    )

    world.send(item(world, "rating", {"rating": 4, "stars": 2}))

    assert world.server.readings[1]["rating"] == 5
    assert "rated 5 there" in world.waiting()[0]["reason"]


def test_7_stars_of_unknown_age_fill_an_empty_rating_and_take_the_place_of_none(world: OrbitWorld) -> None:
    world.send(item(world, "rating", {"rating": 4, "stars": 2, "how": "found"}))
    first = world.server.readings[1]["rating"]
    other = world.server.state.state_of(world.server.state.users[0], world.books[1])
    other.update(rating=5, ratingAt=world.clock.seconds - 30 * 86400)

    book = world.books[1]
    about = BookRef(book.md5, book.title, tuple(book.authors), size=book.size)
    world.send(Item("rating", book.md5, about, {"device": "kobo", "rating": 4, "stars": 2, "how": "found"}, MORNING))

    assert (first, world.server.readings[2]["rating"]) == (2, 5)
    assert "rated 5 there, which may have been given since" in world.waiting()[0]["reason"]


def test_9_a_session_is_encoded_the_same_for_ever(world: OrbitWorld) -> None:
    body = {"start": "2026-11-20T08:00:00Z", "end": "2026-11-20T09:30:00Z", "duration": 1200, "turns": 20}
    body |= {"start_percent": 0.1, "end_percent": 0.4}
    session = item(world, "session", body, key="one")
    world.server.fail("close_after", "POST /api/v1/koreader/plugin/page-stats")
    world.send(session)
    world.send(replace_body(session, duration=1500, end_percent=0.5))
    world.send(replace_body(session, duration=1800, end_percent=0.6))

    [held] = world.server.sessions
    told = (held["startedAt"], held["endedAt"], held["durationSeconds"], held["endProgress"], held["progressDelta"])
    assert told == ("2026-11-20T08:00:00.000Z", "2026-11-20T09:30:00.000Z", 1200, 40, 30)
    assert world.core.pending() == {}


def test_9_what_lies_between_sessions_that_come_late_stays_and_is_counted_once(world: OrbitWorld) -> None:
    def session(hour: int) -> Item:
        start = MORNING + timedelta(hours=hour)
        body = {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{start + timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}"}
        return item(world, "session", {**body, "duration": 600, "end_percent": 0.1 * hour}, start, f"{hour}")

    world.send(session(4), session(6))
    world.send(session(1), session(5), session(9))

    assert [one["durationSeconds"] for one in world.server.sessions] == [600] * 5
    assert world.waiting() == []


def replace_body(one: Item, **changed: Any) -> Item:
    later = one.occurred_at + timedelta(minutes=changed["duration"])
    return Item(one.kind, one.key, one.book, {**one.body, **changed}, later)


@pytest.mark.parametrize("minutes", [1, 20, 31, 120, 600])
def test_9_however_long_a_reader_was_idle_a_session_is_one(world: OrbitWorld, minutes: int) -> None:
    end = MORNING + timedelta(minutes=minutes)
    body = {"start": f"{MORNING:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}", "duration": 55}
    session = item(world, "session", {**body, "start_percent": None, "end_percent": 0.2}, key="one")
    world.send(session)

    [held] = world.server.sessions
    assert (held["durationSeconds"], held["endProgress"]) == (55, 20)
    assert held["endedAt"] == f"{end:%Y-%m-%dT%H:%M:%S.000Z}"
    assert len(events_of(encoded(session))) < MOST_EVENTS


def test_10_a_device_is_announced_before_its_first_place(world: OrbitWorld) -> None:
    read(world, [])

    paths = [one.path.rpartition("/")[2] for one in world.server.requests if one.method in ("PUT", "POST")]
    assert paths.index("sweeps") < paths.index("progress")


def test_13_a_place_of_before_does_not_win(world: OrbitWorld) -> None:
    def at(percent: float, minute: int) -> Item:
        body = {"device_id": "kobo-7f3a", "device": "Kobo", "percent": percent, "position": PLACE.format(1, minute)}
        return item(world, "progress", body, MORNING + timedelta(minutes=minute))

    world.send(at(0.6, 5))
    world.server.state.places[1, 1]["boox", "boox"] = {
        "percent": 80, "place": PLACE.format(9, 0), "device": "boox", "device_id": "boox",
        "timestamp": int((MORNING + timedelta(hours=2)).timestamp()), "written": 10**6,
    }  # fmt: skip
    world.send(at(0.3, 30))

    assert world.server.readings[1]["percent"] == 60
    assert asked(world, "/syncs/progress")[-1]["percentage"] == 0.6


def test_13_a_place_that_is_not_told_erases_none_and_nothing_is_never_told(world: OrbitWorld) -> None:
    def at(percent: float, position: str | None, minute: int) -> Item:
        body = {"device_id": "kobo-7f3a", "device": "Kobo", "percent": percent, "position": position}
        return item(world, "progress", body, MORNING + timedelta(minutes=minute))

    world.send(at(0.5, PLACE.format(1, 3), 1))
    world.send(at(0.6, None, 2))
    world.send(at(0.0, PLACE.format(1, 0), 3))

    assert (world.server.readings[1]["percent"], world.server.readings[1]["place"]) == (60, PLACE.format(1, 3))


def test_14_digests_are_told_in_lower_case(world: OrbitWorld) -> None:
    read(world, [highlight(1)])

    told = [one.body.decode() + one.path for one in world.server.requests]
    assert all(world.books[0].md5.upper() not in one for one in told)


def test_15_one_that_is_refused_costs_the_others_nothing(world: OrbitWorld) -> None:
    body = {"duration": 600, "start_percent": 0.1, "end_percent": 0.2, "turns": 9}
    times = {"one": ("08:00", "08:10"), "none": ("09:00", "09:00"), "two": ("10:00", "10:10")}
    hours = {key: [f"2026-11-20T{one}:00Z" for one in of] for key, of in times.items()}
    told = [{**body, "start": start, "end": end} for start, end in hours.values()]
    world.send(*(item(world, "session", one, key=key) for key, one in zip(hours, told, strict=True)))

    assert [one["durationSeconds"] for one in world.server.sessions] == [600, 600]
    assert [one["state"] for one in world.waiting()] == ["rejected"]


def test_15_one_that_is_refused_sends_the_others_together(world: OrbitWorld) -> None:
    times = [MORNING + timedelta(hours=number) for number in range(250)]
    body = {"duration": 600, "start_percent": 0.1, "end_percent": 0.2, "turns": 9}
    ends = [at + timedelta(minutes=0 if number == 77 else 10) for number, at in enumerate(times)]
    told = [{**body, "start": f"{at:%FT%TZ}", "end": f"{end:%FT%TZ}"} for at, end in zip(times, ends, strict=True)]
    world.send(*(item(world, "session", one, key=str(number)) for number, one in enumerate(told)))

    assert len(world.server.sessions) == 249
    assert [one["state"] for one in world.waiting()] == ["rejected"]
    assert world.asked("/plugin/page-stats") <= 10


def test_15_long_texts_are_cut_and_arrive(world: OrbitWorld) -> None:
    read(
        world,
        [highlight(1, note="n" * 9_000, text="Dune", chapter="c" * 900, color="c" * 40), dog_ear(2, note="x" * 900)],
    )

    assert [len(one["note"]) for one in world.server.annotations] == [5_000]
    assert [len(one["title"]) for one in world.server.bookmarks] == [500]


def test_16_a_session_of_seconds_is_there_once_more_is_read(world: OrbitWorld) -> None:
    body = {"duration": 6, "start_percent": 0.1, "end_percent": 0.1, "turns": 1}
    times = [("2026-11-20T08:00:00Z", "2026-11-20T08:00:06Z"), ("2026-11-20T08:01:00Z", "2026-11-20T08:01:06Z")]
    for key, (start, end) in enumerate(times):
        world.send(item(world, "session", {**body, "start": start, "end": end}, key=str(key)))

    assert [one["durationSeconds"] for one in world.server.sessions] == [12]


def test_a_book_that_is_deleted_on_the_device_stays_there(world: OrbitWorld) -> None:
    world.send(item(world, "deletion", {"file": "/mnt/onboard/dune.epub", "policy": "delete", "shelf": "KOReader"}))

    assert world.core.pending() == {}
    assert "no way for a device" in world.waiting()[0]["reason"]
    assert all(one.method != "DELETE" for one in world.server.requests)


def test_what_was_never_sent_is_not_removed(world: OrbitWorld) -> None:
    about = item(world, "annotation", {}, key="unknown")
    world.send(Item(about.kind, about.key, about.book, TOMBSTONE, about.occurred_at))

    assert world.server.state.annotations == []
    assert asked(world, *EXCHANGES) == []


def test_13_a_book_that_is_laid_aside_is_neither_taken_up_nor_read_again_by_a_look_into_it(world: OrbitWorld) -> None:
    def at(percent: float, hour: int, **more: Any) -> Item:
        body = {"device_id": "kobo-7f3a", "device": "Kobo", "percent": percent, "position": PLACE.format(1, hour)}
        return item(world, "progress", {**body, **more}, MORNING + timedelta(hours=hour))

    world.send(at(0.6, 1))
    world.send(item(world, "status", {"status": "abandoned"}, MORNING + timedelta(hours=2)))
    world.send(at(0.58, 3, is_laid_aside=True))
    assert (world.server.readings[1]["status"], world.server.readings[1]["percent"]) == ("abandoned", 58)

    world.send(item(world, "status", {"status": "complete"}, MORNING + timedelta(hours=4)))
    world.send(at(0.1, 5, is_laid_aside=True))
    assert (world.server.readings[1]["status"], world.server.readings[1]["percent"]) == ("read", 58)
    assert world.core.pending() == {}


def test_15_more_than_a_request_may_hold_goes_in_several(world: OrbitWorld) -> None:
    """Each sign of such a note takes twelve bytes."""
    many = [
        highlight(1 + number, MORNING + timedelta(minutes=number), note="\N{OPEN BOOK}" * 5000) for number in range(30)
    ]
    read(world, many)

    assert len(world.server.annotations) == 30
    assert all(len(one.body) < 1024 * 1024 and one.status in (200, 201) for one in world.server.requests)


def test_15_what_is_answered_with_500_for_ever_holds_up_nothing_else_and_is_asked_once_a_sync(
    world: OrbitWorld,
) -> None:
    """BookOrbit answers so to what its database does not take, and says nothing that tells it from an outage."""
    world.server.fail("status:500", "POST /api/v1/koreader/plugin/page-stats", times=None)
    read(world, [highlight(1), dog_ear(2)])
    for _ in range(3):
        asked_before = world.asked("/plugin/page-stats")
        world.clock.forward(86400)
        world.sync()
        assert world.asked("/plugin/page-stats") - asked_before <= 1

    assert (len(world.server.annotations), len(world.server.bookmarks)) == (1, 1)
    assert world.server.readings[1]["percent"] > 0
    assert [(one["state"], "500" in one["reason"]) for one in world.waiting()] == [("unconfirmed", True)]


def test_16_a_highlight_that_the_server_finds_no_place_for_is_kept_and_sent_once(world: OrbitWorld) -> None:
    """Its answer is that of any other; only a browser shows that it is not in the text."""
    nowhere = "/body/DocFragment[77]/body/p[1]/text().{}"
    read(world, [highlight(1, pos0=nowhere.format(0), pos1=nowhere.format(4), page=nowhere.format(0))])
    world.clock.forward(700)
    world.sync()

    assert len(world.server.annotations) == 1
    told = [book["changes"] for one in asked(world, "/annotations/exchange") for book in one["books"]]
    assert [len(one) for one in told if one] == [1]
    assert world.waiting() == []
