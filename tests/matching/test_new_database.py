"""A core whose database was lost, and the same lines once more: nothing comes to the server twice, at a small price."""

from __future__ import annotations

from library_world import Household, OpenHousehold, on_device

from booklore_core.testing import sample_book, small_epub

LOOKS = "/api/v1/reading-sessions/book/"


def read_all(household: Household, times: int) -> int:
    """So many sessions of every book of the server. Returns how many books there are."""
    for _ in range(times):
        for book in household.server.books.values():
            household.read(on_device(book))
    return len(household.server.books)


def test_lines_that_are_handed_over_to_a_new_database_are_on_the_server_once(household: Household) -> None:
    read_all(household, 3)
    household.sync()
    known = household.arrived()

    household.begin_anew()
    report = household.sync()

    assert household.arrived() == known
    assert report.total("delivered") == {"session": len(known)}
    assert report.is_complete
    assert household.act("verify").ok


def test_what_the_lost_database_had_not_sent_is_sent_by_the_new_one_in_its_first_run(household: Household) -> None:
    books = read_all(household, 2)
    household.sync()
    read_all(household, 1)

    household.begin_anew()
    household.sync()

    assert len(household.arrived()) == 3 * books
    assert household.act("verify").ok


def test_match_by_hand_leads_the_new_database_to_what_is_there(household: Household) -> None:
    mine = sample_book("Device Edition", size=4_768)
    for _ in range(2):
        household.read(mine)
    household.act("match_book", book=mine["partial_md5"], args={"id": "2"})
    assert household.arrived() == [2, 2]

    household.begin_anew()
    household.act("match_book", book=mine["partial_md5"], args={"id": "2"})

    assert household.arrived() == [2, 2]
    assert household.core.pending() == {}


def test_sessions_of_the_past_cost_one_look_for_each_of_their_books(open_household: OpenHousehold) -> None:
    for dialect, posts in (("booklore", 60), ("custom", 6)):
        household = open_household(dialect, {"books": []})
        for number in range(6):
            household.server.add_book(small_epub(f"Book {number}"), f"{number}.epub", f"Book {number}")
        read_all(household, 10)
        household.begin_anew()

        household.sync()

        assert len(household.arrived()) == 60
        assert household.asked(LOOKS) == 6
        assert household.posted("/api/v1/reading-sessions") == posts


def test_reading_of_today_costs_no_look(household: Household) -> None:
    read_all(household, 2)

    household.sync()

    assert household.asked(LOOKS) == 0
