"""A file that is there again makes its deletion none, however the lines arrive; and nothing has to be told of that."""

from datetime import datetime, timedelta

import pytest
from deciding_world import DUNE, EMMA, Deciding, library

from booklore_core import ItemFailed, TargetUnavailable
from booklore_core.testing import FakePlugin, FakeTarget, sample_book

BOOKS = [sample_book(f"Book {number}") for number in range(1, 31)]
UNSHELVED = {"file": DUNE["file"], "device": "kobo", "policy": "unshelve", "shelf": "KOReader"}


@pytest.fixture
def deciding(open_core):
    return Deciding(open_core)


@pytest.fixture
def offline(open_core):
    """No target knows any book yet."""
    return Deciding(open_core, library())


def test_a_file_that_comes_back_takes_a_waiting_deletion_back(offline):
    offline.take(*offline.visit(), offline.delete())

    offline.take(*offline.visit())
    offline.target.shelf[DUNE["partial_md5"]] = "42"

    assert (offline.sent(), offline.core.pending(), offline.held("deletion")) == ([], {}, None)


def test_the_copy_of_another_device_does_not(offline):
    offline.take(*offline.visit(), *offline.visit(device="kindle"), offline.delete())

    offline.take(*offline.visit(device="kindle"))

    assert offline.core.pending() == {"deletion": 1}


def test_what_was_read_before_the_deletion_and_arrives_late_does_not_either(offline):
    visit, deletion = offline.visit(), offline.delete()

    offline.take(deletion)
    offline.take(*visit)

    assert offline.core.pending() == {"deletion": 1}


def test_a_deletion_that_arrives_late_is_none_where_the_file_is_back_since(deciding):
    before, deletion, after = deciding.visit(), deciding.delete(), deciding.visit()

    deciding.take(*before, *after)
    deciding.take(deletion)

    assert (deciding.sent(), deciding.core.pending(), deciding.held("deletion")) == ([], {}, None)


def test_a_deletion_that_arrives_however_late_is_none_where_the_file_is_back_since(deciding):
    before, deletion = deciding.visit(), deciding.delete()
    deciding.take(*before, *(line for book in BOOKS for line in deciding.visit(book)), *deciding.visit())

    deciding.take(deletion)

    assert deciding.sent() == []


def test_a_deletion_that_waited_in_quarantine_is_none_where_the_file_is_back_since(deciding):
    before, deletion = deciding.visit(), deciding.delete()
    at = datetime.fromisoformat(deletion["at"])
    deciding.take(*before)
    assert deciding.core.take([{**deletion, "at": "2012-01-01T00:00:00Z"}], "test").rejected
    deciding.take(*deciding.visit())

    (line,) = deciding.core.quarantine.lines()
    deciding.core.place_quarantine([line.id], at)

    assert (deciding.core.quarantine.count(), deciding.sent()) == (0, [])


def test_a_deletion_that_arrives_late_is_none_where_its_book_was_described_since(deciding):
    """*Sync this book* of a closed one tells what KOReader has stored of it, in a line after the device's last."""
    before, deletion = deciding.visit(), deciding.delete()
    described = {**before[-1], "id": f"{deletion['id']}/sidecar-0001-d1d1d1d1", "reason": "sidecar"}
    deciding.take(*before, described | {"at": deletion["at"]})

    deciding.take(deletion)

    assert deciding.sent() == []


def test_a_book_that_is_described_after_its_deletion_is_back(offline):
    before, deletion = offline.visit(), offline.delete()
    described = {**before[-1], "id": f"{deletion['id']}/sidecar-0001-d1d1d1d1", "reason": "sidecar"}
    offline.take(*before, deletion)

    offline.take(described | {"at": deletion["at"]})

    assert offline.core.pending() == {}


def test_a_file_is_back_though_the_clock_was_set_back_meanwhile(offline):
    offline.take(*offline.visit(), offline.delete())
    offline.reader().now -= timedelta(seconds=90)

    offline.take(*offline.visit(seconds=1))

    assert offline.core.pending() == {}


def test_a_file_is_known_again_however_late_its_deletion_arrives(deciding):
    before, deletion, after = deciding.visit(), deciding.delete(), deciding.visit()

    deciding.take(*before, *after)
    deciding.take(deletion)

    assert deciding.core.count_books()["total"] == 1


def test_a_deletion_that_arrives_late_counts_where_another_book_or_device_was_read_since(deciding):
    deletion = deciding.delete()

    deciding.take(*deciding.visit(EMMA), *deciding.visit(device="kindle"))
    deciding.take(deletion)

    assert deciding.sent() == [UNSHELVED]


def test_a_file_that_comes_back_after_the_server_was_told_is_deleted_anew(deciding):
    deciding.take(*deciding.visit(), deciding.delete())
    deciding.sent()

    deciding.take(*deciding.visit())
    back = deciding.sent()
    deciding.take(deciding.delete())

    assert (back, deciding.sent()) == ([], [UNSHELVED])


def test_a_file_that_comes_back_after_the_server_was_told_waits_for_nobody(deciding):
    deciding.take(*deciding.visit(), deciding.delete())
    deciding.sent()

    deciding.take(*deciding.visit())

    status = deciding.core.status()
    assert (status.pending, status.total, status.synced.get("deletion")) == ({}, 0, None)
    assert deciding.core.database.rows("SELECT id FROM pending_deletions") == []


@pytest.mark.parametrize("fault", [TargetUnavailable("no answer"), ItemFailed("confused", maybe_sent=True)])
def test_a_file_that_comes_back_after_the_server_was_perhaps_told_waits_for_nobody(deciding, fault):
    deciding.target.fails_with = fault
    deciding.take(*deciding.visit(), deciding.delete())
    deciding.core.sync()

    deciding.take(*deciding.visit())
    deciding.target.wake_up()

    assert (deciding.core.pending(), deciding.sent()) == ({}, [])


def test_what_is_taken_back_is_not_owed_to_a_target_that_comes_later(deciding, clock):
    deciding.take(*deciding.visit(), deciding.delete())
    deciding.sent()
    deciding.take(*deciding.visit())
    later = FakeTarget("later", kinds={"deletion"})
    deciding.core.plugins.register("later_plugin", FakePlugin([later]))
    deciding.core.settings.set("later_plugin.since", "all")

    deciding.core.refresh()
    deciding.core.sync()

    assert later.received == []


def test_deleted_after_its_reader_closed_it_from_inside_it_is_deleted(deciding):
    closing = deciding.visit()

    deciding.take(*closing, deciding.delete(seconds=0))

    assert deciding.sent() == [UNSHELVED]
