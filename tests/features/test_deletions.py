"""Deletions: what KOReader deletes, what comes back, and what a person is asked about first."""

import pytest
from deciding_world import DUNE, EMMA, Deciding, library

from booklore_core.testing import FakeTarget, sample_book

BOOKS = [sample_book(f"Book {number}") for number in range(1, 31)]
QUESTION = (
    "More than 10 books were deleted on kobo in a row, on 2026-11-20. "
    "Take those off the shelf “KOReader” that the server was not told of yet?"
)
UNSHELVED = {"file": DUNE["file"], "device": "kobo", "policy": "unshelve", "shelf": "KOReader"}


@pytest.fixture
def deciding(open_core):
    return Deciding(open_core)


@pytest.fixture
def offline(open_core):
    """No target knows any book yet."""
    return Deciding(open_core, library())


def test_what_was_chosen_goes_with_the_deletion(deciding):
    deciding.take(*deciding.visit(), deciding.delete())

    assert deciding.sent() == [UNSHELVED]
    (item,) = deciding.target.received
    assert (item.kind, item.key, item.book.partial_md5) == ("deletion", DUNE["partial_md5"], DUNE["partial_md5"])


def test_ignored_deletions_are_nobodys_and_are_not_made_up_for(deciding):
    deciding.set("deletions.policy", "ignore")
    deciding.take(*deciding.visit(), deciding.delete())
    deciding.core.sync()

    deciding.set("deletions.policy", "unshelve")

    assert (deciding.sent(), deciding.held("deletion")) == ([], None)


def test_a_deletion_of_a_book_that_no_server_knows_waits_and_is_never_dropped(offline, clock):
    """The existing plugin gave up at the first look that failed (lua-plugin-behaviour §10 A6)."""
    offline.take(*offline.visit(), offline.delete())
    for _ in range(12):
        clock.forward(days=30)
        offline.core.sync()

    assert offline.core.pending() == {"deletion": 1}
    offline.target.shelf[DUNE["partial_md5"]] = "42"
    assert [body["policy"] for body in offline.sent()] == ["unshelve"]


def test_the_same_line_again_and_another_devices_change_nothing_that_was_told(deciding):
    line = deciding.delete()
    deciding.take(line)
    deciding.sent()

    deciding.take(line)

    assert deciding.sent() == []


def test_another_book_that_was_written_to_the_same_path_is_deleted_and_not_the_first(deciding):
    """The sidecar keeps the first one's digest; what travels is that of the bytes."""
    path = {"file": "/mnt/onboard/Books/download.epub"}
    first, second = sample_book("First Download", **path), sample_book("Second Download", **path)
    deciding.take(*deciding.visit(first), *deciding.visit(second), deciding.delete(second))

    deciding.core.sync()

    assert [item.book.title for item in deciding.target.received] == ["Second Download"]
    assert deciding.held("deletion", first) is None


def asked(deciding):
    return [one for one in deciding.core.status().waiting if one.state == "asked"]


def delete_many(deciding, count, at_once=30, **how):
    """Deletes so many books, so many of them in one hand-over."""
    lines = [deciding.delete(book, **how) for book in BOOKS[:count]]
    for start in range(0, count, at_once):
        deciding.take(*lines[start : start + at_once])


@pytest.mark.parametrize("at_once", [1, 4, 30])
def test_ten_are_deletions_and_eleven_are_one_question_about_all(offline, at_once):
    delete_many(offline, 10, at_once)
    assert (offline.core.pending(), asked(offline)) == ({"deletion": 10}, [])

    offline.take(offline.delete(BOOKS[10]), *(offline.delete(book) for book in BOOKS[11:14]))

    names = ", ".join(f"“{book['title']}”" for book in BOOKS[:14])
    assert (offline.core.pending(), len(asked(offline))) == ({}, 14)
    assert offline.core.questions() == [f"{QUESTION} (14: {names})"]


def test_a_folder_of_thirty_in_one_hand_over_asks_once_and_nothing_is_sent(deciding):
    delete_many(deciding, 30)

    (question,) = deciding.core.questions()
    assert (deciding.sent(), len(asked(deciding))) == ([], 30)
    assert question.startswith(f"{QUESTION} (30: “Book 1”, ") and question.endswith(", “Book 20” and 10 more)")


def test_a_yes_sends_them_all(deciding):
    delete_many(deciding, 12)

    deciding.answer(True)

    assert {body["file"] for body in deciding.sent()} == {book["file"] for book in BOOKS[:12]}


def test_a_no_drops_them_for_good(deciding):
    delete_many(deciding, 12)

    deciding.answer(False)

    assert (deciding.sent(), asked(deciding), deciding.core.pending()) == ([], [], {})


def test_an_answer_is_about_the_books_that_were_named(deciding):
    delete_many(deciding, 12)
    (named,) = deciding.core.questions()
    deciding.take(deciding.delete(BOOKS[12]))

    assert deciding.core.outbox.answer(named, True, deciding.core.clock()) == 0
    assert (deciding.sent(), len(asked(deciding))) == ([], 13)


def test_what_a_person_agreed_to_is_not_asked_again_when_more_follow(deciding):
    delete_many(deciding, 12)
    deciding.answer(True)

    deciding.take(deciding.delete(BOOKS[12]))

    assert (len(deciding.sent()), len(asked(deciding))) == (12, 1)


def test_the_first_ten_that_a_server_was_told_of_are_not_asked_about(deciding):
    delete_many(deciding, 10)
    deciding.sent()

    deciding.take(*(deciding.delete(book) for book in BOOKS[10:12]))

    assert (deciding.sent(), len(asked(deciding))) == ([], 2)


def test_those_of_another_time_or_another_device_do_not_count(deciding):
    delete_many(deciding, 6)
    deciding.reader().wait(301)
    deciding.take(*(deciding.delete(book) for book in BOOKS[6:11]))
    deciding.take(*(deciding.delete(book, device="kindle") for book in BOOKS[11:20]))

    assert (asked(deciding), len(deciding.sent())) == ([], 20)


def test_a_file_that_comes_back_withdraws_its_part_of_the_question(deciding):
    delete_many(deciding, 12)
    deciding.reader().wait(3600)
    deciding.take(deciding.delete(BOOKS[20]))

    deciding.take(*deciding.visit(BOOKS[3]))
    deciding.answer(True)

    files = [body["file"] for body in deciding.sent()]
    assert (len(files), BOOKS[3]["file"] in files) == (12, False)


def test_the_copy_of_another_device_leaves_the_question_as_it_is(deciding):
    delete_many(deciding, 12)

    deciding.take(*deciding.visit(BOOKS[3], device="kindle"))

    assert len(asked(deciding)) == 12


@pytest.mark.parametrize("at_once", [True, False])
def test_what_came_back_and_is_deleted_again_is_one_book_and_no_question(deciding, at_once):
    delete_many(deciding, 12)
    deciding.answer(False)

    for _ in range(2):
        lines = [*deciding.visit(BOOKS[3]), deciding.delete(BOOKS[3])]
        for part in [lines] if at_once else [[line] for line in lines]:
            deciding.take(*part)

    assert (len(deciding.sent()), asked(deciding)) == (1, [])


def test_what_comes_back_after_a_yes_takes_it_back(offline):
    delete_many(offline, 12)
    offline.answer(True)

    offline.take(*offline.visit(BOOKS[3]))

    assert offline.core.pending() == {"deletion": 11}


def test_the_question_says_what_the_server_does_where_that_was_chosen(deciding):
    deciding.set("deletions.policy", "delete")

    delete_many(deciding, 11)

    (question,) = deciding.core.questions()
    assert "Delete those from the server's library as well that it was not told of yet?" in question
    assert "all of its files, in every format" in question and "The server has no way back." in question


def test_each_policy_has_a_question_of_its_own(offline):
    offline.set("deletions.policy", "delete")
    delete_many(offline, 5)
    offline.core.settings.set("deletions.policy", "unshelve")
    offline.core.refresh()

    offline.take(*(offline.delete(book) for book in BOOKS[5:11]))

    (to_take_off,) = [one for one in offline.core.questions() if one.startswith(QUESTION)]
    assert len(offline.core.questions()) == 2
    offline.core.outbox.answer(to_take_off, True, offline.core.clock())
    assert {one.book for one in asked(offline)} == {book["title"] for book in BOOKS[:5]}


def test_a_deleted_book_is_known_no_more_and_its_history_stays(open_core):
    target = FakeTarget(kinds={"session", "deletion"})
    deciding = Deciding(open_core, target, plugins=("sessions", "deletions"))
    reader = deciding.reader()
    deciding.take(*reader.read(DUNE), *reader.read(EMMA), *reader.read(DUNE), deciding.delete())
    deciding.core.sync()

    rows = deciding.core.database.rows
    assert deciding.core.count_books()["total"] == 1
    assert [row["file_path"] for row in rows("SELECT file_path FROM book_cache WHERE title = 'Dune'")] == [None]
    assert len(rows("SELECT id FROM historical_sessions WHERE koreader_book_title = 'Dune'")) == 2
    assert deciding.core.books.find("dune")

    deciding.take(*deciding.visit())

    assert deciding.core.count_books()["total"] == 2


def test_a_book_that_another_device_still_has_is_known(deciding):
    deciding.take(*deciding.visit(), *deciding.visit(device="kindle"), deciding.delete())
    deciding.core.sync()

    assert deciding.core.count_books()["total"] == 1


def test_the_queue_is_there_as_documented(offline):
    offline.take(*offline.visit(), offline.delete())

    printed = "SELECT id, file_path, book_id, created_at FROM pending_deletions;"
    (row,) = offline.core.database.rows(printed)
    assert (row["file_path"], row["book_id"]) == (DUNE["file"], None)
    (row,) = offline.core.database.rows("SELECT file_hash, stem, retry_count FROM pending_deletions")
    assert (row["file_hash"], row["stem"]) == (DUNE["partial_md5"], "Dune")
