"""One book on several devices, in several files, at several targets."""

from __future__ import annotations

from typing import Any

import pytest
from progress_world import DUNE, HOUR, MD5, MORNING, PATIENT, Household, goes, opened, read, stays

from booklore_core import Match, RemotePosition, TargetUnavailable
from booklore_core.testing import FakeRemote, sample_book

KEPUB = sample_book("Dune, the kepub", pages=100)


class Library(FakeRemote):
    """Takes all files for one book."""

    def match(self, books: Any) -> dict[str, Match]:
        return {book.partial_md5: Match("42", "digest") for book in books}


@pytest.fixture
def remotes(clock: Any) -> list[FakeRemote]:
    return [FakeRemote(clock)]


@pytest.fixture
def home(open_core: Any, serve: Any, remotes: list[FakeRemote]) -> Household:
    core = open_core(*remotes, plugins=("progress",))
    core.settings.set("sync.manual_only", True)
    return Household(core, serve(core, **PATIENT), remotes[0])


def test_two_devices_take_turns_and_each_question_is_asked_once(home: Household) -> None:
    kobo, boox = home.device("kobo"), home.device("boox")
    read(kobo, pages=20)
    home.core.sync()
    asked = []

    for reader, other in [(boox, kobo), (kobo, boox)] * 4:
        reader.reader.now = max(reader.reader.now, other.reader.now)
        asked.append(opened(reader))
        goes(reader, asked[-1])
        reader.reader.turn(5)
        reader.hand_off(reader.reader.close())
        home.core.sync()

    assert [len(effects) for effects in asked] == [1] * 8
    assert home.pushed == [0.21, *(round(0.21 + 0.05 * turn, 2) for turn in range(1, 9))]


def test_a_device_that_knows_of_the_others_needs_no_server_for_it(home: Household) -> None:
    kobo, boox = home.device("kobo"), home.device("boox")
    read(kobo, pages=20)
    home.remote.fails_with = TargetUnavailable("asleep")

    (asked,) = opened(boox)

    assert asked["on_ok"][0] == {"type": "goto", "book": MD5, "position": "/body/p[21].0", "percent": 0.21}


def test_a_device_on_which_the_book_was_only_opened_calls_nobody_back(home: Household) -> None:
    kobo, boox = home.device("kobo"), home.device("boox")
    read(kobo, pages=20)
    boox.reader.now = kobo.reader.now
    stays(boox, opened(boox))
    home.core.settings.set("progress.older", "silently")

    assert opened(kobo) == []


def test_nobody_is_led_to_the_end_that_a_rating_stands_for(home: Household) -> None:
    home.core.settings.set("progress.read_on_rating", True)
    kobo, boox = home.device("kobo"), home.device("boox")
    kobo.hand_off(kobo.reader.open(DUNE))
    kobo.reader.turn(20)
    kobo.reader.stars = 5
    kobo.hand_off(kobo.reader.close())
    home.core.sync()
    assert home.remote.places[MD5].percent == 1.0

    (asked,) = opened(boox)

    assert "Go to 21.0%?" in asked["text"]


def test_a_page_that_begins_elsewhere_with_another_font_is_the_same_page(home: Household) -> None:
    kobo, boox = home.device("kobo"), home.device("boox")
    read(kobo, pages=20)
    line = boox.reader.open(DUNE)
    line["reading"] |= {"percent": 0.2051, "position": "/body/p[20].7", "pages": 110}

    assert boox.hand_off(line)["effects"] == []


def test_the_newest_of_several_remotes_is_asked_about(open_core: Any, serve: Any, clock: Any) -> None:
    one, other, broken = FakeRemote(clock), FakeRemote(clock, name="other"), FakeRemote(clock, name="broken")
    core = open_core(one, other, broken, plugins=("progress",))
    broken.fails_with = RuntimeError("no idea")
    home = Household(core, serve(core, **PATIENT), one)
    kobo = home.device()
    home.somewhere(0.9, MORNING)
    other.places[MD5] = RemotePosition(0.7, "there", "Web", MORNING + HOUR / 2)

    (asked,) = opened(kobo)

    assert asked["text"].startswith("Web read Dune to 70.0% 30 minutes ago.")


@pytest.fixture
def library(open_core: Any, serve: Any, clock: Any) -> Household:
    """A server that takes the EPUB and the kepub for one book, with both of them read and matched."""
    remote = Library(clock)
    core = open_core(remote, plugins=("progress",))
    core.settings.set("sync.manual_only", True)
    return Household(core, serve(core, **PATIENT), remote)


def test_between_two_files_of_a_book_only_the_percent_travels(library: Household) -> None:
    kobo, boox = library.device("kobo"), library.device("boox")
    boox.hand_off(boox.reader.open(KEPUB), boox.reader.close())
    library.core.sync()
    read(kobo, pages=20)
    library.core.sync()
    boox.reader.now = kobo.reader.now

    boox.reader.wait(3600)
    (asked,) = boox.hand_off(boox.reader.open(KEPUB))["effects"]

    assert asked["text"].startswith("Kobo read Dune, the kepub to 21.0% 1 hour ago.")
    goto = {"type": "goto", "book": KEPUB["partial_md5"], "position": None, "percent": 0.21}
    assert asked["on_ok"][0] == goto


def test_between_two_devices_with_one_file_the_position_travels(library: Household) -> None:
    kobo, boox = library.device("kobo"), library.device("boox")
    read(kobo, pages=20)
    library.core.sync()

    (asked,) = opened(boox)

    assert asked["on_ok"][0]["position"] == "/body/p[21].0"


def test_a_server_that_matches_books_is_known_again_too(library: Household) -> None:
    kobo = library.device("kobo")
    read(kobo, pages=20)
    library.remote.loses = "answer"
    library.core.sync()
    assert library.remote.places["42"].percent == 0.21

    assert opened(kobo) == []
    assert library.remote.looked[-1].match == "42"


@pytest.mark.parametrize("loses", ["request", "answer"])
def test_nobody_is_asked_about_what_his_own_device_pushed(home: Household, loses: str) -> None:
    kobo = home.device()
    read(kobo, pages=20)
    home.remote.loses = loses
    home.core.sync()
    read(kobo, pages=10)
    home.remote.wake_up()

    assert opened(kobo) == []
    home.core.sync()
    assert home.remote.places[MD5].percent == 0.31


def test_opening_a_book_that_was_finished_here_changes_nothing(home: Household) -> None:
    kobo = home.device()
    read(kobo, pages=99)
    home.core.sync()
    finished = home.remote.places[MD5]

    assert opened(kobo) == []
    kobo.hand_off(kobo.reader.close())
    home.core.sync()

    assert home.remote.places[MD5] is finished


def test_who_looks_something_up_in_a_finished_book_is_not_led_to_its_end(home: Household) -> None:
    kobo = home.device()
    read(kobo, pages=99)
    home.somewhere(1.0, kobo.reader.now + HOUR / 2)
    kobo.reader.wait(3600)
    kobo.reader.status, kobo.reader._pages[MD5] = "complete", 3

    line = kobo.reader.open(DUNE)

    assert line["reading"]["status"] == "complete" and line["reading"]["percent"] < 0.1
    assert kobo.hand_off(line)["effects"] == []


def test_opening_it_on_another_device_does_not_turn_it_unread(home: Household) -> None:
    kobo, boox = home.device("kobo"), home.device("boox")
    read(kobo, pages=99)
    home.core.sync()
    finished = home.remote.places[MD5]

    boox.hand_off(boox.reader.open(DUNE), boox.reader.close())
    home.core.sync()

    assert home.remote.places[MD5] is finished


def test_what_is_read_while_the_question_stands_is_not_pushed_over_the_other(home: Household) -> None:
    kobo = home.device()
    read(kobo, pages=20)
    home.somewhere(0.7, kobo.reader.now + HOUR / 2)
    (asked,) = opened(kobo)
    kobo.reader.turn(10)

    kobo.hand_off(kobo.reader.checkpoint())
    home.core.sync()

    assert asked["type"] == "confirm" and home.pushed == []


def test_syncs_that_nobody_asked_for_push_nothing_before_the_question(open_core: Any, serve: Any, clock: Any) -> None:
    remote = FakeRemote(clock)
    core = open_core(remote, plugins=("progress",))
    home = Household(core, serve(core, **PATIENT), remote)
    kobo = home.device()
    home.somewhere(0.7, MORNING)

    assert [one["type"] for one in opened(kobo)] == ["confirm"]
    core.sync()

    assert home.pushed == []


@pytest.mark.parametrize(
    ("case", "local", "remote", "leads_to"),
    [
        ("P1", 0.2, RemotePosition(0.646, None, "web", MORNING), (None, 0.646)),
        ("P3", 0.4, RemotePosition(0.71, "/body/DocFragment[9]/body/p[2]/text().0", "ipad", MORNING + HOUR),
         ("/body/DocFragment[9]/body/p[2]/text().0", 0.71)),
        ("P4", 0.001, RemotePosition(0.005, "3", "d", MORNING), ("3", 0.005)),
    ],
)  # fmt: skip
def test_what_other_clients_stumbled_over(
    home: Household, case: str, local: float, remote: RemotePosition, leads_to: tuple[str | None, float]
) -> None:
    kobo = home.device()
    home.remote.places[MD5] = remote
    line = kobo.reader.open(DUNE)
    line["reading"] |= {"percent": local, "pages": 1000}

    (asked,) = kobo.hand_off(line)["effects"]
    home.core.sync()

    position, percent = leads_to
    assert asked["on_ok"][0] == {"type": "goto", "book": MD5, "position": position, "percent": percent}, case
    assert home.pushed == []
