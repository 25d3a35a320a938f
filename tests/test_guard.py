"""Plugins that raise what is no Exception cost nobody else anything."""

import asyncio

import pytest

from booklore_core.guard.deadline import Watch
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
