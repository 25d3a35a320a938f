"""What was perhaps given to a book of the target's is looked for there, whatever its own book is matched with since."""

import pytest

from booklore_core import BookRef, BookUnmatched, Item, ItemRejected, Match
from booklore_core.testing import ForgetfulTarget

DUNE = BookRef("d" * 32, "Dune")


class Shelves(ForgetfulTarget):
    """A target of several books, each of which is looked at by itself. looked: their ids. placeless: of those that have
    no place for an item."""

    def __init__(self, **options):
        super().__init__(**options)
        self.books, self.placeless = {"1", "2", "3"}, set()

    def match(self, books):
        return {}

    def find(self, item):
        self.looked.append(item.book.match)
        if item.book.match not in self.books:
            raise BookUnmatched("404")
        if item.book.match in self.placeless:
            raise ItemRejected("it is not at its place in this file")
        here = [one.key for one in self.received if one.book.match == item.book.match]
        return f"{item.book.match}/{item.key}" if item.key in here else None

    @property
    def given(self):
        return [(item.key, item.book.match) for item in self.received]


@pytest.fixture
def moved(open_core, clock):
    """A core and a target that has lost an item for its book 1, when a person has matched the book to another one."""

    def move(loses, to="2"):
        shelves = Shelves(loses=loses)
        core = open_core(shelves)
        core.put([Item("session", "a", DUNE, {}, clock())], "test")
        match(core, "1", clock())
        core.sync()
        shelves.wake_up()
        match(core, to, clock())
        return core, shelves

    return move


def match(core, remote_id, now):
    core.books.match(DUNE.partial_md5, "forgetful", Match(remote_id, "person"), now)


def given_to(core):
    return core.database.row("SELECT given_to, remote_id, state FROM deliveries")


def test_what_has_arrived_counts_as_given_to_the_book_that_it_was_sent_to(moved, clock):
    core, shelves = moved("answer")

    core.sync()
    clock.forward(minutes=10)
    core.sync()

    assert shelves.given == [("a", "1")]
    assert given_to(core) == {"given_to": "1", "remote_id": "1/a", "state": "delivered"}
    assert core.books.given(DUNE.partial_md5, "forgetful", "1") == {"session": 1}
    assert core.books.given(DUNE.partial_md5, "forgetful", "2") == {}


def test_what_arrives_late_is_found_there_as_well(moved, clock):
    core, shelves = moved("late")
    core.sync()
    shelves.arrive()
    clock.forward(minutes=10)

    core.sync()

    assert shelves.given == [("a", "1")]
    assert core.pending() == {}


def test_what_has_not_arrived_in_ten_minutes_goes_to_the_new_book(moved, clock):
    core, shelves = moved("request")

    core.sync()
    assert shelves.given == []
    clock.forward(minutes=10)
    core.sync()

    assert shelves.looked == ["1", "1"]
    assert shelves.given == [("a", "2")]
    assert given_to(core)["given_to"] == "2"


def test_what_the_former_book_has_no_place_for_goes_to_the_new_one(moved, clock):
    core, shelves = moved("request")
    shelves.placeless = {"1"}
    clock.forward(minutes=10)

    core.sync()

    assert shelves.given == [("a", "2")]
    assert core.pending() == {}


def test_what_was_lost_a_second_time_is_looked_for_where_it_was_sent_last(moved, clock):
    core, shelves = moved("request")
    clock.forward(minutes=10)
    shelves.loses = "answer"
    core.sync()
    shelves.wake_up()
    match(core, "3", clock())

    core.sync()

    assert shelves.looked == ["1", "2"]
    assert shelves.given == [("a", "2")]
    assert given_to(core)["given_to"] == "2"


def test_book_that_is_gone_has_taken_what_it_had_and_the_new_match_stays(moved, clock):
    core, shelves = moved("answer")
    shelves.books.remove("1")

    core.sync()
    assert core.books.matches("forgetful") == {DUNE.partial_md5: "2"}
    clock.forward(minutes=10)
    core.sync()

    assert shelves.given == [("a", "1"), ("a", "2")]
    assert given_to(core)["given_to"] == "2"


def test_book_that_is_gone_and_was_not_matched_anew_is_forgotten(moved, clock):
    core, shelves = moved("request", to="1")
    shelves.books.remove("1")

    core.sync()

    assert core.books.matches("forgetful") == {}
    assert core.status().waiting[0].reason == "404"
