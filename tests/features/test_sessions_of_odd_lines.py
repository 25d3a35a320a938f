"""A line that tells less than it should costs nobody the session: the times of the lines stand in."""

import pytest

from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE = sample_book("Dune")


@pytest.fixture
def taken(open_core):
    """Takes a book that was open for 400 seconds and turned ten times, with another reading at its close. Returns the
    sessions that wait."""

    def take(**fields):
        core, lines = open_core(bookworm := FakeTarget()), SampleReader().read(DUNE)
        reading = {name: value for name, value in {**lines[-1]["reading"], **fields}.items() if value != "absent"}
        core.take([lines[0], {**lines[-1], "reading": reading}], "test")
        core.sync()
        return [(item.body["start"], item.body["end"], item.body["duration"]) for item in bookworm.received]

    return take


WHOLE = ("2026-11-20T08:00:00Z", "2026-11-20T08:06:40Z", 400)


@pytest.mark.parametrize("dwell", [[], {}, [0], [40, 40], [1e9], [5000], "x", None, [40, "x"], "absent"])
def test_a_dwell_that_does_not_tell_of_every_page_is_none(taken, dwell):
    assert taken(dwell=dwell) == [WHOLE]


@pytest.mark.parametrize(("page", "told"), [(11, [WHOLE]), (1, []), ("absent", [])])
def test_turns_that_are_not_told_show_in_the_page(taken, page, told):
    assert taken(turns="absent", dwell="absent", page=page) == told
