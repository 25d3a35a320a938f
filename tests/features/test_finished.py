"""Finished, on hold, and back from on hold, as KOReader's status of a book tells it."""

from itertools import count, permutations
from random import Random

import pytest
from deciding_world import DUNE, EMMA, Deciding, library
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

NUMBERS = count(1)


@pytest.fixture
def deciding(open_core):
    return Deciding(open_core)


def statuses(deciding):
    return [body["status"] for body in deciding.sent()]


@pytest.mark.parametrize("status", ["complete", "abandoned"])
def test_a_verdict_is_told_once(deciding, status):
    deciding.take(*deciding.visit(status="reading"), *deciding.visit(status=status))
    first = deciding.sent()

    deciding.take(*deciding.visit(status=status), *deciding.visit(status=status, device="kobo"))

    assert (first, deciding.sent()) == ([{"status": status, "device": "kobo"}], [])
    (item,) = deciding.target.received
    assert (item.kind, item.key) == ("status", DUNE["partial_md5"])


@pytest.mark.parametrize("status", [None, "new", "reading"])
def test_that_a_book_is_being_read_is_not_told(deciding, status):
    deciding.take(*deciding.visit(status=status))

    assert (deciding.sent(), deciding.held("status")) == ([], None)


def test_a_book_that_comes_back_from_on_hold_is_told(deciding):
    deciding.take(*deciding.visit(status="abandoned"))
    first = statuses(deciding)

    deciding.take(*deciding.visit(status="reading"))

    assert (first, statuses(deciding)) == (["abandoned"], ["reading"])


def test_a_book_that_is_read_again_stays_finished(deciding):
    deciding.take(*deciding.visit(status="complete"))
    first = statuses(deciding)

    deciding.take(*deciding.visit(status="reading"))

    assert (first, statuses(deciding)) == (["complete"], [])


@pytest.mark.parametrize("device", ["kobo", "kindle"])
def test_a_book_that_is_finished_once_more_is_told_of_again(deciding, device):
    """A server that is told where it is read takes it for one that is being read."""
    deciding.take(*deciding.visit(status="complete"))
    told = [statuses(deciding)]

    for _ in range(2):
        lines = [*deciding.visit(status="reading", device=device), *deciding.visit(status="complete", device=device)]
        deciding.take(*lines)
        told.append(statuses(deciding))
        deciding.take(*lines)
        deciding.take(*deciding.visit(status="complete", device=device))

    assert told == [["complete"]] * 3
    assert statuses(deciding) == []


def test_a_book_that_is_put_on_hold_once_more_is_told_of_again(deciding):
    deciding.take(*deciding.visit(status="abandoned"))
    first = statuses(deciding)

    deciding.take(*deciding.visit(status="reading"), *deciding.visit(status="abandoned"))

    assert (first, statuses(deciding)) == (["abandoned"], ["abandoned"])


def test_whoever_goes_on_with_a_book_on_hold_and_finishes_it_is_told_of_last(deciding):
    for status in ("abandoned", "reading", "complete"):
        deciding.take(*deciding.visit(status=status))

    assert statuses(deciding) == ["complete"]


@pytest.mark.parametrize(
    "lived",
    [
        ("abandoned", "reading", "complete"),
        ("abandoned", "complete", "reading"),
        ("complete", "abandoned", "reading"),
        ("complete", "abandoned", "complete"),
        ("abandoned", "reading", "abandoned"),
        ("complete", "reading", "abandoned"),
    ],
    ids=" ".join,
)
def test_in_whatever_order_lines_arrive_the_same_holds(open_core, lived):
    ends = set()
    for number, order in enumerate(permutations(range(3))):
        deciding = Deciding(open_core)
        visits = [deciding.visit({**DUNE, "partial_md5": f"{number:032}"}, status=status) for status in lived]
        for index in order:
            deciding.take(*visits[index])
            deciding.take(*visits[index])
        held = deciding.held("status", {"partial_md5": f"{number:032}"})
        ends.add(held["status"] if held else "reading")  # nobody was told of anything that this would take back
        deciding.core.close()

    assert ends == {last_of(lived)}


def last_of(lived):
    told = [status for status in lived if status != "reading"]
    return "reading" if lived[-1] == "reading" and told[-1] == "abandoned" else told[-1]


@pytest.mark.parametrize("is_late", [False, True])
def test_of_a_book_that_was_on_hold_before_it_is_read_again_the_last_word_is_told(deciding, is_late):
    """Its hold is not: but a server may have it of an earlier database, whose lines come once more."""
    visits = [deciding.visit(status="abandoned"), deciding.visit(status="reading")]

    for visit in reversed(visits) if is_late else visits:
        deciding.take(*visit)

    assert deciding.sent() == [{"status": "reading", "device": "kobo", "earlier": ["abandoned"]}]


def test_another_device_that_goes_on_saying_the_same_takes_nothing_back(deciding):
    deciding.take(*deciding.visit(status="abandoned"), *deciding.visit(status="abandoned", device="kindle"))
    deciding.take(*deciding.visit(status="reading", device="kindle"))
    first = statuses(deciding)

    deciding.take(*deciding.visit(status="abandoned"))

    assert (first, statuses(deciding)) == (["reading"], [])


def test_another_device_that_goes_on_saying_the_same_after_many_other_books_takes_nothing_back(deciding):
    deciding.take(*deciding.visit(status="abandoned", device="kindle"))
    for number in range(15):
        deciding.take(*deciding.visit({**EMMA, "partial_md5": f"{number:032}"}, status="reading", device="kindle"))
    deciding.take(*deciding.visit(status="complete"))
    deciding.sent()

    deciding.take(*deciding.visit(status="abandoned", device="kindle"))

    assert (statuses(deciding), deciding.held("status")["status"]) == ([], "complete")


VISITS = st.lists(
    st.tuples(st.sampled_from(["kobo", "kindle"]), st.sampled_from(["complete", "abandoned", "reading", None])),
    min_size=2,
    max_size=7,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("kobo", "abandoned"), ("kindle", "complete"), ("kindle", "reading"), ("kobo", "abandoned")], Random(3))
@example([("kindle", "abandoned"), ("kobo", "complete"), ("kindle", "abandoned")], Random(1))
@given(VISITS, st.randoms(use_true_random=False))
def test_in_whatever_order_the_lines_of_two_devices_arrive_the_same_holds(deciding, lived, random):
    book = {**DUNE, "partial_md5": f"{next(NUMBERS):032x}"}
    lines = [line for device, status in lived for line in deciding.visit(book, device, status=status)]
    random.shuffle(lines)

    for line in lines:
        deciding.take(line)
        if random.random() < 0.3:
            deciding.take(line)

    held = deciding.held("status", book)
    assert (held["status"] if held else "reading") == given_last(lived)  # nothing to take back is not told


def given_last(lived):
    """Told without any of the code: each device's visits in their order, of which those count that say another word."""
    verdict, shown = "reading", {}
    for device, status in lived:
        if status and shown.get(device) != status:
            verdict = status if (verdict, status) != ("complete", "reading") else verdict
            shown[device] = status
    return verdict


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_what_one_device_gave_last_holds_though_another_gave_the_same_before(deciding, order):
    visits = [deciding.visit(status=status, device=device)
              for status, device in (("abandoned", "kobo"), ("reading", "kobo"), ("abandoned", "kindle"))]  # fmt: skip

    for index in order:
        deciding.take(*visits[index])

    assert deciding.held("status")["status"] == "abandoned"


def test_each_book_has_its_own(deciding):
    deciding.take(*deciding.visit(status="complete"), *deciding.visit(EMMA, status="abandoned"))

    assert sorted(statuses(deciding)) == ["abandoned", "complete"]


def test_a_book_that_no_server_knows_waits(open_core):
    deciding = Deciding(open_core, library(EMMA))

    deciding.take(*deciding.visit(status="complete"))
    first = statuses(deciding)
    deciding.target.shelf[DUNE["partial_md5"]] = "42"

    assert (first, statuses(deciding)) == ([], ["complete"])


def test_switched_off_it_tells_nothing_and_later_what_holds_by_then(deciding):
    deciding.set("finished.enabled", False)
    deciding.take(*deciding.visit(status="abandoned"), *deciding.visit(status="complete"))
    assert deciding.sent() == []

    deciding.set("finished.enabled", True)

    assert statuses(deciding) == ["complete"]
