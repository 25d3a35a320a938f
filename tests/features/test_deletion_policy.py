"""Which policy a deletion has: what was chosen when the book was deleted, and the harsh one only who agreed to it."""

import pytest
from deciding_world import DUNE, EMMA, Deciding, library

POLICY = "deletions.policy"
BY_ENVIRONMENT = {"BOOKLORE_DELETIONS__POLICY": "delete"}


@pytest.fixture
def deciding(open_core):
    return Deciding(open_core)


def policies(deciding):
    """Those that a target is told, in the order in which the books were deleted."""
    deciding.sent()
    return [item.body["policy"] for item in sorted(deciding.target.received, key=lambda item: item.occurred_at)]


def test_a_book_that_was_deleted_before_anybody_agreed_to_that_is_not_deleted_from_the_library(deciding):
    line = deciding.delete()

    deciding.set(POLICY, "delete")
    deciding.take(line)

    assert policies(deciding) == ["unshelve"]


def test_a_book_that_is_deleted_after_that_is(deciding):
    deciding.set(POLICY, "delete")

    deciding.take(deciding.delete())

    assert policies(deciding) == ["delete"]


def test_what_goes_before_the_database_counts_since_it_was_first_seen(open_core):
    deciding = Deciding(open_core, environ=BY_ENVIRONMENT)
    line = deciding.delete()
    deciding.go_on()

    deciding.take(line, deciding.delete(EMMA))

    assert policies(deciding) == ["unshelve", "delete"]


def test_a_start_of_the_core_is_no_new_word(open_core, clock):
    Deciding(open_core, environ=BY_ENVIRONMENT)
    clock.forward(hours=1)
    deciding = Deciding(open_core, environ=BY_ENVIRONMENT)
    deciding.reader().now = clock()
    line = deciding.delete()
    clock.forward(hours=1)
    deciding.go_on()

    deciding.take(line)

    assert policies(deciding) == ["delete"]


def test_each_time_had_its_policy(deciding):
    deciding.set(POLICY, "ignore")
    ignored = deciding.delete()
    deciding.set(POLICY, "unshelve")
    taken_off = deciding.delete(EMMA)
    deciding.set(POLICY, "ignore")

    deciding.take(ignored, taken_off)

    assert [(body["policy"], body["file"]) for body in deciding.sent()] == [("unshelve", EMMA["file"])]


def test_what_was_deleted_before_the_first_word_goes_by_it_where_that_harms_nobody(open_core):
    deciding = Deciding(open_core, environ={"BOOKLORE_DELETIONS__POLICY": "ignore"})

    deciding.take(deciding.delete())

    assert deciding.sent() == []


def test_what_is_taken_back_is_not_carried_out_on_lines_that_come_late(deciding):
    deciding.set(POLICY, "delete")
    line = deciding.delete()

    deciding.set(POLICY, "unshelve")
    deciding.take(line)

    assert policies(deciding) == ["unshelve"]


def test_a_second_word_does_not_reach_behind_the_time_in_which_the_first_was_taken_back(deciding):
    deciding.set(POLICY, "delete")
    line = deciding.delete()
    deciding.set(POLICY, "unshelve")

    deciding.set(POLICY, "delete")
    deciding.take(line)

    assert policies(deciding) == ["unshelve"]


def test_what_was_deleted_while_the_feature_was_off_is_not_deleted_from_the_library(deciding):
    deciding.set(POLICY, "delete")
    deciding.set("deletions.enabled", False)
    line = deciding.delete()
    deciding.take(line)

    deciding.set("deletions.enabled", True)
    deciding.take(deciding.delete(EMMA))

    assert policies(deciding) == ["unshelve", "delete"]


def test_the_policy_of_the_time_of_the_deletion_counts_however_late_the_server_is_reached(open_core):
    offline = Deciding(open_core, library())
    offline.set(POLICY, "delete")
    offline.take(offline.delete())

    offline.set(POLICY, "unshelve")
    offline.set("deletions.shelf", "Tablet")
    offline.take(offline.delete(EMMA))
    offline.target.shelf = {book["partial_md5"]: "1" for book in (DUNE, EMMA)}

    assert sorted((body["policy"], body["shelf"]) for body in offline.sent()) == [
        ("delete", "KOReader"), ("unshelve", "Tablet")
    ]  # fmt: skip
