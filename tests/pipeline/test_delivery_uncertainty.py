"""Whatever is not known to have failed may have arrived: it is written down before sending and told to the target."""

import pytest

from booklore_core import Before, BookRef, BookUnmatched, Item, ItemFailed, ItemRejected, TargetUnavailable
from booklore_core.testing import FakeLibrary, FakeTarget, SampleReader, sample_book

DUNE = BookRef("d" * 32, "Dune")


class PowerCut(BaseException):
    """Ends the program in the middle of everything."""


@pytest.fixture
def rate(clock):
    """A rating of Dune; each later one is newer."""

    def rate(core, stars):
        clock.forward(minutes=1)
        core.put([Item("rating", "dune", DUNE, {"stars": stars}, clock())], "test")

    return rate


def row(core):
    return core.database.row("SELECT state, revision, maybe_sent, retry_count, remote_id, reason FROM deliveries")


def target(fails_with=None):
    return FakeTarget(kinds={"rating"}, fails_with=fails_with)


def test_the_outcome_is_unknown_before_anything_is_sent(open_core, rate):
    seen = []

    class Watching(FakeTarget):
        def deliver(self, item, before):
            seen.append(row(core)["state"])

    core = open_core(Watching(kinds={"rating"}))
    rate(core, 3)
    core.sync()

    assert seen == ["unconfirmed"]


def test_a_crash_between_sending_and_noting_tells_the_next_attempt(open_core, rate, monkeypatch):
    first = target()
    core = open_core(first)
    rate(core, 3)

    def power_cut(*_):
        raise PowerCut

    monkeypatch.setattr(core.ledger, "settle", power_cut)
    with pytest.raises(PowerCut):
        core.sync()
    second = target()
    reopened = open_core(second)
    reopened.sync()

    assert row(reopened)["state"] == "delivered"
    assert second.befores == [Before(maybe_sent=True)]


def test_a_crash_before_beginning_leaves_the_item_as_it_was(open_core, rate, monkeypatch):
    core = open_core(target())
    rate(core, 3)

    def power_cut(*_):
        raise PowerCut

    monkeypatch.setattr(core.ledger, "begin", power_cut)
    with pytest.raises(PowerCut):
        core.sync()
    second = target()
    open_core(second).sync()

    assert second.befores == [Before()]


MAYBE = [
    (TargetUnavailable("lost"), True),
    (TargetUnavailable("no route", maybe_sent=False), False),
    (ItemFailed("busy"), False),
    (ItemFailed("cannot look", maybe_sent=True), True),
    (ItemRejected("too long"), False),
    (RuntimeError("bug"), True),
    (SystemExit(1), True),
]


@pytest.mark.parametrize(("error", "maybe_sent"), MAYBE, ids=repr)
def test_the_next_attempt_is_told_whether_this_one_may_have_arrived(open_core, rate, error, maybe_sent):
    bookworm = target(error)
    core = open_core(bookworm)
    rate(core, 3)

    core.sync()
    bookworm.wake_up()
    core.sync()

    assert bookworm.befores == [Before(), Before(maybe_sent=maybe_sent)]


@pytest.mark.parametrize(("error", "_"), MAYBE, ids=repr)
def test_what_may_have_arrived_stays_so_whatever_the_next_attempt_comes_to(open_core, rate, error, _):
    bookworm = target(TargetUnavailable("lost"))
    core = open_core(bookworm)
    rate(core, 3)

    core.sync()
    bookworm.fails_with = error
    core.sync()
    bookworm.wake_up()
    core.sync()

    assert bookworm.befores[2].maybe_sent


def test_waiting_for_a_match_does_not_forget_that_an_item_may_have_arrived(open_core, rate):
    library = FakeLibrary({DUNE.partial_md5: "1"}, kinds={"rating"}, fails_with=TargetUnavailable("lost"))
    core = open_core(library)
    rate(core, 3)
    core.sync()
    library.fails_with = BookUnmatched("404")
    library.shelf.clear()
    core.sync()
    core.sync()

    library.wake_up()
    library.shelf[DUNE.partial_md5] = "2"
    core.sync()

    assert library.befores[-1].maybe_sent


def test_a_new_revision_is_told_that_the_earlier_one_may_have_arrived(open_core, rate):
    bookworm = target(TargetUnavailable("lost"))
    core = open_core(bookworm)
    rate(core, 3)
    core.sync()

    rate(core, 5)
    bookworm.wake_up()
    core.sync()

    assert [item.body["stars"] for item in bookworm.received] == [5]
    assert bookworm.befores[-1] == Before(maybe_sent=True)


HELD = ItemFailed("cannot look", maybe_sent=True)


def test_an_item_that_is_held_is_seen_waiting_with_its_reason(open_core, rate):
    core = open_core(target(HELD))
    rate(core, 3)
    core.sync()

    [waiting] = core.status().waiting
    assert (waiting.reason, waiting.attempts) == ("cannot look", 1)
    assert row(core)["state"] == "unconfirmed"


def test_an_attempt_that_certainly_sent_nothing_leaves_no_trace(open_core, rate):
    core = open_core(target(TargetUnavailable("no route", maybe_sent=False)))
    rate(core, 3)

    core.sync()

    assert row(core) is None


@pytest.mark.parametrize("error", [HELD, ItemRejected("too long"), ItemFailed("busy")], ids=repr)
def test_an_attempt_that_certainly_sent_nothing_restores_what_was(open_core, rate, error):
    bookworm = target(error)
    core = open_core(bookworm)
    rate(core, 3)
    core.sync()
    before = row(core)

    bookworm.fails_with = TargetUnavailable("no route", maybe_sent=False)
    core.sync()

    assert row(core) == before


def test_a_revision_that_could_not_be_sent_leaves_the_earlier_one_delivered(open_core, rate):
    bookworm = target()
    core = open_core(bookworm)
    rate(core, 3)
    core.sync()
    before = row(core)

    rate(core, 5)
    bookworm.fails_with = TargetUnavailable("no route", maybe_sent=False)
    core.sync()

    assert row(core) == before
    assert core.status().synced == {"rating": 1}
    assert core.pending() == {"rating": 1}


@pytest.fixture
def meanwhile(open_core):
    """A core whose target does something to the outbox in the middle of its first delivery."""

    def build(work, error=None):
        class Busy(FakeTarget):
            def deliver(self, item, before):
                if not self.befores:
                    work(core)
                    self.fails_with = error
                try:
                    return super().deliver(item, before)
                finally:
                    self.fails_with = None

        bookworm = Busy(kinds={"rating"})
        core = open_core(bookworm)
        return core, bookworm

    return build


def test_a_revision_put_while_the_earlier_one_is_on_its_way_is_sent_after_it(meanwhile, rate):
    core, bookworm = meanwhile(lambda core: rate(core, 5))
    rate(core, 3)

    core.sync()
    assert core.pending() == {"rating": 1}
    core.sync()

    assert [item.body["stars"] for item in bookworm.received] == [3, 5]
    assert bookworm.befores[1] == Before(remote_id="bookworm-1")


OUTCOMES = [None, ItemFailed("busy"), TargetUnavailable("lost"), TargetUnavailable("no route", maybe_sent=False)]


@pytest.mark.parametrize("error", OUTCOMES, ids=repr)
def test_what_is_discarded_while_on_its_way_is_not_sent_again(meanwhile, rate, clock, error):
    core, bookworm = meanwhile(lambda core: core.outbox.clear("rating", clock()), error)
    rate(core, 3)

    core.sync()
    core.sync()

    assert len(bookworm.befores) == 1
    assert core.pending() == {}


def test_a_revision_discarded_while_the_earlier_one_is_on_its_way_is_not_sent(meanwhile, rate, clock):
    def revise_and_discard(core):
        rate(core, 5)
        core.outbox.clear("rating", clock())

    core, bookworm = meanwhile(revise_and_discard)
    rate(core, 3)

    core.sync()
    core.sync()

    assert [item.body["stars"] for item in bookworm.received] == [3]
    assert row(core)["state"] == "delivered"


def test_what_was_revised_or_cleared_since_the_run_began_goes_as_it_is_now(open_core, clock):
    def change(item):
        if item.key == "1":
            core.outbox.clear("rating", clock())
            core.put([Item("rating", "2", DUNE, {"stars": 5}, clock())], "test")

    bookworm = target(change)
    core = open_core(bookworm)
    core.put([Item("rating", key, DUNE, {"stars": 3}, clock()) for key in "123"], "test")

    core.sync()

    assert [(item.key, item.body["stars"]) for item in bookworm.received] == [("1", 3), ("2", 5)]
    assert core.pending() == {}


def test_the_idempotency_key_is_the_same_for_every_sending_of_a_revision(open_core, rate, clock):
    sent = []

    class Losing(FakeTarget):
        def deliver(self, item, before):
            sent.append(item.idempotency_key)
            raise TargetUnavailable("lost")

    core = open_core(Losing(kinds={"rating"}))
    rate(core, 3)
    core.sync()
    rate(core, 3)
    core.sync()
    rate(core, 5)
    core.sync()

    assert sent[0] == sent[1] != sent[2]


def test_an_unknown_outcome_says_why_it_is_unknown(open_core):
    core = open_core(FakeTarget(fails_with=TargetUnavailable("the line was cut")))
    reader = SampleReader()
    reader.read(sample_book("Dune"))
    core.take(reader.lines, "test")

    core.sync()

    (waiting,) = core.status().waiting
    assert (waiting.reason, waiting.attempts) == ("outcome unknown: the line was cut", 0)
