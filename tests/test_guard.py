"""Plugins that raise what is no Exception cost nobody else anything."""

import asyncio
import threading

import pytest

from booklore_core.guard.deadline import Watch
from booklore_core.testing import FakePlugin


class Unheard(BaseException):
    """What a library of somebody's may raise to end something of its own."""


no_exceptions = pytest.mark.parametrize("error", [asyncio.CancelledError("enough"), Unheard("enough")], ids=repr)


def raising(error):
    def work(*_):
        raise error

    return work


@pytest.fixture
def core(open_core):
    core = open_core()
    core.plugins.register("evil", FakePlugin())
    return core


@no_exceptions
def test_work_that_raises_no_exception_is_told_as_one(error):
    with pytest.raises(RuntimeError, match=f"{type(error).__name__}: enough"):
        Watch(raising(error), "work").wait(5)


def test_work_that_is_done_goes_on_no_more(monkeypatch):
    """Its thread may take a moment longer to end: the next call must not find somebody still at it."""
    leave = threading.Thread.run

    def run_and_linger(self):
        leave(self)
        lingering.wait(0.01)

    lingering = threading.Event()
    monkeypatch.setattr(threading.Thread, "run", run_and_linger)
    for _ in range(3):
        watch = Watch(lambda _: None, "work")
        watch.wait(5)
        assert not watch.is_alive


@no_exceptions
def test_a_plugin_that_raises_no_exception_is_named(core, error):
    plugin = core.plugins.plugins["evil"]

    assert core.plugins.guard(plugin, "reply", raising(error)) is None
    assert f"{type(error).__name__}: enough" in plugin.error


def test_a_person_ends_the_program_whatever_runs(core):
    with pytest.raises(KeyboardInterrupt):
        core.plugins.guard(core.plugins.plugins["evil"], "reply", raising(KeyboardInterrupt()))


def test_a_plugin_whose_error_has_no_words_or_such_as_no_database_takes_is_named_all_the_same(core):
    class Wordless(Exception):
        def __str__(self):
            raise self

    plugin = core.plugins.plugins["evil"]
    for error in (Wordless(), ValueError("half \ud800 of it\0")):
        assert core.plugins.guard(plugin, "reply", raising(error)) is None

    assert "Wordless: it cannot even say what" in plugin.errors[-2]
    assert "half ? of it (" in plugin.error


def test_a_plugin_that_says_much_is_cut_short(core):
    plugin = core.plugins.plugins["evil"]

    core.plugins.guard(plugin, "reply", raising(ValueError("much " * 10_000)))

    assert len(plugin.error) < 1500


def test_a_fault_that_comes_again_and_again_is_logged_once(core, caplog):
    for _ in range(3):
        core.plugins.guard(core.plugins.plugins["evil"], "reply", raising(ValueError("again")))

    assert caplog.text.count("reply failed: ValueError: again") == 1
