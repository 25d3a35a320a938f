"""A package from outside of the repository adds a target, a feature, a kind, a menu entry and a gesture.

It is given the past and what follows, survives faults, and is switched off and removed with nothing of ours touched.
"""

import hashlib
import importlib
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from booklore_core.actions import start as start_action
from booklore_core.bridge import pairing, serving
from booklore_core.flows import Request
from booklore_core.testing import SampleReader, answer_all, sample_book
from booklore_core.testing.target_contract import Notebook

ROOT = Path(__file__).parents[1]
ALONE = {"BOOKLORE_BOOKLORE__ENABLED": "false", "BOOKLORE_PROGRESS__ENABLED": "false"}

PACKAGE = '''
"""Sends sessions and finished evenings to a club."""

from booklore_core import Action, Item, ItemFailed, Kind, Result, Setting, hookimpl
from booklore_core.http import Client

API_VERSION = 1


class Club:
    name, kinds = "club", frozenset({"session", "evening"})

    def __init__(self, url):
        self.url = url

    def deliver(self, item, before):
        body = {"kind": item.kind, "book": item.book.title, **item.body}
        answer = Client(self.url).send("POST", "", json=body, headers={"Idempotency-Key": item.idempotency_key})
        if not answer.ok:
            raise ItemFailed(f"the club answers {answer.status_code}")
        return answer.json()["id"]


@hookimpl
def register_settings():
    yield Setting("url", str, "", "Where the club is")
    yield Setting("since", str, "all", "What of the past it is given")


@hookimpl
def register_targets(settings):
    if settings["url"]:
        yield Club(settings["url"])


@hookimpl
def register_kinds():
    yield Kind("evening", "E", "evening", "evenings", rank=60)


@hookimpl
def on_book_close(event):
    yield Item("evening", event.id, event.book.ref, {"day": f"{event.at:%Y-%m-%d}"}, event.at)


def tell(core, request):
    yield from ()
    return Result(f"{core.status().synced.get('evening', 0)} evenings told")


@hookimpl
def register_actions():
    yield Action("club_evenings", "Evenings told", tell, menu=("Sync & Cache",), dispatcher="Club evenings")
'''


def ours():
    """A digest of every file of this project that an installation brings."""
    folders = (ROOT / "booklore_core", ROOT / "plugins", ROOT / "bridge_lua")
    files = sorted(file for folder in folders for file in folder.rglob("*") if "__pycache__" not in file.parts)
    digest = hashlib.sha256()
    for file in filter(Path.is_file, files):
        digest.update(str(file).encode() + file.read_bytes())
    return digest.hexdigest()


@pytest.fixture
def club():
    remote = Notebook()
    yield remote
    remote.stop()


@pytest.fixture
def package(installed):
    """Puts the package where pip would, outside of this project."""

    def install():
        installed.add(PACKAGE, "booklore-club", "club", "third_party_club")
        importlib.invalidate_caches()
        return installed.folder

    yield install
    sys.modules.pop("third_party_club", None)


def read(core, hours, counter):
    """One session, read so many hours after the morning."""
    reader = SampleReader(now=core.clock() - timedelta(hours=12 - hours), _counter=counter)
    core.take(reader.read(sample_book("Dune")), "test")


def told(club):
    return sorted(entry["kind"] for entry in club.held)


def test_its_whole_life(package, start, club):
    before = ours()
    past = start(**ALONE)
    read(past, 1, 0)
    past.close()

    folder = package()
    core = start(**ALONE, BOOKLORE_CLUB__URL=club.url)
    assert core.plugins.plugins["club"].error is None
    core.sync()
    assert told(club) == ["evening", "session"], "what was read before it was there"
    read(core, 3, 10)
    assert core.kinds.short_counts(core.pending()) == "1S, 1E"
    core.sync()
    assert told(club) == ["evening", "evening", "session", "session"]

    club.stop()
    read(core, 5, 20)
    report = core.sync()
    assert report.unavailable["club"].endswith("cannot be reached: nothing listens there")
    assert core.pending() == {"session": 1, "evening": 1}
    core.close()

    again = Notebook()
    again.entries.update(club.entries)
    core = start(**ALONE, BOOKLORE_CLUB__URL=again.url)
    core.sync()
    assert told(again) == ["evening"] * 3 + ["session"] * 3
    assert core.pending() == {}
    assert answer_all(start_action(core, "club_evenings", Request()), []).message == "3 evenings told"
    assert on_a_device(core) == ({"Evenings told"}, {"Club evenings"})

    answer_all(start_action(core, "set_setting", Request(args={"name": "club.enabled", "value": False})), [])
    core.refresh()
    read(core, 7, 30)
    assert ("club" in core.targets, "club_evenings" in core.plugin_actions) == (False, False)
    assert core.pending() == {}
    core.close()

    shutil.rmtree(folder)
    sys.modules.pop("third_party_club")
    importlib.invalidate_caches()
    core = start(**ALONE)
    read(core, 9, 40)
    assert "club" not in core.plugins.plugins
    assert {plugin.error for plugin in core.plugins.plugins.values()} == {None}
    assert core.sync().is_complete
    assert on_a_device(core) == (set(), set())
    assert ours() == before
    again.stop()


def on_a_device(core):
    """The menu entries and gestures of the package that an e-reader is shown."""
    with serving(core) as url:
        code, _ = pairing.new_code(core)
        device = {"id": "kobo-7f3a", "name": "Libra", "model": "Kobo_io"}
        token = requests.post(f"{url}/v1/pair", json={"code": code, "device": device}, timeout=30).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        menu = requests.get(f"{url}/v1/menu", headers=headers, timeout=30).json()
    [cache] = [one for one in menu["items"] if one["text"] == "Sync & Cache"]
    shown = {one["text"] for one in cache["items"]} & {"Evenings told"}
    return shown, {one["title"] for one in menu["actions"]} & {"Club evenings"}
