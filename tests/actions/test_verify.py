"""`verify` compares the ledger with what the target holds, and can have what is missing sent again."""

import pytest

from booklore_core.actions import start
from booklore_core.actions.verify import compare, resend
from booklore_core.flows import Request
from booklore_core.targets import BookUnmatched, Finding, TargetUnavailable
from booklore_core.testing import FakeTarget, SampleReader, answer_all, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


class OpenTarget(FakeTarget):
    """A target that lets its contents be looked at: `held` is what it holds, as keys of items."""

    held: list[str]
    is_open = True

    def deliver(self, item, before):
        remote_id = super().deliver(item, before)
        self.held = [*getattr(self, "held", []), item.key]
        return remote_id

    def audit(self, book, items):
        if not self.is_open:
            raise TargetUnavailable("closed")
        missing = [item for item in items if item.key not in self.held]
        twice = [item for item in items if self.held.count(item.key) > 1]
        return [Finding("missing", item.kind, book, item.key, "not there") for item in missing] + [
            Finding("duplicate", item.kind, book, item.key, "there twice") for item in twice
        ]


@pytest.fixture
def target():
    return OpenTarget()


@pytest.fixture
def core(open_core, target):
    core, reader = open_core(target), SampleReader()
    reader.read(DUNE)
    reader.sleep(600)
    reader.read(EMMA)
    core.take(reader.lines, "test")
    core.sync()
    return core


def test_when_all_is_there_nothing_is_found(core):
    verification = compare(core)

    assert verification.is_clean
    assert verification.checked == 2
    assert verification.as_json() == {
        "missing": [],
        "duplicate": [],
        "overlapping": [],
        "checked": 2,
        "unavailable": {},
    }


def test_what_the_target_lost_is_missing(core, target):
    lost = core.ledger.taken("bookworm", DUNE["partial_md5"])[0].key
    target.held.remove(lost)

    found = compare(core).as_json()

    assert [(one["book"], one["key"], one["target"]) for one in found["missing"]] == [("Dune", lost, "bookworm")]


def test_what_is_there_twice_is_a_duplicate(core, target):
    target.held.append(core.ledger.taken("bookworm", EMMA["partial_md5"])[0].key)

    assert [one["book"] for one in compare(core).as_json()["duplicate"]] == ["Emma"]


def test_one_book_alone_can_be_verified(core, target):
    target.held.clear()

    verification = compare(core, EMMA["partial_md5"])

    assert verification.checked == 1
    assert [finding.book.title for _, finding in verification.findings] == ["Emma"]


def test_what_is_missing_is_sent_again_on_request_and_only_that(core, target):
    target.held.pop(0)

    count = resend(core, compare(core))
    report = core.sync()

    assert (count, report.total("delivered")) == (1, {"session": 1})
    assert target.befores[-1].maybe_sent
    assert compare(core).is_clean


def test_a_target_out_of_reach_is_no_clean_result(core, target):
    target.is_open = False

    verification = compare(core)

    assert not verification.is_clean
    assert verification.unavailable == {"bookworm": "closed"}


def test_whoever_asks_is_told_which_target_was_out_of_reach(core, target):
    target.is_open = False

    result = answer_all(start(core, "verify", Request()), [])

    assert result.message == "0 items compared: 0 missing, 0 duplicate, 0 overlapping\nbookworm: closed"


def test_what_still_waits_is_not_verified(open_core):
    target = OpenTarget(fails_with=TargetUnavailable("asleep", maybe_sent=False))
    core, reader = open_core(target), SampleReader()
    reader.read(DUNE)
    core.take(reader.lines, "test")
    core.sync()

    assert compare(core).checked == 0


def test_a_book_that_cannot_be_compared_does_not_keep_the_others_from_it(core, target):
    audit = target.audit

    def choosy(book, items):
        if book.title == "Dune":
            raise BookUnmatched("it is gone")
        return audit(book, items)

    target.audit = choosy
    target.held.remove(core.ledger.taken("bookworm", EMMA["partial_md5"])[0].key)

    verification = compare(core)

    assert [finding.book.title for _, finding in verification.findings] == ["Emma"]
    assert verification.unavailable == {"bookworm": "Dune could not be compared: it is gone"}
