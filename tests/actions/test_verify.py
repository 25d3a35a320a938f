"""`verify` compares the ledger with what the target holds, and can have what is missing sent again."""

import pytest

from booklore_core.actions import start
from booklore_core.actions.verify import compare, resend
from booklore_core.flows import Request
from booklore_core.pipeline.lease import Lease
from booklore_core.targets import BookUnmatched, Finding, Match, TargetUnavailable
from booklore_core.testing import FakeLibrary, FakeTarget, SampleReader, answer_all, sample_book

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
def core(core):
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


def test_one_target_alone_can_be_verified(core, target):
    target.held.clear()

    assert compare(core, name="bookworm").checked == 2
    assert compare(core, name="another").checked == 0
    assert not answer_all(start(core, "verify", Request(args={"target": "another"})), []).ok


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
    told = answer_all(start(core, "verify", Request()), []).message
    assert told.splitlines()[-1] == "not sent yet, so not compared: 1 session"


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


def test_every_book_that_cannot_be_compared_is_named(core, target):
    def gone(book, items):
        raise BookUnmatched(f"there is no {book.title} any more")

    target.audit = gone

    assert compare(core).unavailable == {
        "bookworm": "Dune could not be compared: there is no Dune any more; "
        "Emma could not be compared: there is no Emma any more"
    }


def test_what_no_target_can_compare_is_told_by_its_number(core, target):
    target.audited = frozenset()

    result = answer_all(start(core, "verify", Request()), [])
    of_one = answer_all(start(core, "verify", Request(args={"book": "Dune"})), [])

    assert result.message.splitlines() == [
        "0 items compared: 0 missing, 0 duplicate, 0 overlapping",
        "bookworm: not compared: 2 sessions",
    ]
    assert result.data["uncompared"] == {"bookworm": {"session": 2}}
    assert of_one.message.splitlines()[1:] == ["bookworm: not compared: 1 session"]


class OpenLibrary(FakeLibrary):
    """A library that lets its shelves be looked at. held: its own id of a book → keys of the items it holds of it."""

    held: dict[str, list[str]]

    def deliver(self, item, before):
        remote_id = super().deliver(item, before)
        self.held = getattr(self, "held", {})
        self.held.setdefault(item.book.match, []).append(item.key)
        return remote_id

    def audit(self, book, items):
        if book.match not in self.titles:
            raise BookUnmatched(f"there is no book {book.match}")
        held, ours = self.held.get(book.match, []), {item.key for item in items}
        missing = [Finding("missing", one.kind, one.book, one.key, "not there") for one in items if one.key not in held]
        return missing + [Finding("duplicate", "session", book, key, "not sent") for key in held if key not in ours]


@pytest.fixture
def misled(open_core):
    """A library that took one session of Dune and one of Emma for Emma's, before a person said which book Dune is."""
    titles = {"7": "Emma", "8": "Dune"}
    library = OpenLibrary({book["partial_md5"]: "7" for book in (DUNE, EMMA)}, titles)
    core, reader = open_core(library), SampleReader()
    for book in (DUNE, EMMA):
        core.take(reader.read(book), "test")
    core.sync()
    core.books.match(DUNE["partial_md5"], "library", Match("8", "person", 1.0, "Dune"), core.clock())
    core.take(reader.read(DUNE), "test")
    core.sync()
    return core, library


def test_what_was_given_to_another_book_is_not_missing_and_what_stays_there_is_told(misled):
    core, _ = misled

    verification = compare(core)
    result = answer_all(start(core, "verify", Request()), [])

    assert (verification.is_clean, verification.checked) == (True, 3)
    assert result.ok
    assert result.message.splitlines() == [
        "3 items compared: 0 missing, 0 duplicate, 0 overlapping",
        "library: Dune: 1 session given to “Emma” (7), which it is not matched with any more",
    ]
    assert result.data["elsewhere"] == {"library": [result.message.splitlines()[1].removeprefix("library: ")]}


def test_nothing_is_sent_again_for_what_was_given_to_another_book(misled):
    core, library = misled

    count = resend(core, compare(core))
    core.sync()

    assert (count, [len(held) for held in library.held.values()]) == (0, [2, 1])


def test_what_is_missing_where_it_was_given_is_sent_to_the_book_that_is_matched_now(misled):
    core, library = misled
    lost = core.ledger.taken("library", DUNE["partial_md5"])[0].key
    library.held["7"].remove(lost)

    found = compare(core)
    resend(core, found)
    core.sync()

    assert [(finding.book.title, finding.key) for _, finding in found.findings] == [("Dune", lost)]
    assert library.held["8"][-1] == lost
    assert compare(core).is_clean


def test_one_book_alone_is_compared_with_what_others_gave_to_the_same_book(misled):
    core, library = misled
    library.held["7"].clear()

    verification = compare(core, EMMA["partial_md5"])

    assert [finding.book.title for _, finding in verification.findings] == ["Emma"]
    assert verification.checked == 1


def test_a_book_that_is_gone_with_what_it_was_given_does_not_keep_the_others_from_being_compared(misled):
    core, library = misled
    del library.titles["7"]

    verification = compare(core)

    assert verification.unavailable == {"library": "Dune could not be compared: there is no book 7"}
    assert verification.checked == 1


def test_while_another_run_delivers_nothing_is_compared(core, target):
    """A look may bring something to the target, as one that sends again does; two at a time may spoil what is there."""
    other = Lease(core.database, "bookworm", core.clock)
    assert other.take()
    target.audit = pytest.fail

    result = answer_all(start(core, "verify", Request()), [])

    assert not result.ok
    assert "bookworm: another sync is running" in result.message
    other.drop()
    del target.audit
    assert compare(core).is_clean


def test_while_it_is_compared_no_run_delivers(core, target):
    other, had = Lease(core.database, "bookworm", core.clock), []
    look = target.audit
    target.audit = lambda book, items: had.append(other.take()) or look(book, items)

    assert compare(core).is_clean
    assert had == [False, False]
    assert other.take()


def test_one_that_has_lost_its_right_meanwhile_goes_no_further(core, target):
    other, asked = Lease(core.database, "bookworm", core.clock), []

    def audit(book, items):
        asked.append(book)
        core.clock.forward(seconds=120)
        assert other.take()
        return []

    target.audit = audit

    assert compare(core).unavailable == {"bookworm": "another sync is running, or was cut off less than a minute ago"}
    assert len(asked) == 1
    assert not Lease(core.database, "bookworm", core.clock).take()


def test_what_was_given_to_a_book_that_is_gone_is_sent_to_the_one_that_is_matched_now(misled):
    core, library = misled
    core.books.match(EMMA["partial_md5"], "library", Match("9", "digest", 1.0, "Emma"), core.clock())
    library.titles = {"8": "Dune", "9": "Emma"}

    found = compare(core)
    count = resend(core, found)
    core.sync()

    assert found.unavailable == {}
    assert [(finding.what, finding.book.title) for _, finding in found.findings] == [
        ("missing", "Dune"),
        ("missing", "Emma"),
    ]
    assert (count, len(library.held["8"]), len(library.held["9"])) == (2, 2, 1)


def test_a_book_that_is_gone_and_matched_with_no_other_lacks_nothing(misled):
    core, library = misled
    library.titles = {"8": "Dune"}

    assert compare(core).findings == []
    assert compare(core).unavailable == {"library": "Dune could not be compared: there is no book 7"}
