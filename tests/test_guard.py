"""Plugins that raise what is no Exception cost nobody else anything."""

import asyncio
import threading
import time

import pytest

from booklore_core.guard.deadline import TookTooLong, Watch
from booklore_core.testing import FakePlugin


def cancel(*_):
    raise asyncio.CancelledError("enough")


def test_work_that_raises_no_exception_is_told_as_one():
    with pytest.raises(RuntimeError, match="CancelledError: enough"):
        Watch(cancel, "work").wait(5)


def test_a_plugin_that_raises_no_exception_is_named(open_core):
    core = open_core()
    core.plugins.register("evil", FakePlugin())
    plugin = core.plugins.plugins["evil"]

    assert core.plugins.guard(plugin, "reply", cancel) is None
    assert "CancelledError: enough" in plugin.error


def test_a_part_that_hangs_takes_about_its_limit():
    stop, before = threading.Event(), time.monotonic()

    def work(next_part):
        time.sleep(0.01)
        next_part()
        stop.wait(10)

    with pytest.raises(TookTooLong):
        Watch(work, "work").wait(1.0, tick=1.0 / 20)

    stop.set()
    assert time.monotonic() - before < 1.5
