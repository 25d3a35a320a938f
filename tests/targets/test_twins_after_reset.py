"""A book that was matched anew, and a core that was reset: what stays where is said before it is done twice."""

from __future__ import annotations

from library_world import Household, on_device


def test_a_rematch_says_what_stays_and_a_new_database_sends_to_the_later_book_once(tmp_path):
    household = Household(tmp_path / "home", "booklore")
    try:
        one, other = list(household.server.books.values())[:2]
        device = on_device(one)
        household.read(device)
        household.sync()

        told = household.act("match_book", book=device["partial_md5"], args={"id": str(other.id)})
        household.sync()
        assert household.arrived() == [one.id]
        assert f"1 session stays with {one.title}" in told.message

        household.begin_anew()
        household.act("match_book", book=device["partial_md5"], args={"id": str(other.id)})
        household.sync()
        household.sync()
        assert household.arrived() == [one.id, other.id]
    finally:
        household.close()
