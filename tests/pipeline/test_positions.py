"""Whose position is newer: what a target knows again, and what it overwrites."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from booklore_core import BookRef, Item, Position, Pushed, RemotePosition, Superseded, is_news, is_same_place
from booklore_core.pipeline.positions import MOST_PUSHED
from booklore_core.testing import MORNING

DUNE = BookRef("d" * 32, "Dune")
HOUR = timedelta(hours=1)
NAN = float("nan")


def here(percent: float = 0.4, position: str | None = "here", at: float = 0, **more: Any) -> Item:
    """Where the Libra's reader is, so many hours after the morning."""
    told = Position(percent, position, "Libra", "kobo", **more)
    return Item("progress", "dune:kobo", DUNE, told.as_body(), MORNING + at * HOUR)


def there(percent: float | None, position: str | None = "there", at: float | None = 0, **more: Any) -> RemotePosition:
    """Where the remote says that its reader is."""
    return RemotePosition(percent, position, "BookLore", None if at is None else MORNING + at * HOUR, **more)


@pytest.fixture
def pushed(open_core: Any) -> Pushed:
    return Pushed(open_core().store("remote"))


@pytest.mark.parametrize("remote", [None, there(None), there(0.0), there(NAN), there(45.0), there(-0.1)])
def test_where_nobody_is_anything_is_news(remote: RemotePosition | None) -> None:
    assert is_news(here(), remote)


@pytest.mark.parametrize(
    "remote", [there(0.4, "here", 5), there(0.40009, "here"), there(0.4, None), there(0.4, "here")]
)
def test_the_same_place_is_no_news(remote: RemotePosition) -> None:
    assert not is_news(here(), remote)


def test_the_same_percent_in_another_place_is_news() -> None:
    assert is_news(here(at=1), there(0.4))


def test_a_book_that_is_begun_is_not_marked_as_unread() -> None:
    assert not is_news(here(0.0024), None)
    assert is_news(here(0.0025), None)


@pytest.mark.parametrize("percent", [0.95, 0.999, 1.0])
def test_a_book_that_is_read_stays_so_and_keeps_its_date(percent: float) -> None:
    assert not is_news(here(percent, at=3), there(0.995))
    assert not is_news(here(percent, at=3), there(1.0, device_id="kobo"))


def test_a_book_that_is_read_again_is_news() -> None:
    assert is_news(here(0.1, at=3), there(1.0, device_id="kobo"))


def test_an_older_remote_that_is_behind_is_overwritten() -> None:
    assert is_news(here(at=1), there(0.3))
    assert is_news(here(at=1), there(0.3, at=None))


@pytest.mark.parametrize(("percent", "at"), [(0.3, 2), (0.7, 2), (0.3, 24 * 365 * 50)])
def test_what_was_read_later_is_not_overwritten(percent: float, at: float) -> None:
    with pytest.raises(Superseded, match=r"BookLore is at .*, read later"):
        is_news(here(at=1), there(percent, at=at))


@pytest.mark.parametrize("at", [0, None])
def test_what_is_further_on_is_not_overwritten_before_the_reader_was_asked(at: float | None) -> None:
    with pytest.raises(Superseded, match=r"BookLore is at 70.0%, further on, and on Libra nobody has said"):
        is_news(here(at=1), there(0.7, at=at))


@pytest.mark.parametrize("remote", [there(0.7, at=9), there(0.7, None, at=9), there(0.6, at=0), there(0.5, at=None)])
def test_what_the_reader_did_not_want_to_follow_is_overwritten(remote: RemotePosition) -> None:
    declined = {"seen": (0.7, "there"), "seen_at": MORNING.timestamp()}

    assert is_news(here(at=1, **declined), remote)


@pytest.mark.parametrize(
    "remote", [there(0.8, at=0), there(0.8, at=None), there(0.6, at=2), there(0.7, "elsewhere", at=2)]
)
def test_what_came_after_that_is_not(remote: RemotePosition) -> None:
    declined = {"seen": (0.7, "there"), "seen_at": MORNING.timestamp()}

    with pytest.raises(Superseded):
        is_news(here(at=1, **declined), remote)


def test_a_device_goes_back_on_its_own() -> None:
    assert is_news(here(at=1), there(0.7, at=2, device_id="kobo"))


@pytest.mark.parametrize("remote", [there(0.3), there(0.7), there(0.7, device_id="kobo"), there(0.2, device_id="ipad")])
def test_opening_a_book_overwrites_nobody(remote: RemotePosition) -> None:
    with pytest.raises(Superseded, match="here the book was only opened"):
        is_news(here(at=5, is_opening=True), remote)


@pytest.mark.parametrize("remote", [None, there(0.3, device_id="kobo")])
def test_an_opening_further_on_than_the_device_itself_is_news(remote: RemotePosition | None) -> None:
    assert is_news(here(at=5, is_opening=True), remote)


def test_opening_a_book_does_not_overwrite_even_what_the_reader_did_not_want_to_follow() -> None:
    with pytest.raises(Superseded):
        is_news(here(is_opening=True, seen=(0.7, "there"), seen_at=MORNING.timestamp()), there(0.7))


def test_a_rating_marks_a_book_as_read_whoever_is_further_on() -> None:
    assert is_news(here(1.0, at=1, forced_from=0.4), there(0.7, at=2))
    assert not is_news(here(1.0, at=1, forced_from=0.4), there(1.0, at=2))


def test_a_book_that_a_rating_marked_stays_read_until_somebody_reads_on() -> None:
    marked = there(1.0, device_id="kobo", forced_from=0.4)

    assert not is_news(here(0.4, at=1), marked)
    assert is_news(here(0.41, at=1), marked)


def test_nobody_has_to_stay_before_the_end_that_a_rating_of_another_device_stands_for() -> None:
    assert is_news(here(0.2, at=3), there(1.0, at=2, device_id="ipad", forced_from=0.4))
    with pytest.raises(Superseded, match="read later"):
        is_news(here(0.2, at=1), there(1.0, at=2, device_id="ipad", forced_from=0.4))


def test_a_target_knows_its_own_push_again(pushed: Pushed) -> None:
    pushed.note(here(at=1), MORNING + 2 * HOUR)

    known = pushed.recognise(DUNE, there(0.39995, "here", at=2))

    assert (known.device, known.device_id, known.partial_md5) == ("Libra", "kobo", DUNE.partial_md5)
    assert known.at == MORNING + HOUR


@pytest.mark.parametrize("remote", [there(0.41, "here"), there(0.4, "elsewhere"), there(None, None), there(0.0)])
def test_anything_else_is_somebody_elses(pushed: Pushed, remote: RemotePosition) -> None:
    pushed.note(here(at=1), MORNING + 2 * HOUR)

    assert pushed.recognise(DUNE, remote) == remote


def test_an_earlier_push_may_turn_up_within_the_hour(pushed: Pushed) -> None:
    pushed.note(here(0.4, at=1), MORNING + HOUR)
    pushed.note(here(0.5, at=1), MORNING + 1.1 * HOUR)

    assert pushed.recognise(DUNE, there(0.4, "here", at=1.9)).device_id == "kobo"
    assert pushed.recognise(DUNE, there(0.4, "here", at=None)).device_id == "kobo"
    assert pushed.recognise(DUNE, there(0.4, "here", at=2.1)).device_id is None
    assert pushed.recognise(DUNE, there(0.5, "here", at=99)).device_id == "kobo"


def test_of_a_book_the_last_pushes_are_kept(pushed: Pushed) -> None:
    for number in range(MOST_PUSHED + 1):
        pushed.note(here(0.1 + number / 100, f"p{number}"), MORNING)

    assert pushed.recognise(DUNE, there(0.1, "p0", at=None)).device_id is None
    assert pushed.recognise(DUNE, there(0.11, "p1", at=None)).device_id == "kobo"


def test_files_that_a_target_takes_for_one_book_share_what_was_pushed(pushed: Pushed) -> None:
    epub, kepub = BookRef("a" * 32, match="42"), BookRef("b" * 32, match="42")
    pushed.note(Item("progress", "x", epub, here().body, MORNING), MORNING)

    assert pushed.recognise(kepub, there(0.4, "here")).partial_md5 == epub.partial_md5


def test_what_a_push_was_forced_from_is_known_again(pushed: Pushed) -> None:
    pushed.note(here(1.0, forced_from=0.4), MORNING)

    assert pushed.recognise(DUNE, there(1.0, "here")).forced_from == 0.4


def test_a_place_has_one_body() -> None:
    assert here().body == {"percent": 0.4, "position": "here", "device": "Libra", "device_id": "kobo"}
    declined = here(seen=(0.7, None), seen_at=5.0, is_opening=True, forced_from=0.0)
    assert Position.of(declined).as_body() == {**declined.body, "seen": (0.7, None)}


def test_a_place_that_is_not_known_is_none() -> None:
    assert not is_same_place(None, "here", None, "here")
    assert not is_same_place(0.4, "here", None, "here")
    assert not is_same_place(NAN, "here", NAN, "here")


def test_a_remote_position_without_zone_is_taken_as_utc() -> None:
    assert RemotePosition(0.4, at=MORNING.replace(tzinfo=None)).at == MORNING
