"""A hook that does not come back suspends its feature, is named, and holds up nobody else."""

import re
import threading
import time

import pytest
from function_features import add_feature, keys, note, place

from booklore_core.bridge.pairing import new_code
from booklore_core.pipeline import derive
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE = sample_book("Dune")
LONG = 10.0
"""Seconds that no test ever waits."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(derive, "HOOK_LIMIT", 0.2)


class Hanging:
    """A hook that does not come back from one event before it is let go; `asked` are the events it was given."""

    def __init__(self, at="3"):
        self.at, self.asked = at, []
        self.entered, self.gate = threading.Event(), threading.Event()

    def __call__(self, event):
        self.asked.append(event.id[-1])
        if event.id[-1] == self.at:
            self.entered.set()
            self.gate.wait(LONG)
        return [note(event)]


@pytest.fixture
def hanging():
    hanging = Hanging()
    yield hanging
    hanging.gate.set()


@pytest.fixture
def core(open_core, hanging):
    core = open_core(FakeTarget())
    add_feature(core, "diary", on_book_open=hanging)
    return core


def openings(count, reader=None):
    reader = reader or SampleReader()
    return [reader.open(DUNE) for _ in range(count)]


def let_go(core, hanging):
    hanging.gate.set()
    for thread in threading.enumerate():
        if thread.name == "feature diary":
            thread.join(LONG)
    core.derive.lead()


def test_it_is_named_with_hook_and_line_and_what_came_before_is_kept(core):
    core.take(openings(5), "test")

    error = core.plugins.plugins["diary"].error
    where = r"\(.*test_derive_hanging\.py, line \d+\) at the device's line kobo-7f3a-000003"
    assert re.fullmatch(rf"on_book_open took longer than 0.2 s {where}; it is suspended", error)
    assert (keys(core), place(core)) == (["01", "02"], 2)


def test_other_features_come_to_the_end(core):
    add_feature(core, "brisk", on_book_open=lambda event: [note(event, key=f"brisk {event.id[-1]}")])
    add_feature(core, "zeal", on_book_open=lambda event: [note(event, key=f"zeal {event.id[-1]}")])

    core.take(openings(4), "test")

    assert keys(core, "brisk") == ["brisk 1", "brisk 2", "brisk 3", "brisk 4"]
    assert keys(core, "zeal") == ["zeal 1", "zeal 2", "zeal 3", "zeal 4"]


def test_while_it_hangs_nobody_waits_for_it_again(core, hanging):
    reader = SampleReader()
    core.take(openings(3, reader), "test")
    begun = time.monotonic()

    taken = core.take(reader.read(DUNE), "test")
    report = core.sync()

    assert time.monotonic() - begun < LONG / 2
    assert (taken.accepted, taken.news, report.total("delivered")) == (2, 1, {"session": 1})
    assert hanging.asked == ["1", "2", "3"]


def test_before_anybody_knows_that_it_hangs_lines_are_taken_in_and_devices_paired(core, hanging, monkeypatch):
    monkeypatch.setattr(derive, "HOOK_LIMIT", LONG)
    reader = SampleReader()
    leading = threading.Thread(target=core.take, args=(openings(3, reader), "test"))
    leading.start()
    assert hanging.entered.wait(LONG)

    taken = core.ingest.take(openings(1, reader), "test", core.clock())
    code, _ = new_code(core)
    core.devices.pair("kindle", "Kindle", None, "hash", core.clock())

    assert leading.is_alive()
    assert (taken.acknowledged, len(code)) == (["kobo-7f3a-000004"], 6)
    assert [device["id"] for device in core.devices.paired()] == ["kindle"]
    hanging.gate.set()
    leading.join(LONG)


def test_it_goes_on_once_the_hook_has_returned(core, hanging):
    reader = SampleReader()
    core.take(openings(4, reader), "test")
    core.take(openings(1, reader), "test")

    let_go(core, hanging)

    assert (keys(core), place(core)) == (["01", "02", "03", "04", "05"], 5)
    assert core.derive.failing() == {}


def test_one_that_hangs_at_an_event_at_which_it_raised_before_keeps_that_event(core, hanging):
    mood = ["raises"]

    def moody(event):
        if mood == ["raises"]:
            raise RuntimeError("not now")
        return hanging(event)

    add_feature(core, "diary2", on_book_open=moody)
    reader = SampleReader()
    hanging.at = "1"
    core.plugins.plugins["diary"].enabled = False
    core.take(openings(2, reader), "test")
    mood[:] = ["hangs"]
    core.derive.lead()
    assert core.derive.failing()["diary2"][0] == 2

    hanging.gate.set()
    for thread in threading.enumerate():
        if thread.name == "feature diary2":
            thread.join(LONG)
    core.derive.lead()

    assert (sorted(keys(core, "diary2")), core.derive.failing()) == (["01", "02"], {})


def test_the_limit_counts_anew_for_every_event(open_core):
    core = open_core()

    def slowish(event):
        time.sleep(0.07)
        return [note(event)]

    add_feature(core, on_book_open=slowish)
    core.take(openings(6), "test")

    assert len(keys(core)) == 6
    assert core.plugins.plugins["diary"].error is None


def test_one_that_reads_facts_without_end_harms_nobody(open_core):
    core, is_over = open_core(), threading.Event()

    def reads_on(event, facts):
        for number in range(10**9):
            if is_over.is_set():
                break
            facts.known("note", [f"{number}-{one}" for one in range(50)])

    add_feature(core, on_book_open=lambda event: [note(event)], on_book_close=reads_on)
    try:
        core.take(SampleReader().read(DUNE), "test")
    finally:
        is_over.set()

    assert keys(core) == ["01"]
    assert "on_book_close took longer" in core.plugins.plugins["diary"].error
