"""What a reader writes about a book arrives at a BookOrbit, which takes a change only from a later day than its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from orbit_world import OrbitWorld, asked, item, orbit_world

from booklore_core import TOMBSTONE, Item, Request
from booklore_core.actions import start
from booklore_core.testing import MORNING, answer_all

GOOD, BETTER = "A desert, and people in it.", "A desert, and what it makes of people."


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        yield world


def close(world: OrbitWorld, review: str | None) -> None:
    """The book is closed and has this review then; and a sync."""
    world.reader.review = review
    world.reader.open(world.book())
    world.reader.turn(2)
    world.reader.close()
    world.reader.sleep(3600)
    world.take()
    world.sync()


def review(world: OrbitWorld, text: str | None, hours: int = 0, how: str = "given") -> Item:
    body: Any = {"text": text, "how": how}
    one = item(world, "review", body, MORNING + timedelta(hours=hours))
    return one if text else Item(one.kind, one.key, one.book, TOMBSTONE, one.occurred_at)


def there(world: OrbitWorld) -> Any:
    return world.server.readings.get(1, {}).get("review")


def write_on_the_web(world: OrbitWorld, text: str | None, days_ago: int = 0) -> None:
    row = world.server.state.state_of(world.server.state.users[0], world.books[0])
    row.update(review=text, reviewAt=world.clock.seconds - 86400 * days_ago)


def test_a_review_is_written_edited_and_taken_away_on_one_day(world: OrbitWorld) -> None:
    held = []
    for text in ("", GOOD, BETTER, "", GOOD):
        close(world, text)
        held.append(there(world))

    assert held == [None, GOOD, BETTER, None, GOOD]
    assert world.waiting() == []


def test_what_is_there_is_not_sent_again(world: OrbitWorld) -> None:
    close(world, GOOD)
    told = len(asked(world, "/book-states"))

    close(world, GOOD)

    assert len(asked(world, "/book-states")) == told


def test_one_whose_answer_was_lost_is_there_once_it_was_edited(world: OrbitWorld) -> None:
    world.server.fail("close_after", "POST /api/v1/koreader/plugin/book-states")
    world.send(review(world, GOOD))
    world.send(review(world, BETTER, hours=1))
    for _ in range(2):
        world.clock.forward(700)
        world.sync()

    assert (there(world), world.waiting()) == (BETTER, [])


def test_an_earlier_one_that_comes_late_does_not_stay(world: OrbitWorld) -> None:
    world.send(review(world, "The first word."))
    world.server.fail("late:300", "POST /api/v1/koreader/plugin/book-states", after=1)
    world.send(review(world, GOOD, hours=1))
    world.send(review(world, BETTER, hours=2))
    for _ in range(3):
        world.clock.forward(700)
        world.sync()

    assert (there(world), world.waiting()) == (BETTER, [])


def test_one_that_somebody_has_written_on_the_web_as_late_stays(world: OrbitWorld) -> None:
    write_on_the_web(world, "Written at a desk.")

    world.send(review(world, GOOD))

    assert there(world) == "Written at a desk."
    assert "another review" in world.waiting()[0]["reason"]


def test_one_that_was_taken_away_on_the_web_as_late_stays_away(world: OrbitWorld) -> None:
    world.send(review(world, GOOD))
    write_on_the_web(world, None)

    world.send(review(world, BETTER, hours=1))

    assert there(world) is None


def test_one_that_is_changed_on_a_later_day_takes_its_place(world: OrbitWorld) -> None:
    write_on_the_web(world, "Written at a desk.", days_ago=8)

    world.send(review(world, GOOD))

    assert (there(world), world.waiting()) == (GOOD, [])


def test_one_of_unknown_age_takes_the_place_of_none(world: OrbitWorld) -> None:
    write_on_the_web(world, "Written at a desk.", days_ago=8)

    world.send(review(world, GOOD, how="found"))

    assert there(world) == "Written at a desk."
    assert "another review" in world.waiting()[0]["reason"]


def test_blanks_around_it_make_no_other_review(world: OrbitWorld) -> None:
    write_on_the_web(world, GOOD)

    world.send(review(world, f"{GOOD}\n", hours=1, how="found"))

    assert world.waiting() == []


def test_what_the_database_does_not_take_is_left_out_and_what_is_too_long_is_cut(world: OrbitWorld) -> None:
    world.send(review(world, "A\0 desert. 𝄞" + "x" * 20_000))

    assert there(world) == ("A desert. 𝄞" + "x" * 20_000)[:10_000]
    assert world.waiting() == []


def test_verify_says_that_it_is_not_there(world: OrbitWorld) -> None:
    close(world, GOOD)
    first = answer_all(start(world.core, "verify", Request()), [])
    write_on_the_web(world, None)

    second = answer_all(start(world.core, "verify", Request()), [])

    assert first.ok
    assert [one["kind"] for one in second.data["missing"]] == ["review"]


def test_a_review_leaves_stars_and_status_alone(world: OrbitWorld) -> None:
    world.reader.stars, world.reader.status = 4, "complete"
    close(world, GOOD)
    close(world, BETTER)

    reading = world.server.readings[1]
    assert (reading["rating"], reading["status"], reading["review"]) == (4, "read", BETTER)
