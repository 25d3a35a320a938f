"""A server that was made anew: the same books under other ids, and none of the sessions."""

from __future__ import annotations

import pytest
from library_world import Household
from past_world import statistics_of

DIALECTS = ["booklore", "grimmory", "custom"]


@pytest.fixture(params=DIALECTS)
def household(request, tmp_path):
    one = Household(tmp_path / "home", request.param, plugins=("sessions", "history"))
    yield one
    one.close()


def test_one_resync_brings_everything(household, tmp_path):
    titles = [book.title for book in household.server.books.values()]
    path = statistics_of(tmp_path, household.server, *titles)
    household.act("extract_history", True, True, args={"path": str(path)})
    household.act("match_history", args={"auto": True})
    assert len(household.arrived()) == len(titles)

    household.build_anew(sorted(household.server.books, reverse=True))
    result = household.act("resync_history", True)

    assert len(household.arrived()) == len(titles)
    assert household.core.pending() == {}
    assert result.ok
    titles_there = [household.server.books[book_id].title for book_id in household.arrived()]
    assert sorted(titles_there) == sorted(titles)


def test_one_resync_brings_everything_when_no_id_of_before_is_there(household, tmp_path):
    titles = [book.title for book in household.server.books.values()][-1:]
    path = statistics_of(tmp_path, household.server, *titles)
    household.act("extract_history", True, True, args={"path": str(path)})
    household.act("match_history", args={"auto": True})
    old = max(household.server.books)

    household.build_anew([old])
    household.act("resync_history", True)

    assert household.arrived() == [1]
    assert household.core.pending() == {}
