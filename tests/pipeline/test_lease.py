"""One run at a time per target, across processes; a run that died does not bar the next one for long."""

from datetime import UTC, datetime, timedelta

import pytest

from booklore_core import BookRef, Item
from booklore_core.pipeline.lease import Lease, LeaseLost
from booklore_core.testing import FakeTarget

pytestmark = pytest.mark.both_databases


@pytest.fixture
def lease(open_core, clock):
    """Makes leases of a target, each as another process would on the same file."""
    return lambda target="bookworm": Lease(open_core().database, target, clock)


def test_only_one_run_holds_a_targets_lease(lease):
    first, second = lease(), lease()

    assert first.take()
    assert not second.take()
    first.drop()
    assert second.take()


def test_targets_have_leases_of_their_own(lease):
    assert lease("bookworm").take()
    assert lease("library").take()


def test_a_lease_lapses_sixty_seconds_after_the_last_sign_of_life(lease, clock):
    first, second = lease(), lease()
    first.take()

    clock.forward(seconds=50)
    first.renew()
    clock.forward(seconds=59)
    assert not second.take()
    clock.forward(seconds=1)
    assert second.take()


def test_a_run_that_was_overtaken_learns_it_at_its_next_sign_of_life(lease, clock):
    first, second = lease(), lease()
    first.take()
    clock.forward(minutes=5)
    second.take()

    with pytest.raises(LeaseLost):
        first.renew()
    first.drop()
    second.renew()


def test_a_lapsed_lease_that_nobody_took_goes_on(lease, clock):
    first = lease()
    first.take()
    clock.forward(hours=8)

    first.renew()


def test_a_lease_from_a_clock_that_was_set_back_since_bars_nobody(lease, clock):
    now = clock()
    clock.now = datetime(2099, 1, 1, tzinfo=UTC)
    lease().take()

    clock.now = now
    assert lease().take()


def test_clocks_of_two_computers_may_differ_by_minutes(lease, clock):
    clock.forward(minutes=5)
    lease().take()

    clock.now -= timedelta(minutes=5)
    assert not lease().take()


def rating(clock, key):
    return Item("rating", key, BookRef("0" * 32), {"stars": 3}, clock())


def test_a_second_core_on_the_same_file_leaves_a_run_alone(open_core, clock):
    reports = []

    class Meddler(FakeTarget):
        def deliver(self, item, before):
            reports.append(other.sync())
            return super().deliver(item, before)

    first, second = Meddler(kinds={"rating"}), FakeTarget(kinds={"rating"})
    core, other = open_core(first), open_core(second)
    core.put([rating(clock, "dune")], "test")

    core.sync()

    assert reports[0].unavailable == {"bookworm": "another sync is running, or was cut off less than a minute ago"}
    assert (len(first.received), len(second.received)) == (1, 0)


def test_a_run_that_was_overtaken_sends_nothing_more_and_nothing_arrives_twice(open_core, clock):
    class Sleeper(FakeTarget):
        def deliver(self, item, before):
            remote_id = super().deliver(item, before)
            clock.forward(minutes=10)  # the computer slept in the middle of the call
            other.sync()
            return remote_id

    first, second = Sleeper(kinds={"rating"}), FakeTarget(kinds={"rating"})
    core, other = open_core(first), open_core(second)
    core.put([rating(clock, "dune"), rating(clock, "emma")], "test")

    report = core.sync()

    assert report.unavailable == {"bookworm": "another sync took over"}
    assert [item.key for item in first.received] == ["dune"]
    assert [(item.key, before.maybe_sent) for item, before in zip(second.received, second.befores, strict=True)] == [
        ("dune", True),
        ("emma", False),
    ]
    assert core.pending() == {}
