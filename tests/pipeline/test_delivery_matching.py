"""The books of what is sent: matched before, found in the run, or not found; nobody waits for another's search."""

import re
import threading

import pytest
from declared_kinds import declare
from delivery_world import ALL, DUNE, EMMA, keys, row

from booklore_core import BookRef, BookUnmatched, ItemFailed, Match, TargetUnavailable
from booklore_core.pipeline import gateway
from booklore_core.testing import FakeLibrary


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(gateway, "CALL_LIMIT", 0.2)


def test_matches_come_first_and_one_call_serves_all_books(open_core, fact, clock):
    books = [BookRef(f"{n:032x}", f"Book {n}") for n in range(300)]
    library = FakeLibrary({books[7].partial_md5: "42"}, kinds=ALL)
    core = open_core(library)
    core.put([fact(f"{n}", book=book) for n, book in enumerate(books)], "test")

    report = core.sync()

    assert [len(asked) for asked in library.asked] == [300]
    assert [(item.key, item.book.match) for item in library.received] == [("7", "42")]
    assert report.runs[0].matched == 1
    assert report.total("waiting") == {"rating": 299}


def test_unmatched_books_never_hold_up_the_matched_ones_where_a_hundred_blocked_the_queue(open_core, fact, clock):
    library = FakeLibrary({EMMA.partial_md5: "1"}, kinds=ALL)
    core = open_core(library)
    core.put([fact(f"{n}") for n in range(250)] + [fact("emma", book=EMMA)], "test")

    core.sync()

    assert keys(library) == ["emma"]
    assert (row(core, "0")["state"], row(core, "0")["retry_count"]) == ("unmatched", 0)
    assert core.status().waiting[0].reason == "the book is not matched yet"


def test_what_waited_for_its_book_is_sent_once_it_is_matched(open_core, fact):
    library = FakeLibrary({}, kinds=ALL)
    core = open_core(library)
    core.put([fact("a")], "test")
    core.sync()

    library.shelf[DUNE.partial_md5] = "42"
    core.sync()

    assert [item.book.match for item in library.received] == ["42"]


def test_a_book_that_is_gone_is_matched_anew_and_its_items_wait(open_core, fact):
    library = FakeLibrary({DUNE.partial_md5: "42"}, kinds=ALL, fails_with=BookUnmatched("404"))
    core = open_core(library)
    core.put([fact("a"), fact("b")], "test")

    core.sync()

    assert core.books.matches("library") == {}
    assert len(library.befores) == 1
    assert (row(core, "a")["state"], row(core, "a")["reason"], row(core, "a")["retry_count"]) == ("unmatched", "404", 1)
    assert (row(core, "b")["state"], row(core, "b")["retry_count"]) == ("unmatched", 0)

    library.wake_up()
    library.shelf[DUNE.partial_md5] = "43"
    core.sync()
    assert [item.book.match for item in library.received] == ["43", "43"]


@pytest.mark.parametrize("answer", [None, 5, RuntimeError("bug"), SystemExit(2), {"d" * 32: "42"}, {1: 2}], ids=repr)
def test_matching_that_fails_does_not_hold_up_known_books(open_core, fact, clock, answer):
    class Odd(FakeLibrary):
        def match(self, books):
            if isinstance(answer, BaseException):
                raise answer
            return answer

    library = Odd({}, kinds=ALL)
    core = open_core(library)
    core.put([fact("dune"), fact("emma", book=EMMA)], "test")
    core.books.match(EMMA.partial_md5, "library", Match("1", "person"), clock())

    core.sync()

    assert keys(library) == ["emma"]


@pytest.fixture
def half_matched(open_core, fact, clock):
    """A core whose target knows Emma, and is asked for Dune; both are owed something."""

    def build(library):
        core = open_core(library)
        core.put([fact("dune"), fact("emma", book=EMMA)], "test")
        core.books.match(EMMA.partial_md5, library.name, Match("1", "person"), clock())
        return core

    return build


def test_a_search_that_ends_the_run_has_let_the_matched_books_pass(half_matched):
    library = FakeLibrary({}, kinds=ALL)
    library.is_open = False  # for searches only
    core = half_matched(library)

    report = core.sync()

    assert keys(library) == ["emma"]
    assert report.unavailable == {"library": "closed"}
    assert row(core, "dune") is None
    assert [one.reason for one in core.status().waiting] == ["closed"]


def test_a_search_that_hangs_costs_the_matched_books_nothing(half_matched, short_limit):
    wake = threading.Event()

    class Slow(FakeLibrary):
        def match(self, books):
            wake.wait(30)
            return {}

    library = Slow({}, kinds=ALL)
    core = half_matched(library)

    report = core.sync()
    wake.set()

    assert keys(library) == ["emma"]
    where = r"\(.*test_delivery_matching\.py, line \d+\)"
    assert re.fullmatch(rf"match took longer than 0.2 s {where}", report.unavailable["library"])


def test_a_target_that_is_down_is_found_out_once_and_not_searched(half_matched):
    library = FakeLibrary({}, kinds=ALL, fails_with=TargetUnavailable("down", maybe_sent=False))
    core = half_matched(library)

    core.sync()

    assert len(library.befores) == 1
    assert library.asked == []


def test_what_is_matched_in_a_run_is_sent_in_it_each_book_in_the_order_of_the_kinds(half_matched, fact):
    library = FakeLibrary({DUNE.partial_md5: "2"}, kinds=ALL)
    core = declare(half_matched(library))
    core.put([fact("goes", "deletion"), fact("read", "session")], "test")

    report = core.sync()

    assert keys(library) == ["emma", "dune", "read", "goes"]
    assert (report.runs[0].matched, report.is_complete) == (1, True)


def busy_with_emma(item):
    return ItemFailed("busy") if item.key == "emma" else None


def test_what_failed_before_the_search_is_not_tried_again_after_it(half_matched):
    library = FakeLibrary({DUNE.partial_md5: "2"}, kinds=ALL, fails_with=busy_with_emma)
    core = half_matched(library)

    core.sync()

    assert keys(library) == ["dune"]
    assert row(core, "emma")["retry_count"] == 1


def test_a_match_that_nobody_asked_for_is_not_taken(open_core, fact):
    class Eager(FakeLibrary):
        def match(self, books):
            return {"f" * 32: Match("9", "digest"), DUNE.partial_md5: Match(42, "digest")}

    library = Eager({}, kinds=ALL)
    core = open_core(library)
    core.put([fact("a")], "test")
    core.sync()

    assert core.books.matches("library") == {DUNE.partial_md5: "42"}


def test_a_library_that_is_closed_ends_the_run(open_core, fact):
    library = FakeLibrary({}, kinds=ALL)
    library.is_open = False
    core = open_core(library)
    core.put([fact("a")], "test")

    assert core.sync().unavailable == {"library": "closed"}
    assert row(core, "a") is None


def test_progress_is_told_on_after_the_search(half_matched):
    core, told = half_matched(FakeLibrary({DUNE.partial_md5: "2"}, kinds=ALL)), []

    core.sync(progress=lambda target, done, total: told.append((done, total)))

    assert told == [(0, 2), (1, 2), (1, 2), (2, 2)]
