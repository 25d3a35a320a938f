"""A book that one device deletes and another one has: the server deletes it for ever only on a person's word."""

import pytest
from deciding_world import DUNE, EMMA, Deciding, library

QUESTION = "A book was deleted on kobo that another of your devices has or reads. Is it to be deleted from the server's"


@pytest.fixture
def harsh(open_core):
    deciding = Deciding(open_core, library())
    deciding.set("deletions.policy", "delete")
    return deciding


def test_a_person_is_asked_and_told_which_device_has_it(harsh):
    harsh.take(*harsh.visit(), *harsh.visit(device="kindle"), harsh.delete())

    (question,) = harsh.core.questions()
    assert question.startswith(QUESTION) and question.endswith("(“Dune”: on kindle)")
    assert harsh.core.pending() == {}


def test_a_yes_deletes_it_and_what_that_device_goes_on_reading_is_no_second_question(harsh):
    harsh.take(*harsh.visit(), *harsh.visit(device="kindle"), harsh.delete())

    harsh.answer(True)
    harsh.take(*harsh.visit(device="kindle"))

    assert (harsh.core.pending(), harsh.core.questions()) == ({"deletion": 1}, [])


def test_a_no_leaves_it_there(harsh):
    harsh.take(*harsh.visit(), *harsh.visit(device="kindle"), harsh.delete())

    harsh.answer(False)

    assert (harsh.core.pending(), harsh.core.questions()) == ({}, [])


def test_a_device_that_reads_it_before_the_server_is_told_has_a_person_asked(harsh):
    harsh.take(*harsh.visit(), harsh.delete())
    before = harsh.core.pending()

    harsh.take(*harsh.visit(device="kindle"))
    harsh.take(*harsh.visit(device="kindle"))

    assert (before, harsh.core.pending(), len(harsh.core.questions())) == ({"deletion": 1}, {}, 1)


def test_a_device_that_read_it_before_it_was_deleted_has_it_although_its_lines_come_late(harsh):
    lines = harsh.visit(device="kindle")
    harsh.take(*harsh.visit(), harsh.delete())

    harsh.take(*lines)

    assert (harsh.core.pending(), len(harsh.core.questions())) == ({}, 1)


def test_a_device_that_has_deleted_it_too_answers_the_question(harsh):
    harsh.take(*harsh.visit(), *harsh.visit(device="kindle"), harsh.delete())

    harsh.take(harsh.delete(device="kindle"))

    assert (harsh.core.pending(), harsh.core.questions()) == ({"deletion": 1}, [])


def test_what_is_only_taken_off_a_shelf_is_no_question(open_core):
    gentle = Deciding(open_core, library(EMMA))

    gentle.take(*gentle.visit(DUNE), *gentle.visit(DUNE, device="kindle"), gentle.delete(DUNE))

    assert (gentle.core.pending(), gentle.core.questions()) == ({"deletion": 1}, [])
