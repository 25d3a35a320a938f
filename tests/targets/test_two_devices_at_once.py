"""Two devices that one book is read on at a time, and a core whose database was lost: each session arrives whole, once.

The server names no device. What it has of a time may be the session itself in an earlier form, another program's
telling of it, or what somebody else has read meanwhile.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from library_world import Household, on_device

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import MORNING, SampleReader, answer_all

DIALECTS = ("booklore", "custom")
KOBO, BOOX = "kobo-1", "boox-2"
DUNE = 0


class Home(Household):
    """A household and its devices; what they read is handed over when that is said."""

    def read_at(self, device, minute, pages=5, seconds=40, begin=1):
        """Reads from a page on, so many minutes after morning."""
        reader = self.readers.setdefault(device, SampleReader(device))
        reader.now = MORNING + timedelta(minutes=minute)
        reader._pages[self.book["partial_md5"]] = begin
        reader.read(self.book, pages, seconds)
        return self

    @property
    def book(self):
        return on_device(list(self.server.books.values())[DUNE])

    def hand_over(self, *devices):
        for device in devices:
            assert not self.core.take(self.readers[device].lines, "test").rejected
        return self

    def lose_database(self):
        devices, self.readers = self.readers, {}
        self.begin_anew()
        self.readers = devices
        return self

    def settle(self):
        for _ in range(3):
            self.sync()
            self.clock.forward(601)
        return self

    @property
    def there(self):
        """Minute and second after morning of begin and end, seconds of reading, and the pages, as the server has it."""
        return sorted((after(row["startTime"]), after(row["endTime"]), row["durationSeconds"], row["startLocation"],
                       row["endLocation"]) for row in self.server.sessions)  # fmt: skip

    @property
    def waits(self):
        return [(one["state"], one["reason"]) for one in self.core.database.rows(
            "SELECT d.state, d.reason FROM deliveries d WHERE d.state <> 'delivered'")]  # fmt: skip

    def verified(self):
        return answer_all(start(self.core, "verify", Request()), [])


def after(time):
    hour, minute, second = (int(part) for part in time[11:19].split(":"))
    return f"{60 * hour + minute - 60 * MORNING.hour - MORNING.minute}:{second:02}"


@pytest.fixture(params=DIALECTS)
def home(request, tmp_path):
    home = Home(tmp_path / "home", request.param)
    yield home
    home.close()


@pytest.fixture
def stock(tmp_path):
    home = Home(tmp_path / "home", "booklore")
    yield home
    home.close()


FIRST, SECOND = ("0:00", "3:20", 200, "1", "6"), ("2:00", "5:20", 200, "1", "6")
"""A session of either device, which overlap."""


def both_read(home):
    home.read_at(KOBO, 0)
    home.read_at(BOOX, 2)
    return home


@pytest.mark.parametrize("sent", [KOBO, BOOX])
def test_what_the_server_has_of_the_other_device_takes_nothing_from_this_one(home, sent):
    both_read(home).hand_over(sent).settle()
    assert len(home.there) == 1

    home.lose_database().hand_over(KOBO, BOOX).settle()

    assert home.there == [FIRST, SECOND]
    assert home.core.pending() == {}
    assert home.verified().ok


@pytest.mark.parametrize("sent", [KOBO, BOOX])
def test_nor_does_it_when_that_one_was_told_in_an_earlier_run(home, sent):
    (late,) = {KOBO, BOOX} - {sent}
    both_read(home).hand_over(sent).settle()

    home.lose_database().hand_over(sent).settle()
    home.hand_over(late).settle()

    assert home.there == [FIRST, SECOND]


@pytest.mark.parametrize("sent", [KOBO, BOOX])
def test_a_session_waits_for_the_device_that_may_have_read_what_is_there(home, sent):
    (first,) = {KOBO, BOOX} - {sent}
    both_read(home).hand_over(sent).settle()
    home.lose_database().hand_over(first).settle()

    assert len(home.there) == 1
    ((state, reason),) = home.waits
    assert state == "retrying"
    assert "another device's" in reason

    home.hand_over(sent).settle()
    assert home.there == [FIRST, SECOND]
    assert home.core.pending() == {}


def test_where_no_device_tells_of_it_for_a_month_the_rest_is_sent(stock):
    both_read(stock).hand_over(BOOX).settle()
    stock.lose_database().hand_over(KOBO).settle()

    stock.clock.forward(31 * 86400)
    stock.settle()

    assert [row[:2] for row in stock.there] == [("0:00", "2:00"), ("2:00", "5:20")]
    assert stock.core.pending() == {}


def test_a_device_that_tells_of_it_after_that_has_the_rest_sent_by_verify(stock):
    both_read(stock).hand_over(BOOX).settle()
    stock.lose_database().hand_over(KOBO).settle()
    stock.clock.forward(31 * 86400)
    stock.settle()

    stock.hand_over(BOOX).settle()
    resent = answer_all(start(stock.core, "verify", Request(args={"resend": True})), [])
    stock.settle()

    assert resent.data["resent"] == 1
    assert sum(row[2] for row in stock.there) == 400
    assert stock.verified().ok


@pytest.mark.parametrize("page", [40, 300])
def test_what_was_read_elsewhere_in_the_book_at_that_time_is_not_waited_for(home, page):
    """Nobody is at two places of a book at a time."""
    home.read_at(KOBO, 0)
    home.read_at(BOOX, 2, begin=page)
    home.hand_over(BOOX).settle()
    home.lose_database().hand_over(KOBO).sync()

    assert [row[2] for row in home.there] == [200, 200]
    assert home.core.pending() == {}


@pytest.mark.parametrize("again", [[KOBO, BOOX], [BOOX, KOBO]])
@pytest.mark.parametrize("begin", [1, 40])
def test_sessions_of_the_same_seconds_are_two(home, again, begin):
    home.read_at(KOBO, 0)
    home.read_at(BOOX, 0, begin=begin)
    home.hand_over(BOOX).settle()
    home.lose_database()

    for device in again:
        home.hand_over(device).settle()

    assert home.there == sorted([FIRST, ("0:00", "3:20", 200, str(begin), str(begin + 5))])


def test_the_rest_of_a_session_of_which_the_server_has_the_beginning_waits_for_nobody(stock):
    reader = stock.readers[KOBO] = SampleReader(KOBO)
    reader.open(stock.book)
    reader.turn(3, 40)
    reader.checkpoint()
    reader.turn(2, 40)
    last = reader.close()
    reader.sleep(7200)
    reader.open(stock.book)
    assert not stock.core.take([line for line in reader.lines if line != last], "test").rejected
    stock.settle()
    assert [row[2] for row in stock.there] == [120]

    stock.lose_database().hand_over(KOBO).sync()

    assert [row[2] for row in stock.there] == [120, 80]
    assert stock.core.pending() == {}


def test_a_session_that_other_settings_part_is_that_of_the_same_device(stock):
    """Where it was cut the server has it whole: nothing of it is sent, and nothing waits."""
    reader = stock.readers[KOBO] = SampleReader(KOBO)
    reader.open(stock.book)
    for seconds in (60, 400, 60, 60, 400, 60):
        reader.turn(1, seconds)
    reader.close()
    stock.hand_over(KOBO).settle()
    assert [row[2] for row in stock.there] == [1040]

    stock.lose_database()
    stock.core.settings.set("sessions.idle_cap", 100)
    stock.hand_over(KOBO).sync()

    assert [row[2] for row in stock.there] == [1040]
    assert stock.core.pending() == {}


@pytest.mark.parametrize("fault", ["close_before", "close_after"])
def test_a_lost_answer_takes_nothing_from_a_session_beside_another_one_of_that_second(home, fault):
    home.read_at(KOBO, 0)
    home.read_at(BOOX, 0, pages=8)
    home.hand_over(BOOX).settle()
    home.hand_over(KOBO)
    home.server.fail(fault, "POST /api/v1/reading-sessions")

    home.settle()

    assert home.there == [FIRST, ("0:00", "5:20", 320, "1", "9")]
    assert home.core.pending() == {}
