"""One run at one target: the order, the failures, and who is harmed by whom."""

import re
import threading

import pytest
from declared_kinds import declare
from delivery_world import ALL, EMMA, keys, row

from booklore_core import BookUnmatched, ItemFailed, ItemRejected, Superseded, TargetUnavailable
from booklore_core.pipeline import delivery as delivery_module
from booklore_core.pipeline import gateway
from booklore_core.testing import FakeLibrary, FakeTarget


def failing(**errors):
    """fails_with: the errors by key."""
    return lambda item: errors.get(item.key)


def test_the_kinds_go_in_the_order_that_they_declare_and_deletions_last(open_core, fact):
    bookworm = FakeTarget(kinds=ALL)
    core = declare(open_core(bookworm))

    core.put([fact(kind, kind) for kind in reversed(ALL)], "test")
    core.sync()

    assert keys(bookworm) == ["rating", "annotation", "bookmark", "progress", "session", "streak", "deletion"]


def test_a_kind_goes_book_by_book_in_the_order_in_which_it_happened(open_core, fact, clock):
    bookworm = FakeTarget(kinds=ALL)
    core = open_core(bookworm)
    earlier = [fact("emma-1", book=EMMA), fact("dune-1")]
    clock.forward(hours=1)

    core.put([fact("dune-2"), fact("emma-2", book=EMMA), *earlier], "test")
    core.sync()

    assert keys(bookworm) == ["dune-1", "dune-2", "emma-1", "emma-2"]


ERRORS = [
    RuntimeError("a bug"),
    ValueError(),
    KeyError("x"),
    SystemExit(1),
    KeyboardInterrupt(),
    GeneratorExit(),
    ItemFailed("busy"),
    ItemRejected("too long"),
    ItemRejected(None),
    ItemFailed({"not": "text"}),
    RuntimeError("\ud800 \0 half a character"),
    BookUnmatched("gone"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_item_that_fails_never_holds_up_the_next_one_and_counts_an_attempt(open_core, fact, error):
    bookworm = FakeTarget(kinds=ALL, fails_with=failing(a=error))
    core = open_core(bookworm)
    core.put([fact("a"), fact("b")], "test")

    report = core.sync()
    core.sync()

    assert keys(bookworm) == ["b"]
    assert row(core, "a")["retry_count"] == 2
    assert core.status().waiting[0].attempts == 2
    assert report.total("failed") == {"rating": 1}


def test_a_target_that_fails_harms_no_other_target(open_core, fact):
    broken = FakeTarget("broken", ALL, fails_with=SystemExit(1))
    down = FakeTarget("down", ALL, fails_with=TargetUnavailable("asleep"))
    well = FakeTarget("well", ALL)
    core = open_core(broken, down, well)
    core.put([fact("a"), fact("b")], "test")

    report = core.sync()

    assert keys(well) == ["a", "b"]
    assert report.unavailable == {"down": "asleep"}
    assert [run.waiting for run in report.runs if run.target == "broken"] == [{"rating": 2}]


def test_an_unreachable_target_ends_its_run_and_counts_no_attempt(open_core, fact):
    down = FakeTarget(kinds=ALL, fails_with=TargetUnavailable("no route", maybe_sent=False))
    core = open_core(down)
    core.put([fact("a"), fact("b")], "test")

    report = core.sync()

    assert len(down.befores) == 1
    assert report.unavailable == {"bookworm": "no route"}
    assert report.total("waiting") == {"rating": 2}
    assert row(core, "a") is None


def test_a_rejected_item_is_told_with_its_reason_and_tried_again_at_the_next_sync(open_core, fact):
    bookworm = FakeTarget(kinds=ALL, fails_with=ItemRejected("longer than 5000 characters"))
    core = open_core(bookworm)
    core.put([fact("a")], "test")

    report = core.sync()
    assert report.total("rejected") == {"rating": 1}
    assert not report.is_complete
    assert row(core, "a")["reason"] == "longer than 5000 characters"

    bookworm.wake_up()
    assert core.sync().is_complete


def test_there_is_no_limit_on_retries(open_core, fact):
    bookworm = FakeTarget(kinds=ALL, fails_with=ItemFailed("not yet"))
    core = open_core(bookworm)
    core.put([fact("a")], "test")

    for _ in range(25):
        core.sync()
    bookworm.wake_up()
    core.sync()

    assert row(core, "a")["retry_count"] == 25
    assert keys(bookworm) == ["a"]


@pytest.mark.parametrize("remote_id", [7, True, "x" * 5000, "\ud800", "", b"bytes"])
def test_whatever_a_target_answers_is_taken_as_its_id(open_core, fact, remote_id):
    class Odd(FakeTarget):
        def deliver(self, item, before):
            super().deliver(item, before)
            return remote_id

    core = open_core(Odd(kinds=ALL))
    core.put([fact("a")], "test")

    assert core.sync().is_complete


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(gateway, "CALL_LIMIT", 0.2)


HERE = r"\(.*test_delivery\.py, line \d+\)"


class Hanging(FakeTarget):
    """Does not come back from a delivery before `wake` is set."""

    def __init__(self, **options):
        super().__init__(kinds=ALL, **options)
        self.wake = threading.Event()

    def deliver(self, item, before):
        self.befores.append(before)
        self.wake.wait(30)
        self.received.append(item)
        return "late"


def test_a_target_that_hangs_is_given_up_and_the_item_may_have_been_sent(open_core, fact, short_limit):
    hanging, well = Hanging(name="hanging"), FakeTarget("well", ALL)
    core = open_core(hanging, well)
    core.put([fact("a")], "test")

    report = core.sync()

    assert re.fullmatch(f"deliver took longer than 0.2 s {HERE}", report.unavailable["hanging"])
    assert keys(well) == ["a"]
    assert (row(core, "a")["state"], row(core, "a")["maybe_sent"]) == ("unconfirmed", 1)
    assert row(core, "a")["retry_count"] == 0
    hanging.wake.set()


def test_while_a_call_that_was_given_up_may_still_send_no_other_run_begins(open_core, fact, short_limit):
    hanging = Hanging(name="hanging")
    core = open_core(hanging)
    core.put([fact("a")], "test")
    core.sync()

    [reason] = core.sync().unavailable.values()
    assert re.fullmatch(f"an earlier call has not come back yet {HERE}", reason)
    assert len(hanging.befores) == 1

    hanging.wake.set()
    for thread in threading.enumerate():
        if thread.name == "hanging":
            thread.join()
    core.sync()
    assert hanging.befores[-1].maybe_sent


def test_progress_is_told_up_to_the_end(open_core, fact):
    core, told = open_core(FakeLibrary({EMMA.partial_md5: "1"}, kinds=ALL)), []
    core.put([fact("a"), fact("b", book=EMMA), fact("c", book=EMMA)], "test")

    core.sync(progress=lambda target, done, total: told.append((done, total)))

    assert told == [(1, 3), (2, 3), (3, 3)]


def test_items_are_loaded_a_few_at_a_time(open_core, fact, monkeypatch):
    monkeypatch.setattr(delivery_module, "CHUNK", 4)
    bookworm = FakeTarget(kinds=ALL)
    core = open_core(bookworm)
    core.put([fact(f"{n:02}") for n in range(11)], "test")
    sizes, load = [], core.ledger.load
    monkeypatch.setattr(core.ledger, "load", lambda target, ids: sizes.append(len(ids)) or load(target, ids))

    core.sync()

    assert max(sizes) == 4
    assert keys(bookworm) == [f"{n:02}" for n in range(11)]


@pytest.mark.parametrize("question", [7, "a\0b"])
def test_a_question_that_is_none_costs_the_others_nothing(open_core, fact, question):
    odd, well = FakeTarget("odd", ALL, Superseded("newer", question=question)), FakeTarget("well", ALL)
    core = open_core(odd, well)
    core.put([fact("a")], "test")

    core.sync()

    assert keys(well) == ["a"]
