"""What devices show of a book's stars: a change is one between two snapshots of the same device's copy."""

from itertools import permutations

import pytest
from function_features import add_feature

from booklore_core import BookRef, Facts
from booklore_core.testing import SampleReader, sample_book

DUNE = sample_book("Dune")


class Household:
    """Readers of one book. told: each change of stars, as features are told of it."""

    def __init__(self, open_core):
        self.core = open_core(plugins=("ratings",))
        self.readers, self.told = {}, []
        add_feature(self.core, on_rating=lambda event: self.told.append(event.stars))

    def reader(self, device):
        reader = self.readers.setdefault(device, SampleReader(device))
        reader.now = max(one.now for one in self.readers.values())
        reader.wait(60)
        return reader

    def visit(self, stars, device="kobo", book=DUNE):
        """The lines of a book that is opened and closed, with stars all the while."""
        reader = self.reader(device)
        reader.stars = stars
        lines = [reader.open(book)]
        reader.wait(5)
        return [*lines, reader.close()]

    def take(self, *lines):
        assert not self.core.take(list(lines), "test").rejected

    def show(self, stars, device="kobo"):
        self.take(*self.visit(stars, device))

    def rating(self, book=DUNE):
        facts = Facts(self.core.database, self.core.clock()).of("rating", BookRef(book["partial_md5"]))
        return facts[0].body["stars"] if facts else "never told"


@pytest.fixture
def household(open_core):
    return Household(open_core)


def test_a_device_that_never_had_stars_takes_none_away(household):
    household.show(4)

    household.show(None, "kindle")
    household.show(None, "kindle")

    assert household.told == [4]


def test_stars_that_stay_do_not_outdo_those_that_another_device_gave_since(household):
    household.show(4)
    household.show(None, "kindle")

    household.show(3, "kindle")
    household.show(4)
    household.show(3, "kindle")

    assert household.told == [4, 3]


def test_a_new_device_with_the_same_stars_is_no_news(household):
    household.show(4)

    household.show(4, "kindle")

    assert household.told == [4]


def test_what_a_new_device_has_is_of_any_age_and_outdoes_nothing(household):
    household.show(4)

    household.show(2, "kindle")
    household.show(4)

    assert household.told == [4]


def test_stars_that_are_given_on_a_new_device_are_news(household):
    household.show(4)
    household.show(2, "kindle")

    household.show(3, "kindle")

    assert household.told == [4, 3]


def test_stars_that_are_given_are_news_although_a_device_had_the_same(household):
    household.show(4)
    household.show(None, "kindle")

    household.show(4, "kindle")

    assert household.told == [4, 4]


def test_stars_that_a_device_takes_away_are_gone(household):
    household.show(4)
    household.show(2, "kindle")

    household.show(None)

    assert household.told == [4, None]


def test_stars_that_come_to_equal_those_of_another_device_are_no_news(household):
    household.show(4)
    household.show(None, "kindle")
    household.show(2, "kindle")

    household.show(2)

    assert household.told == [4, 2]


def test_a_copy_that_is_there_again_after_it_was_deleted_says_nothing_without_stars(household):
    household.show(4)
    household.take(household.reader("kobo").delete(DUNE))

    household.show(None)
    household.show(3)

    assert household.told == [4, 3]


def test_what_was_shown_while_the_book_was_not_tracked_is_not_known(household):
    household.show(4)
    household.core.books.track(DUNE["partial_md5"], False)
    household.show(None)
    household.core.books.track(DUNE["partial_md5"], True)

    household.show(4)

    assert household.told == [4]


LIVES = [
    ([("kobo", 4), ("kindle", 3), ("kobo", 4)], 4),
    ([("kobo", 4), ("kindle", None), ("kobo", 4), ("kindle", 3)], 3),
    ([("kobo", 4), ("kobo", None), ("kindle", 4), ("kobo", 2)], 2),
    ([("kobo", 4), ("kindle", 4), ("kindle", 2), ("kobo", 4)], 2),
    ([("kobo", 4), ("boox", 3), ("kindle", 4), ("kobo", 4)], 4),
    ([("kobo", 4), ("kindle", 3), ("boox", None), ("kobo", 4)], 4),
    ([("kobo", 5), ("kindle", 1), ("kobo", 3), ("kobo", 3)], 3),
    ([("kobo", 4), ("kobo", "deleted"), ("kobo", None), ("kindle", 4)], 4),
    ([("kobo", 2), ("kobo", 4), ("kindle", 2), ("kobo", 2)], 2),
]


@pytest.mark.parametrize(("life", "end"), LIVES)
def test_in_whatever_order_lines_arrive_the_same_stars_hold(open_core, life, end):
    household, ends = Household(open_core), set()
    for number, order in enumerate(permutations(range(len(life)))):
        book = {**DUNE, "partial_md5": f"{number:032}", "file": f"/mnt/onboard/{number}.epub"}
        lived = [
            [household.reader(device).delete(book)] if stars == "deleted" else household.visit(stars, device, book)
            for device, stars in life
        ]
        for index in order:
            household.take(*lived[index])
        ends.add(household.rating(book))

    assert ends == {end}


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize(("life", "end"), LIVES[:6])
def test_all_at_once_or_line_by_line_the_same_stars_hold(household, life, end, size):
    lines = [line for device, stars in life for line in household.visit(stars, device)]

    for start in range(0, len(lines), size):
        household.take(*lines[start : start + size])

    assert household.rating() == end


def test_a_rating_that_turns_out_to_be_older_gives_way_to_the_one_given_since(household):
    household.show(None, "kindle")
    first, second, third = household.visit(4), household.visit(3, "kindle"), household.visit(4)

    household.take(*third)
    before = household.rating()
    household.take(*second)
    household.take(*first)

    assert (before, household.rating()) == (4, 3)
