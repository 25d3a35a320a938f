"""A kind that a third party's plugin declares stands in every place where ours stand, without a line in the core."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta

import pytest
import requests

from booklore_core.actions import all_actions, start
from booklore_core.bridge import pairing, serving
from booklore_core.cli.status_view import DatabaseFile
from booklore_core.flows import Request
from booklore_core.storage.counts import read_status
from booklore_core.testing import MORNING, SampleReader, answer_all, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")

ALONE = {"BOOKLORE_BOOKLORE__ENABLED": "false"}
"""No other target is there."""

PLUGIN = '''
"""Keeps what was marked as a quote in a scrapbook."""

from booklore_core import Action, Item, Kind, Result, TargetUnavailable, hookimpl

VIEWS = {
    "pending_quotes": "SELECT id, book_title, {text:quote} AS quote, retry_count FROM pending_items "
    "WHERE kind = 'quote'",
    "kept_quotes": "SELECT id, {text:quote} AS quote, remote_id FROM delivered_items WHERE kind = 'quote'",
}

@hookimpl
def register_kinds():
    yield Kind("quote", "Q", "quote", "quotes", 5, VIEWS, history="Kept quotes", label_rank=15)

@hookimpl
def on_book_close(event):
    for number, one in enumerate(event.annotations or ()):
        yield Item("quote", f"{event.id} {number}", event.book.ref, {"quote": one["text"]}, event.at)

class Scrapbook:
    name, kinds, about = "scrapbook", frozenset({"quote", "session"}), "a scrapbook of 200 pages"

    def __init__(self, store):
        self.store = store

    def deliver(self, item, before):
        if self.store.get("closed"):
            raise TargetUnavailable("the scrapbook is closed", maybe_sent=False)
        self.store.set("kept", [*self.store.get("kept", []), item.kind])

@hookimpl
def register_targets(store):
    yield Scrapbook(store)

def count_quotes(core, request):
    yield from ()
    return Result(f"{core.pending()['quote']} to be kept")

@hookimpl
def register_actions():
    yield Action("count_quotes", "Count quotes", count_quotes, menu=("Sync & Cache",), dispatcher="Count quotes")
'''


@pytest.fixture
def plugin(installed):
    installed.add(PLUGIN, "scrapbook-plugin", "scrapbook", "third_party_scrapbook")
    return installed


@pytest.fixture
def core(plugin, start):
    """A core on which one session and two quotes wait."""
    core = start(**ALONE)
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(10)
    reader.close(annotations=[{"text": "Fear is the mind-killer"}, {"text": "The sleeper must awaken"}])
    core.take(reader.lines, "test")
    assert core.plugins.plugins["scrapbook"].error is None
    return core


def label(core, action):
    return all_actions(core)[action].text(core)


def question(core, action):
    return next(start(core, action, Request()))


def act(core, action, *answers, **args):
    return answer_all(start(core, action, Request(args=args)), answers)


def booklore(core, *arguments):
    """Runs the command line on the core's folder, in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BOOKLORE_")}
    environ |= {**ALONE, "BOOKLORE_HOME": str(core.places.home), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "booklore_core", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_it_is_counted(core):
    assert core.pending() == {"session": 1, "quote": 2}
    assert core.kinds.in_words(core.pending()) == "1 session, 2 quotes"


@pytest.mark.parametrize(
    ("action", "text"),
    [("sync_pending", "Sync Pending Now (1S, 2Q)"), ("clear_pending", "Clear Pending... (1S, 2Q)")],
)
def test_labels_count_it_by_its_letter_and_in_its_place(core, action, text):
    assert label(core, action) == text


def test_clear_pending_offers_it_by_its_name_and_clears_it(core):
    asked = question(core, "clear_pending")

    result = act(core, "clear_pending", [1])

    assert asked.options == ["Sessions (1)", "Quotes (2)"]
    assert (result.message, core.pending()) == ("2 quotes cleared", {"session": 1})


def test_clear_offers_its_history_by_its_name_and_forgets_it(core):
    core.sync()
    asked = question(core, "clear_synced")

    result = act(core, "clear_synced", kinds=["quote"])

    assert asked.options == ["Historical sessions (1)", "Kept quotes (2)"]
    assert (result.message, core.status().synced) == ("2 quotes cleared from the history", {"session": 1})


def test_view_pending_has_a_line_for_its_queue_and_its_history(core):
    assert {"Quotes: 2", "Kept quotes: 0"} <= set(lines(act(core, "view_pending").message))
    core.sync()
    assert {"Quotes: 0", "Kept quotes: 2"} <= set(lines(act(core, "view_pending").message))


def test_status_shows_it_without_loading_a_plugin(core, plugin):
    core.close()
    plugin.rewrite("raise RuntimeError('loaded')", "third_party_scrapbook")

    shown, told = booklore(core, "status"), booklore(core, "status", "--json")

    assert (shown.returncode, told.returncode, told.stderr) == (0, 0, "")
    assert shown.stderr == "booklore: nothing can be synced yet: `booklore login` sets up your server\n"
    assert {"WAITING SYNCED", "Quotes 2 0"} <= set(lines(shown.stdout))
    assert json.loads(told.stdout)["pending"] == {"session": 1, "quote": 2}
    assert {one["reason"] for one in json.loads(told.stdout)["waiting"]} == {"not sent yet"}


def test_status_is_the_same_through_the_core(core):
    quick = DatabaseFile(core.places.database_file)

    assert read_status(quick) == core.status()
    assert core.status().kinds["quote"].history_name == "Kept quotes"
    quick.close()


def test_the_command_line_clears_it_by_its_name(core):
    core.close()

    cleared, refused = (
        booklore(core, "clear", "pending", "--kind", "quote", "--json"),
        booklore(core, "clear", "pending", "--kind", "quotation"),
    )

    assert (cleared.returncode, json.loads(cleared.stdout)) == (0, {"cleared": {"quote": 2}})
    assert refused.returncode == 1
    assert "expected one of session, quote" in refused.stderr


def test_it_is_delivered_in_the_place_that_it_declares(core):
    core.sync()

    assert core.store("scrapbook").get("kept") == ["quote", "quote", "session"]


def test_its_views_are_there(core):
    rows = core.database.rows("SELECT book_title, quote, retry_count FROM pending_quotes ORDER BY id")
    assert rows[0] == {"book_title": "Dune", "quote": "Fear is the mind-killer", "retry_count": 0}
    assert (len(rows), core.database.rows("SELECT * FROM kept_quotes")) == (2, [])

    core.sync()

    assert core.database.rows("SELECT * FROM pending_quotes") == []
    assert len(core.database.rows("SELECT quote, remote_id FROM kept_quotes")) == 2


def test_the_summary_of_a_sync_counts_it(core):
    core.store("scrapbook").set("closed", True)
    assert act(core, "sync_pending").message == "1 session, 2 quotes wait\nscrapbook: the scrapbook is closed"
    core.store("scrapbook").set("closed", False)

    result = act(core, "sync_pending")

    assert (result.message, result.data["delivered"]) == ("1 session, 2 quotes synced", {"quote": 2, "session": 1})


def test_a_device_is_told_how_many_wait_by_its_letter_and_has_its_action_in_the_menu(core):
    with serving(core) as url:
        code, _ = pairing.new_code(core)
        device = {"id": "kobo-7f3a", "name": "Libra", "model": "Kobo_io"}
        token = requests.post(f"{url}/v1/pair", json={"code": code, "device": device}, timeout=30).json()["token"]
        speak = requests.Session()
        speak.headers["Authorization"] = f"Bearer {token}"
        told = speak.post(f"{url}/v1/events", json={"device": device, "lines": []}, timeout=30).json()
        menu = speak.get(f"{url}/v1/menu", timeout=30).json()

    [cache] = [one for one in menu["items"] if one["text"] == "Sync & Cache"]
    assert told["state"]["pending"] == {"S": 1, "Q": 2}
    assert {"Sync Pending Now (1S, 2Q)", "Count quotes"} <= {one["text"] for one in cache["items"]}
    assert {"id": "count_quotes", "title": "Count quotes"} in menu["actions"]


def test_about_counts_it_and_tells_of_its_plugin_and_target(core):
    told = lines(act(core, "about").message)

    assert {"Waiting for them: 1 session, 2 quotes", "scrapbook 1.2", "scrapbook: a scrapbook of 200 pages"} <= set(
        told
    )


def test_its_action_is_run_by_its_name_from_the_command_line_too(core):
    assert act(core, "count_quotes").message == "2 to be kept"
    core.close()

    assert booklore(core, "run", "count-quotes").stdout == "2 to be kept\n"


@pytest.fixture
def gone(core, plugin, start):
    """The core of a later day, when the plugin is not installed any more."""
    core.sync()
    core.store("scrapbook").set("closed", True)
    reader = SampleReader(now=MORNING + timedelta(hours=1), _counter=10)
    reader.open(EMMA)
    core.take([reader.close(annotations=[{"text": "It is a truth"}])], "test")
    core.close()
    shutil.rmtree(plugin.folder)
    sys.modules.pop("third_party_scrapbook")
    importlib.invalidate_caches()
    later = start(**ALONE)
    assert "scrapbook" not in later.plugins.plugins
    return later


def test_what_waits_of_a_plugin_that_is_gone_is_shown_by_its_names(gone):
    assert label(gone, "sync_pending") == "Sync Pending Now (1Q)"
    assert {"Quotes: 1", "Kept quotes: 2"} <= set(lines(act(gone, "view_pending").message))
    assert gone.database.rows("SELECT quote FROM pending_quotes") == [{"quote": "It is a truth"}]
    gone.close()
    assert "Quotes 1 2" in lines(booklore(gone, "status").stdout)


def test_what_waits_of_a_plugin_that_is_gone_goes_on_waiting_and_says_why(gone):
    result = act(gone, "sync_pending")

    assert result.data["waiting"] == {"quote": 1}
    assert result.message.startswith("1 quote waits\nscrapbook: its plugin or a setting is missing here; ")


def test_what_waits_of_a_plugin_that_is_gone_can_be_cleared(gone):
    assert question(gone, "clear_pending").options == ["Quotes (1)"]

    assert act(gone, "clear_pending", [0]).message == "1 quote cleared"
    assert gone.pending() == {}


def test_the_history_of_a_plugin_that_is_gone_can_be_forgotten(gone):
    assert "Kept quotes (2)" in question(gone, "clear_synced").options

    assert act(gone, "clear_synced", kinds=["quote"]).message == "2 quotes cleared from the history"


def test_a_plugin_that_comes_back_sends_what_waited_for_it(gone, plugin, start):
    gone.close()
    plugin.add(PLUGIN, "scrapbook-plugin", "scrapbook", "third_party_scrapbook")
    importlib.invalidate_caches()
    back = start(**ALONE)
    back.store("scrapbook").set("closed", False)

    assert back.sync().total("delivered") == {"quote": 1}
    assert back.pending() == {}
