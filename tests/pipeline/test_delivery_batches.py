"""A book's fresh items of one kind go together, up to a hundred; when that fails, in halves or one by one."""

import pytest
from declared_kinds import declare

from booklore_core import Before, BookRef, BookUnmatched, Item, ItemFailed, ItemRejected, Match, TargetUnavailable
from booklore_core.pipeline import delivery
from booklore_core.testing import FakeTarget, ForgetfulTarget

DUNE, EMMA = BookRef("d" * 32, "Dune"), BookRef("e" * 32, "Emma")


class Batching(FakeTarget):
    """Takes batches. batches: the keys of each that was tried. answers: what to raise or return instead."""

    def __init__(self, answer=None, **options):
        super().__init__(kinds={"session", "rating"}, **options)
        self.batches, self.answer = [], answer

    def deliver_batch(self, items):
        self.batches.append([item.key for item in items])
        answer = self.answer(items) if callable(self.answer) else self.answer
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            self.received += items
            return [f"batch-{item.key}" for item in items]
        return answer


@pytest.fixture
def put(clock):
    def put(core, *keys, kind="session", book=DUNE):
        core.put([Item(kind, str(key), book, {"key": key}, clock()) for key in keys], "test")

    return put


def sizes(target):
    return [len(batch) for batch in target.batches]


def states(core):
    rows = core.database.rows("SELECT state, maybe_sent, remote_id FROM deliveries ORDER BY item_id")
    return [tuple(row.values()) for row in rows]


def test_a_batch_holds_up_to_a_hundred_items(open_core, put):
    batching = Batching()
    core = open_core(batching)
    put(core, *range(230))

    report = core.sync()

    assert sizes(batching) == [100, 100, 30]
    assert batching.befores == []
    assert report.total("delivered") == {"session": 230}
    assert states(core)[0] == ("delivered", 0, "batch-0")


def test_a_batch_is_of_several_books_where_the_target_says_so_of_the_kind(open_core, put):
    batching = Batching()
    batching.spans_books, batching.batch_size = frozenset({"session"}), 250
    core = open_core(batching)
    for book in (DUNE, EMMA):
        put(core, *(f"{book.title} {number}" for number in range(150)), book=book)
        put(core, *(f"{book.title} {number}" for number in range(3)), kind="rating", book=book)

    report = core.sync()

    assert sorted(sizes(batching)) == [3, 3, 50, 250]
    assert report.total("delivered") == {"session": 300, "rating": 6}


def test_a_target_may_want_smaller_batches(open_core, put):
    batching = Batching()
    batching.batch_size = 2
    core = open_core(batching)
    put(core, *range(5))

    core.sync()

    assert sizes(batching) == [2, 2]
    assert len(batching.received) == 5


class Learning(Batching):
    """Knows only after it has talked to its server that this takes batches."""

    @property
    def batch_size(self):
        return 100 if self.received else 1


def test_a_first_run_goes_on_in_batches_once_the_target_knows_that_it_may(open_core, put):
    learning = Learning()
    core = open_core(learning)
    put(core, *range(delivery.CHUNK + 150))

    core.sync()

    assert sizes(learning) == [100, 50]
    assert len(learning.received) == delivery.CHUNK + 150


def test_a_batch_is_of_one_book_and_one_kind(open_core, put):
    batching = Batching()
    core = declare(open_core(batching))
    put(core, 1, 2)
    put(core, 3, 4, book=EMMA)
    put(core, 5, 6, kind="rating")

    core.sync()

    assert batching.batches == [["5", "6"], ["1", "2"], ["3", "4"]]


def test_a_single_item_goes_alone(open_core, put):
    batching = Batching()
    core = open_core(batching)
    put(core, 1)

    core.sync()

    assert batching.batches == []
    assert batching.befores == [Before()]


FAILURES = [
    (ItemFailed("one by one, please"), False),
    (ItemRejected("one of them is bad"), False),
    (ItemFailed("half of it is there", maybe_sent=True), True),
    (RuntimeError("bug"), True),
    (SystemExit(1), True),
    (["only one id"], True),
    (["a", "b", "c", "d"], True),
    (17, True),
]


@pytest.mark.parametrize(("answer", "maybe_sent"), FAILURES, ids=repr)
def test_after_a_batch_that_failed_the_items_go_one_by_one(open_core, put, answer, maybe_sent):
    batching = Batching(answer)
    core = open_core(batching)
    put(core, 1, 2, 3)

    report = core.sync()

    assert batching.befores == [Before(maybe_sent=maybe_sent)] * 3
    assert report.total("delivered") == {"session": 3}
    assert core.pending() == {}


def test_a_batch_that_was_taken_by_half_is_sent_as_possibly_sent(open_core, put):
    def half(items):
        batching.received += items[:1]
        return ItemFailed("the connection broke", maybe_sent=True)

    batching = Batching(half)
    batching.fails_with = lambda item: ItemFailed("it is there") if item in batching.received else None
    core = open_core(batching)
    put(core, 1, 2)

    core.sync()

    assert [item.key for item in batching.received] == ["1", "2"]


@pytest.mark.parametrize(("maybe_sent", "left"), [(True, [("unconfirmed", 1, None)] * 3), (False, [])])
def test_an_unreachable_target_ends_the_run_at_a_batch(open_core, put, maybe_sent, left):
    batching = Batching(TargetUnavailable("down", maybe_sent=maybe_sent))
    core = open_core(batching)
    put(core, 1, 2, 3)

    core.sync()

    assert batching.befores == []
    assert states(core) == left


def test_what_may_have_been_sent_never_goes_in_a_batch_again(open_core, put):
    batching = Batching(TargetUnavailable("lost"))
    core = open_core(batching)
    put(core, 1, 2)
    core.sync()

    batching.answer = None
    put(core, 3, 4)
    core.sync()

    assert batching.batches == [["1", "2"], ["3", "4"]]
    assert batching.befores == [Before(maybe_sent=True)] * 2


def test_one_bad_item_does_not_spoil_every_later_batch(open_core, put):
    batching = Batching(lambda items: ItemFailed("no") if "bad" in [item.key for item in items] else None)
    batching.fails_with = lambda item: ItemRejected("bad") if item.key == "bad" else None
    core = open_core(batching)
    put(core, "bad", 1)
    core.sync()

    put(core, 2, 3)
    core.sync()

    assert batching.batches == [["bad", "1"], ["2", "3"]]


@pytest.mark.parametrize("bad", [{0}, {99}, {41, 42}])
def test_what_is_bad_in_a_batch_is_found_by_halves(open_core, put, bad):
    refused = {str(number) for number in bad}
    error = ItemRejected("one of them is bad")
    batching = Batching(lambda items: error if refused & {item.key for item in items} else None)
    batching.fails_with = lambda item: error if item.key in refused else None
    core = open_core(batching)
    put(core, *range(100))

    report = core.sync()

    assert report.total("delivered") == {"session": 100 - len(bad)}
    assert len(batching.batches) + len(batching.befores) <= 20 * len(bad)
    assert sorted({state for state, *_ in states(core)}) == ["delivered", "rejected"]


def test_a_book_that_is_gone_from_a_batch_of_several_holds_up_no_other(open_core, put):
    batching = Batching(lambda items: BookUnmatched("gone") if EMMA in [item.book for item in items] else None)
    batching.spans_books, batching.batch_size = frozenset({"session"}), 250
    batching.fails_with = lambda item: BookUnmatched("gone") if item.book == EMMA else None
    core = open_core(batching)
    put(core, *range(120))
    put(core, *range(200, 203), book=EMMA)

    report = core.sync()

    assert report.total("delivered") == {"session": 120}
    assert len(batching.batches) + len(batching.befores) <= 20


def test_a_book_that_is_gone_has_nothing_of_it_sent_again(open_core, put, clock):
    class Library(Batching):
        def match(self, books):
            return {}

    library = Library(BookUnmatched("gone"))
    library.batch_size = 2
    core = open_core(library)
    put(core, *range(6))
    core.books.match(DUNE.partial_md5, library.name, Match("7", "person"), clock())

    core.sync()

    assert library.batches == [["0", "1"]]
    assert library.befores == []
    assert {state for state, *_ in states(core)} == {"unmatched"}


def test_what_is_older_is_looked_for_once_before_its_batch_is_halved(open_core, put, clock):
    class Looking(Batching):
        looked = 0

        def find(self, item):
            self.looked += 1

    looking = Looking(lambda items: ItemRejected("no") if "bad" in [item.key for item in items] else None)
    looking.fails_with = lambda item: ItemRejected("bad") if item.key == "bad" else None
    core = open_core(looking)
    old = [Item("session", key, DUNE, {"source": "file"}, clock()) for key in ("bad", *map(str, range(63)))]
    core.put(old, "test")

    core.sync()

    assert len(looking.received) == 63
    assert looking.looked <= 64 + 2


def test_a_target_may_say_which_kinds_go_in_batches(open_core, put):
    batching = Batching()
    batching.batched = frozenset({"session"})
    core = declare(open_core(batching))
    put(core, 1, 2)
    put(core, 5, 6, kind="rating")

    core.sync()

    assert batching.batches == [["1", "2"]]
    assert len(batching.received) == 4


def test_what_waited_for_its_match_goes_in_a_batch(open_core, put, clock):
    class BatchingLibrary(Batching):
        def match(self, books):
            return {}

    library = BatchingLibrary(name="library")
    core = open_core(library)
    put(core, 1, 2)
    core.sync()

    core.books.match(DUNE.partial_md5, "library", Match("42", "person"), clock())
    core.sync()

    assert library.batches == [["1", "2"]]
    assert {item.book.match for item in library.received} == {"42"}


def test_no_answer_is_an_answer_without_ids(open_core, put):
    class Silent(Batching):
        def deliver_batch(self, items):
            super().deliver_batch(items)

    silent = Silent()
    core = open_core(silent)
    put(core, 1, 2)

    assert core.sync().is_complete
    assert states(core) == [("delivered", 0, None)] * 2


class Forgetful(ForgetfulTarget):
    """Takes batches, of which the answers are lost as those of single deliveries are."""

    def deliver_batch(self, items):
        if self.loses is None:
            self.received += items
            return [item.key for item in items]
        if self.loses != "request":
            (self.late if self.loses == "late" else self.received).extend(items)
        raise self.error


LOST = [TargetUnavailable("no answer"), ItemFailed("500", maybe_sent=True), RuntimeError("bug")]


@pytest.mark.parametrize("error", LOST, ids=repr)
@pytest.mark.parametrize("loses", ["request", "answer", "late"])
def test_a_batch_whose_answer_was_lost_is_looked_for_one_by_one(open_core, put, clock, error, loses):
    batching = Forgetful(loses=loses)
    batching.error = error
    core = open_core(batching)
    put(core, *"abc")
    core.sync()
    assert batching.befores == []
    batching.wake_up()

    core.sync()
    batching.arrive()
    clock.forward(minutes=10)
    core.sync()

    assert sorted(item.key for item in batching.received) == ["a", "b", "c"]
    assert core.pending() == {}


def test_a_batch_that_was_certainly_not_taken_goes_one_by_one_at_once(open_core, put):
    batching = Forgetful(loses="request")
    batching.error = ItemFailed("one by one, please")
    batching.deliver = lambda item, before: FakeTarget.deliver(batching, item, before)
    core = open_core(batching)
    put(core, *"abc")

    core.sync()

    assert [item.key for item in batching.received] == ["a", "b", "c"]
    assert batching.looked == []
