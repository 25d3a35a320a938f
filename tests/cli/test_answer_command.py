"""`booklore answer`: what waits for a person's word, in status and on the command line."""

import pytest
from annotated_world import DUNE, bookmark, many
from cli_world import Booklore, Spool, in_a_dialog

from booklore_core.testing import SampleReader

QUESTION = "7 of 7 highlights and bookmarks of “Dune” are gone on kobo-7f3a. Remove them everywhere?"


@pytest.fixture(autouse=True)
def question(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    """Seven marks of a book are gone at once."""
    for marks in ([*many(5), bookmark(1), bookmark(2)], []):
        reader.open(DUNE)
        reader.wait(60)
        reader.close(annotations=marks)
    assert booklore("ingest", spool()).code == 0


def test_status_says_what_is_asked_and_how_to_answer(booklore: Booklore) -> None:
    ran = booklore("status")

    assert "5 annotations" in ran.out
    assert "2 bookmarks" in ran.out
    assert "booklore answer" in ran.err
    asked = [one for one in booklore("status", "--json").json["waiting"] if one["state"] == "asked"]
    assert {(one["kind"], one["book"], one["reason"], one["attempts"]) for one in asked} == {
        ("annotation", "Dune", QUESTION, 0), ("bookmark", "Dune", QUESTION, 0)
    }  # fmt: skip


def test_view_pending_sessions_shows_the_question_once(booklore: Booklore) -> None:
    assert booklore("run", "view-pending").out.count(QUESTION) == 1


def test_yes_and_no_say_so_for_every_question(booklore: Booklore) -> None:
    ran = booklore("answer", "--yes", "--json")

    assert (ran.code, ran.json) == (0, {"taken": 7, "dropped": 0, "waiting": 0})
    assert booklore("answer", "--no").out == "No question waits\n"


def test_no_drops_it(booklore: Booklore) -> None:
    assert booklore("answer", "--no").out == "7 changes dropped\n"
    assert not any(one["state"] == "asked" for one in booklore("status", "--json").json["waiting"])


@pytest.mark.parametrize("options", [(), ("--yes", "--no")])
def test_without_a_person_nothing_is_decided(booklore: Booklore, options: tuple[str, ...]) -> None:
    ran = booklore("answer", *options)

    assert (ran.code, ran.err) == (1, f"booklore: {QUESTION} Give --yes or --no\n")
    assert booklore("run", "answer-questions").code == 1
    assert booklore("run", "answer-questions", "--answer", "2").out == "7 changes dropped\n"


def test_without_a_person_a_script_is_told_what_waits(booklore: Booklore) -> None:
    ran = booklore("answer", "--json")

    assert (ran.code, ran.json) == (3, {"taken": 0, "dropped": 0, "waiting": 1})


def test_a_person_who_types_q_leaves_it_for_later(booklore: Booklore) -> None:
    code, told = in_a_dialog(["answer"], ("Remove them everywhere?", "q\n"))

    assert (code, "1 question still waits" in told, "expected" in told) == (0, True, False)


def test_a_person_is_asked_and_may_leave_it_for_later(booklore: Booklore) -> None:
    code, told = in_a_dialog(["answer"], ("Remove them everywhere?", "\n"))

    assert (code, "1 question still waits" in told) == (0, True)
    code, told = in_a_dialog(["answer"], ("Remove them everywhere?", "1\n"))
    assert (code, "7 changes will be synced" in told) == (0, True)
