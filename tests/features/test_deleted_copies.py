"""A book whose file was deleted, and that was seen at another place of the device: a copy, or where it lay before it
was moved, for KOReader tells of no move."""

import pytest
from deciding_world import DUNE, EMMA, Deciding, library

OTHER, THIRD = DUNE | {"file": "/mnt/onboard/Copy/x.epub"}, DUNE | {"file": "/mnt/sd/dune.epub"}
QUESTION = (
    "A file was deleted on kobo whose book was seen at another place there as well: a copy of it, or where it lay "
    "before it was moved. Is the book gone, and is it to be taken off the shelf “KOReader”? "
    "(“Dune”: deleted at /mnt/onboard/Copy/x.epub, seen at /mnt/onboard/dune.epub)"
)


@pytest.fixture
def deciding(open_core):
    return Deciding(open_core)


@pytest.fixture
def copied(deciding):
    """Two files of one book were read, and the second is deleted."""
    deciding.take(*deciding.visit(), *deciding.visit(OTHER), deciding.delete(OTHER))
    return deciding


def known(deciding):
    return [row["file_path"] for row in deciding.core.database.rows("SELECT file_path FROM book_cache")]


def test_a_person_is_asked_and_told_of_the_other_place(copied):
    assert (copied.sent(), copied.core.questions()) == ([], [QUESTION])


def test_the_other_file_is_known_until_that_is_answered(copied):
    assert (copied.core.count_books()["total"], known(copied)) == (1, [DUNE["file"]])


def test_a_yes_has_the_server_told_and_the_book_is_known_no_more(copied):
    copied.answer(True)

    assert [body["file"] for body in copied.sent()] == [OTHER["file"]]
    assert (copied.core.count_books()["total"], known(copied)) == (0, [None])


def test_a_no_leaves_the_book_where_it_is(copied):
    copied.answer(False)

    assert (copied.sent(), copied.core.questions(), known(copied)) == ([], [], [DUNE["file"]])


def test_a_yes_about_one_device_says_nothing_of_another(copied):
    copied.take(*copied.visit(device="kindle"))

    copied.answer(True)

    assert known(copied) == [DUNE["file"]]


def test_the_other_file_answers_the_question_by_being_opened(copied):
    copied.take(*copied.visit())

    assert (copied.sent(), copied.core.questions()) == ([], [])


def test_the_other_file_answers_the_question_by_being_deleted_too(copied):
    copied.take(copied.delete())

    assert ([body["file"] for body in copied.sent()], copied.core.questions()) == ([DUNE["file"]], [])


def test_both_deleted_in_one_go_are_no_question(deciding):
    deciding.take(*deciding.visit(), *deciding.visit(OTHER), deciding.delete(OTHER), deciding.delete())

    assert (len(deciding.sent()), deciding.core.questions()) == (1, [])


def test_the_file_of_another_device_is_no_other_place(deciding):
    deciding.take(*deciding.visit(), *deciding.visit(OTHER, device="kindle"), deciding.delete(OTHER, device="kindle"))

    assert (len(deciding.sent()), deciding.core.questions()) == (1, [])


def test_a_place_where_another_book_lies_since_is_none(deciding):
    newer = EMMA | {"file": DUNE["file"]}

    deciding.take(*deciding.visit(), *deciding.visit(newer), *deciding.visit(OTHER), deciding.delete(OTHER))

    assert (len(deciding.sent()), deciding.core.questions()) == (1, [])


def test_several_other_places_are_all_named(deciding):
    deciding.take(*deciding.visit(), *deciding.visit(THIRD), *deciding.visit(OTHER), deciding.delete(OTHER))

    assert "seen at /mnt/sd/dune.epub and /mnt/onboard/dune.epub)" in deciding.core.questions()[0]


def test_an_opening_before_the_deletion_that_arrives_late_is_a_place_all_the_same(deciding):
    first, second, deletion = deciding.visit(), deciding.visit(OTHER), deciding.delete(OTHER)
    deciding.take(*second, *first)

    deciding.take(deletion)

    assert len(deciding.core.questions()) == 1


def test_a_file_whose_deletion_arrived_before_its_opening_stays_deleted(deciding):
    first, gone, second, deletion = deciding.visit(), deciding.delete(), deciding.visit(OTHER), deciding.delete(OTHER)
    deciding.take(gone, *second, *first)

    deciding.take(deletion)

    assert (len(deciding.sent()), deciding.core.questions()) == (1, [])


def test_such_books_of_many_are_asked_about_apart(open_core):
    deciding = Deciding(open_core, library())
    books = [{**DUNE, "partial_md5": f"{number:032x}", "file": f"/mnt/{number}.epub"} for number in range(13)]
    moved = [book | {"file": f"/mnt/new{book['file'][4:]}"} for book in books[:2]]
    deciding.take(*(line for book in (*books, *moved) for line in deciding.visit(book)))

    deciding.take(*(deciding.delete(book) for book in (*moved, *books[2:])))

    assert [len(one.rows) for one in deciding.core.status().asked] == [2, 11]
