"""Requests are begun together and settled together; those of several books go at a time where a target says so."""

import threading
import time

import pytest
from declared_kinds import declare
from delivery_world import DUNE, EMMA, keys

from booklore_core import BookRef, BookUnmatched, Item, ItemRejected, Match, TargetUnavailable
from booklore_core.pipeline import gateway
from booklore_core.pipeline.groups import TOGETHER
from booklore_core.pipeline.lease import Lease
from booklore_core.testing import FakeTarget, ForgetfulTarget

LONG = 10.0
"""Seconds that no test ever waits."""

BOOKS = [BookRef(f"{number:032x}", f"Book {number}") for number in range(1, 7)]
STATES = "SELECT i.key, d.state FROM items i LEFT JOIN deliveries d ON d.item_id = i.id"


class Watching(ForgetfulTarget):
    """Can be looked at. seen: how many items had been begun, outcome unknown, at each delivery. act: done with each
    item before it is taken."""

    def __init__(self, act=lambda item: None, **options):
        super().__init__(kinds={"session", "rating"}, **options)
        self.core, self.seen, self.act = None, [], act

    def deliver(self, item, before):
        self.seen.append(sum(state == "unconfirmed" for state in states(self.core).values()))
        self.act(item)
        return super().deliver(item, before)


class Wide(Watching):
    """Takes four requests at a time. together: the most that were ever under way; of_a_book: of one book."""

    concurrency = 4

    def __init__(self, act=lambda item: None, **options):
        super().__init__(act, **options)
        self.lock, self.under_way, self.together, self.of_a_book = threading.Lock(), [], 0, 0

    def deliver(self, item, before):
        with self.lock:
            self.under_way.append(item.book.title)
            self.together = max(self.together, len(self.under_way))
            self.of_a_book = max(self.of_a_book, self.under_way.count(item.book.title))
        try:
            self.act(item)
            with self.lock:
                return FakeTarget.deliver(self, item, before)
        finally:
            with self.lock:
                self.under_way.remove(item.book.title)


@pytest.fixture
def put(clock):
    def put(core, count, book=DUNE, kind="session"):
        names = [f"{book.title} {kind} {number:02}" for number in range(count)]
        core.put([Item(kind, name, book, {"key": name}, clock()) for name in names], "test")

    return put


@pytest.fixture
def opened(open_core):
    def opened(target):
        target.core = declare(open_core(target))
        return target.core

    return opened


def states(core):
    return {row["key"]: row["state"] for row in core.database.rows(STATES)}


def sent(target, book):
    return [key for key in keys(target) if key.startswith(book.title)]


def raising(error, key):
    def act(item):
        if item.key == key:
            raise error

    return act


def raising_of(book, error):
    def act(item):
        if item.book.partial_md5 == book.partial_md5:
            raise error

    return act


@pytest.mark.both_databases
def test_what_can_be_looked_for_is_begun_together(opened, put):
    target = Watching()
    core = opened(target)
    put(core, TOGETHER + 3)

    core.sync()

    assert target.seen == [TOGETHER] * TOGETHER + [3] * 3
    assert set(states(core).values()) == {"delivered"}


def test_what_cannot_is_begun_one_by_one(opened, put):
    target = Watching()
    target.looked_for = frozenset({"rating"})
    core = opened(target)
    put(core, 3)

    core.sync()

    assert target.seen == [1, 1, 1]


@pytest.mark.parametrize("maybe_sent", [True, False])
def test_what_was_begun_and_not_sent_is_as_it_was(opened, put, maybe_sent):
    target = Watching(raising(TargetUnavailable("down", maybe_sent), "Dune session 02"))
    core = opened(target)
    put(core, 5)

    core.sync()

    assert list(states(core).values()) == ["delivered"] * 2 + ["unconfirmed" if maybe_sent else None] + [None] * 2
    target.act = lambda item: None
    core.sync()
    assert len(target.received) == 4 + (not maybe_sent)


def test_one_that_is_refused_holds_up_none_of_those_that_were_begun_with_it(opened, put):
    target = Watching(raising(ItemRejected("no"), "Dune session 01"))
    core = opened(target)
    put(core, 3)

    report = core.sync()

    assert report.total("delivered") == {"session": 2}
    assert list(states(core).values()) == ["delivered", "rejected", "delivered"]


def test_after_a_sleep_in_which_somebody_took_over_nothing_more_is_sent(opened, put, clock):
    def sleep(item):
        clock.forward(minutes=30)
        assert Lease(core.database, target.name, clock).take()

    target = Watching(sleep)
    core = opened(target)
    put(core, 5)

    [run] = core.sync().runs

    assert run.unavailable == "another sync took over"
    assert keys(target) == ["Dune session 00"]


def test_after_a_sleep_in_which_nobody_did_the_run_goes_on(opened, put, clock):
    target = Watching(lambda item: clock.forward(minutes=30))
    core = opened(target)
    put(core, 3)

    assert core.sync().is_complete

    assert keys(target) == [f"Dune session 0{number}" for number in range(3)]


def test_a_clock_that_goes_back_all_the_time_holds_up_no_run_for_ever(opened, put, clock):
    target = Watching(lambda item: clock.forward(minutes=-30))
    core = opened(target)
    put(core, 3)

    core.sync()
    core.sync()

    assert keys(target) == [f"Dune session 0{number}" for number in range(3)]


@pytest.mark.both_databases
def test_as_many_books_go_at_a_time_as_the_target_says(opened, put):
    meeting = threading.Barrier(4)
    target = Wide(lambda item: meeting.wait(LONG))
    core = opened(target)
    for book in BOOKS[:4]:
        put(core, 50, book)

    assert core.sync().is_complete

    assert (target.together, target.of_a_book, len(target.received)) == (4, 1, 200)
    assert all(sent(target, book) == sorted(sent(target, book)) for book in BOOKS)


def test_the_kinds_keep_their_order(opened, put):
    target = Wide()
    core = opened(target)
    for book in BOOKS:
        put(core, 3, book)
        put(core, 1, book, kind="rating")

    core.sync()

    assert [item.kind for item in target.received] == ["rating"] * 6 + ["session"] * 18


def test_a_target_may_say_of_which_kinds_several_go_at_a_time(opened, put):
    target = Wide()
    target.concurrent = frozenset({"session"})
    core = opened(target)
    for book in BOOKS:
        put(core, 1, book, kind="rating")

    core.sync()

    assert (target.together, len(target.received)) == (1, 6)


def test_two_files_of_one_book_there_go_one_after_the_other(opened, put):
    class Library(Wide):
        def match(self, books):
            return {book.partial_md5: Match("7", "isbn", 1.0) for book in books}

    target = Library(lambda item: time.sleep(0.005))
    core = opened(target)
    for book in BOOKS[:4]:
        put(core, 3, book)

    assert core.sync().is_complete
    assert (target.together, len(target.received)) == (1, 12)


@pytest.mark.parametrize("nonsense", [0, -3, "many", None, 10**9, 2.5])
def test_a_number_that_is_none_does_no_harm(opened, put, nonsense):
    target = Wide()
    target.concurrency = nonsense
    core = opened(target)
    for book in BOOKS:
        put(core, 2, book)

    assert core.sync().is_complete
    assert target.of_a_book == 1
    assert target.together <= gateway.MAX_LANES


def test_where_one_finds_nobody_there_the_others_begin_nothing_more(opened, put):
    meeting = threading.Barrier(4)

    def act(item):
        lanes[item.book.title] = threading.current_thread()
        meeting.wait(LONG)
        if item.book.title == "Book 1":
            raise TargetUnavailable("down")
        lanes["Book 1"].join(LONG)

    lanes = {}
    target = Wide(act)
    core = opened(target)
    for book in BOOKS[:4]:
        put(core, 5, book)

    [run] = core.sync().runs

    assert run.unavailable == "down"
    found = states(core)
    assert [found[f"{book.title} session 00"] for book in BOOKS[:4]] == ["unconfirmed"] + ["delivered"] * 3
    assert [state for key, state in found.items() if not key.endswith("00")] == [None] * 16


def test_one_that_hangs_ends_the_run_and_sends_nothing_more_when_it_comes_back(opened, put, monkeypatch):
    monkeypatch.setattr(gateway, "CALL_LIMIT", 0.2)
    gate, entered = threading.Event(), threading.Event()

    def act(item):
        if item.key == "Book 1 session 01":
            entered.set()
            gate.wait(LONG)

    target = Wide(act)
    core = opened(target)
    for book in BOOKS[:2]:
        put(core, 4, book)

    [run] = core.sync().runs
    assert entered.is_set() and "took longer than 0.2 s" in run.unavailable
    gate.set()
    while core.sync().runs[0].unavailable:
        gate.wait(0.01)

    assert sorted(keys(target)) == sorted(
        f"{book.title} session 0{number}" for book in BOOKS[:2] for number in range(4)
    )
    assert not core.pending()


def test_after_its_book_was_not_found_nothing_more_of_it_is_sent(opened, put, clock):
    class Library(Wide):
        def match(self, books):
            return {}

    library = Library(raising_of(DUNE, BookUnmatched("gone")))
    core = opened(library)
    for book in (DUNE, EMMA):
        put(core, 3, book)
        core.books.match(book.partial_md5, library.name, Match("7", "person"), clock())

    core.sync()

    found = core.database.rows("SELECT key, d.state, d.reason FROM due d JOIN items i ON i.id = d.item_id")
    assert [row["state"] for row in found] == ["unmatched"] * 3
    assert [row["reason"] for row in found] == ["gone"] + ["the book is not matched yet"] * 2
    assert sent(library, EMMA) == [f"Emma session 0{number}" for number in range(3)]


def test_of_a_book_that_needs_no_match_and_is_gone_each_item_is_told_of(opened, put):
    target = Wide(raising_of(DUNE, BookUnmatched("gone")))
    core = opened(target)
    for book in (DUNE, EMMA):
        put(core, 3, book)

    core.sync()

    found = core.database.rows("SELECT d.reason FROM due d")
    assert [row["reason"] for row in found] == ["gone"] * 3
    assert len(sent(target, EMMA)) == 3
