"""A reader who closes a book at its end is asked for a rating, once, through the bridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bridge_world import DUNE, EReader, entry, paired, texts, toasts

from booklore_core.core import Core
from booklore_core.testing import FakeLibrary, FakeTarget, sample_book

EMMA, MD5 = sample_book("Emma"), DUNE["partial_md5"]
ASK = "How do you rate “Dune”, from 1 to 10?"

Serve = Callable[..., str]


@pytest.fixture
def bookworm() -> FakeTarget:
    return FakeTarget(kinds={"rating", "status", "deletion"})


@pytest.fixture
def core(open_core: Any, bookworm: FakeTarget) -> Core:
    core: Core = open_core(bookworm, plugins=("ratings", "finished", "deletions"))
    core.settings.set("ratings.mode", "select_at_complete")
    core.settings.set("sync.manual_only", True)
    return core


def close(ereader: EReader, book: Any = DUNE, reason: str = "close", page: int | None = None, **told: Any) -> Any:
    """The line of a closing, at the end of the book or at a page."""
    reader = ereader.reader
    reader.wait(60)
    reader.open(book)
    reader.page = page or book["pages"]
    reader.wait(5)
    line = reader.close(reason)
    line["reading"].update(told)
    return line


def scheduled(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [effect for effect in answer["effects"] if effect["type"] == "schedule"]


def carry_out(ereader: EReader, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The questions that a device is asked which does what it was told, as it does: the last of an action counts."""
    for effect in scheduled(answer)[-1:]:
        body = {"book": effect.get("book"), "args": effect.get("args", {})}
        told = ereader.post(f"/v1/actions/{effect['action']}", body).json()
        return [one for one in told["effects"] if one["type"] == "question"]
    return []


def sent(core: Core, bookworm: FakeTarget) -> list[tuple[str, Any]]:
    core.sync()
    return [(item.book.title or "", item.body["rating"]) for item in bookworm.received]


def test_from_the_closing_to_the_server(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    answer = ereader.hand_off(close(ereader))

    (effect,) = scheduled(answer)
    assert (effect["in"], effect["action"], effect["book"]) == (2.0, "rate_book", MD5)
    (question,) = carry_out(ereader, answer)
    assert (question["kind"], question["text"], question["low"], question["high"]) == ("ask", ASK, 1, 10)
    answered = ereader.answer(question, 8)
    assert toasts(answered) == ["“Dune” is rated 8 of 10"]
    assert answered["state"]["pending"] == {"R": 1}
    assert sent(core, bookworm) == [("Dune", 8)]


@pytest.mark.parametrize(
    ("book", "page", "told", "is_asked"),
    [
        (DUNE, 600, {}, True),
        (DUNE, 594, {}, True),
        (DUNE, 590, {}, False),
        (DUNE, 5, {"status": "complete"}, True),
        (sample_book("Dune", pages=50), 49, {}, True),
        (sample_book("Dune", pages=50), 48, {}, False),
        (sample_book("Dune", pages=20), 19, {}, True),
        (sample_book("Dune", pages=10), 9, {}, False),
        (sample_book("Dune", pages=10), 10, {}, True),
        (sample_book("Dune", pages=5), 4, {}, False),
        (sample_book("Dune", pages=2), 1, {}, False),
        (DUNE, 599, {"pages": None, "percent": 0.98}, False),
    ],
    ids=["end", "99 %", "98.3 %", "called so", "two columns", "before that",
         "95 %", "90 %", "last of few", "80 %", "leaflet", "no pages"],
)  # fmt: skip
def test_a_sensible_end(ereader: EReader, book: Any, page: int, told: Any, is_asked: bool) -> None:
    """Where two pages are shown the last of fifty is never reached (lua-plugin-behaviour §10 F4)."""
    answer = ereader.hand_off(close(ereader, book, page=page, **told))

    assert bool(scheduled(answer)) == is_asked


def test_asked_once_also_by_who_cancels_and_after_a_restart(
    core: Core, ereader: EReader, open_core: Any, serve: Serve, bookworm: FakeTarget
) -> None:
    (question,) = carry_out(ereader, ereader.hand_off(close(ereader)))
    assert ereader.answer(question, None)["effects"] == []

    assert scheduled(ereader.hand_off(close(ereader))) == []
    again = open_core(bookworm, plugins=("ratings",))
    ereader.url = serve(again)
    assert scheduled(ereader.hand_off(close(ereader))) == []
    assert sent(again, bookworm) == []


def test_a_question_that_was_never_shown_comes_with_the_next_closing(ereader: EReader) -> None:
    """KOReader forgets what it was to do when it ends."""
    ereader.hand_off(close(ereader, reason="exit"))

    answer = ereader.hand_off(close(ereader, EMMA, page=3))

    assert [one["text"] for one in carry_out(ereader, answer)] == [ASK]


def test_who_suspends_on_the_last_page_is_asked_when_he_closes_the_book(ereader: EReader) -> None:
    first = ereader.hand_off(close(ereader, reason="suspend"))

    assert scheduled(first) == []
    assert scheduled(ereader.hand_off(close(ereader)))


def test_the_book_that_no_server_knows_is_asked_about_as_well(open_core: Any, serve: Serve) -> None:
    library = FakeLibrary({}, kinds={"rating"})
    core = open_core(library, home="unmatched", plugins=("ratings",))
    core.settings.set("ratings.mode", "select_at_complete")
    ereader = paired(core, serve(core))

    (question,) = carry_out(ereader, ereader.hand_off(close(ereader)))
    ereader.answer(question, 9)
    core.sync()

    assert (core.pending(), library.received) == ({"rating": 1}, [])
    library.shelf[MD5] = "42"
    core.sync()
    assert [item.body["rating"] for item in library.received] == [9]


def test_two_devices_ask_once_between_them(core: Core, ereader: EReader, url: str) -> None:
    kindle = paired(core, url, "kindle")
    mine = ereader.hand_off(close(ereader))
    theirs = kindle.hand_off(close(kindle))

    assert len(carry_out(kindle, theirs)) == 1
    assert carry_out(ereader, mine) == []
    assert scheduled(kindle.hand_off(close(kindle))) == []


def test_a_core_that_was_out_of_reach_asks_about_each_book_one_after_the_other(
    core: Core, ereader: EReader, bookworm: FakeTarget
) -> None:
    lines = [close(ereader), close(ereader, EMMA), close(ereader, sample_book("Ulysses"), page=7)]

    (first,) = carry_out(ereader, ereader.hand_off(*lines))
    (second,) = ereader.answer(first, 8)["effects"]
    answered = ereader.answer(second, 3)

    assert (first["text"], second["text"]) == (ASK, "How do you rate “Emma”, from 1 to 10?")
    assert toasts(answered) == ["“Dune” is rated 8 of 10; “Emma” is rated 3 of 10"]
    assert sorted(sent(core, bookworm)) == [("Dune", 8), ("Emma", 3)]


def test_silent_mode_asks_all_the_same(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    core.settings.set("sync.silent", True)

    (question,) = carry_out(ereader, ereader.hand_off(close(ereader)))
    ereader.answer(question, 6)

    assert sent(core, bookworm) == [("Dune", 6)]


def test_whoever_rated_the_book_already_is_not_asked(core: Core, ereader: EReader) -> None:
    ereader.hand_off(close(ereader, page=9))
    (question,) = ereader.act("rate_book", book=MD5)["effects"]
    ereader.answer(question, 7)

    assert scheduled(ereader.hand_off(close(ereader))) == []


def test_with_stars_nobody_is_asked(core: Core, ereader: EReader) -> None:
    core.settings.set("ratings.mode", "scaled")

    assert scheduled(ereader.hand_off(close(ereader))) == []


def test_a_held_file_offers_to_rate_the_book(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    ereader.hand_off(close(ereader, page=9))
    line = next(line for line in ereader.menu()["long_press"] if line["text"] == "Rate this book")

    (question,) = ereader.act(line["action"], book=DUNE)["effects"]
    ereader.answer(question, 7)

    assert sent(core, bookworm) == [("Dune", 7)]


def test_the_menu_says_it_in_the_words_of_the_existing_plugin(ereader: EReader) -> None:
    menu = ereader.menu()

    rating = entry(menu, "What to Sync", "Rating")["items"]
    assert texts(rating)[:2] == ["Enable rating sync", "Rating: Select at complete"]
    assert texts(rating[1]["items"]) == ["KOReader rating (scaled ×2)", "Select at complete"]
    deletions = entry(menu, "What to Sync", "Deletions")["items"]
    assert texts(deletions)[:3] == [
        "Sync deletions", "When a book is deleted here: Take it off the shelf", "Shelf: KOReader"
    ]  # fmt: skip
    assert "USB" in deletions[0]["help"]
    assert "Finished and on hold" in texts(entry(menu, "What to Sync")["items"])


def choose_delete(ereader: EReader, is_agreed: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Takes the choice in the menu. The question, and what comes of the answer."""
    policy = entry(ereader.menu(), "What to Sync", "Deletions")["items"][1]
    line = next(line for line in policy["items"] if line["text"] == "Delete it from the library")
    (question,) = ereader.act(line["action"], **line["args"])["effects"]
    return question, ereader.answer(question, is_agreed)


@pytest.mark.parametrize("is_agreed", [True, False])
def test_a_person_agrees_to_the_deletion_of_books_first(core: Core, ereader: EReader, is_agreed: bool) -> None:
    question, answered = choose_delete(ereader, is_agreed)

    assert (question["kind"], question["ok"]) == ("confirm", "Delete it from the library")
    for named in ("in every format", "reading sessions, highlights, notes", "all other readers", "no way back"):
        assert named in question["text"]
    assert core.settings["deletions.policy"] == ("delete" if is_agreed else "unshelve")
    assert bool(toasts(answered)) is not is_agreed


def test_what_is_chosen_already_is_not_asked_about_again(core: Core, ereader: EReader) -> None:
    core.settings.set("deletions.policy", "delete")

    assert ereader.act("set_setting", name="deletions.policy", value="delete")["effects"] == []
    assert ereader.act("set_setting", name="deletions.policy", value="ignore")["effects"] == []
    assert core.settings["deletions.policy"] == "ignore"


@pytest.mark.parametrize("value", [["delete"], "Delete", True])
def test_what_is_no_choice_is_none_that_could_be_agreed_to(core: Core, ereader: EReader, value: Any) -> None:
    body = {"args": {"name": "deletions.policy", "value": value}}

    answer = ereader.post("/v1/actions/set_setting", body)

    assert (answer.status_code, core.settings["deletions.policy"]) == (422, "unshelve")
