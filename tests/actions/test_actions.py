"""Actions do the same whoever asks for them."""

from datetime import UTC, datetime

import pytest

from booklore_core import BookRef, Item
from booklore_core.actions import all_actions, start
from booklore_core.flows import Request
from booklore_core.settings import BadSetting
from booklore_core.targets import Check, TargetUnavailable
from booklore_core.testing import FakePlugin, FakeTarget, answer_all, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


@pytest.fixture
def target():
    return FakeTarget()


def run(core, name, book=None, **args):
    return answer_all(start(core, name, Request(book, args)), [])


def test_sync_pending_tells_what_arrived(core):
    result = run(core, "sync_pending")

    assert (result.message, result.ok) == ("2 sessions synced", True)


def test_sync_pending_tells_what_waits_and_why(core, target):
    target.fails_with = TargetUnavailable("bookworm sleeps", maybe_sent=False)

    result = run(core, "sync_pending")

    assert (result.message, result.ok) == ("2 sessions wait\nbookworm: bookworm sleeps", False)


def test_sync_this_book_sends_that_book_only(core, target):
    run(core, "sync_book", DUNE["partial_md5"])

    assert [item.book.title for item in target.received] == ["Dune"]
    assert core.pending() == {"session": 1}


def test_view_pending_changes_nothing_and_stays_on_the_screen(core):
    result = run(core, "view_pending")

    assert result.title == "Pending Sessions"
    assert "Books: 2, matched 0, unmatched 2" in result.message
    assert "Sessions: 2" in result.message
    assert core.pending() == {"session": 2}


def test_view_pending_counts_what_nobody_declares_too(core):
    item = Item("opened", "1", BookRef(DUNE["partial_md5"]), {}, datetime(2026, 11, 20, tzinfo=UTC))
    core.outbox.subscribe("bookworm", ["opened", "session"], None, "bookworm", core.clock())
    core.put([item], "diary")

    assert "Opened: 1" in run(core, "view_pending").message


def test_enable_sync_flips_and_can_be_set(core):
    assert run(core, "toggle_sync").data == {"sync.enabled": False}
    assert run(core, "toggle_sync", enabled=False).data == {"sync.enabled": False}
    assert run(core, "toggle_sync").data == {"sync.enabled": True}


def test_a_switch_that_the_environment_holds_says_so(open_core):
    core = open_core(FakeTarget(), BOOKLORE_SYNC__ENABLED="true")

    result = run(core, "toggle_sync")

    assert (result.ok, result.message) == (False, "sync.enabled is set by the env and stays True")


def test_manual_only_switched_off_leaves_the_manual_mode_too(core):
    core.settings.set("sync.mode", "manual")

    run(core, "toggle_manual_only")

    assert (core.settings["sync.mode"], core.settings["sync.manual_only"]) == ("automatic", False)


def test_test_connection_has_a_line_per_check(core):
    class Tested(FakeTarget):
        def check(self):
            return [Check("server", True, "answers"), Check("account", False, "", "log in")]

    core.plugins.register("tested", FakePlugin([Tested("tested")]))
    core.refresh()

    result = run(core, "test_connection")

    assert not result.ok
    assert result.message.splitlines()[1:] == ["✓ server: answers", "✗ account: log in"]


def test_an_action_that_there_is_not_is_named(core):
    with pytest.raises(BadSetting, match="there is no action 'dance'"):
        run(core, "dance")


def test_every_action_says_what_it_does(core):
    assert [name for name, action in all_actions(core).items() if not action.help or not action.text(core)] == []
