"""The menu on the e-reader and the command line are two faces of the same actions.

Every entry of the real core's menu is tapped in the shim, over the real bridge; what it does is compared with what the
same action does when the command line runs it.
"""

import pytest
from ereader import EReader, from_lua

from booklore_core.actions import all_actions, start
from booklore_core.bridge import pairing, serving
from booklore_core.flows import Request
from booklore_core.testing import FakeLibrary, SampleReader, answer_all, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


def household(open_core, home):
    """A core with two books read, one of which its library knows."""
    library = FakeLibrary({DUNE["partial_md5"]: "8"}, {"8": "Dune", "9": "Emma"})
    core, reader = open_core(library, home=home), SampleReader("phone-02")
    reader.read(DUNE)
    reader.sleep(600)
    reader.read(EMMA)
    core.take(reader.lines, "test")
    return core


@pytest.fixture
def device(open_core, tmp_path):
    """An e-reader in the file browser, paired with a core, with the core's menu on it."""
    core = household(open_core, "device")
    with serving(core) as url:
        code, _ = pairing.new_code(core)
        reader = EReader(tmp_path / "kobo", config={"url": url, "code": code})
        reader.connected = True
        reader.send("NetworkConnected")
        reader.pass_time(5)
        yield core, reader


def leaves(items, path=()):
    """(path of labels, entry) of everything below the plugin's menu entry that can be tapped."""
    for item in items:
        here = (*path, from_lua(item.text))
        if item.sub_item_table is not None:
            yield from leaves(item.sub_item_table.values(), here)
        elif item.callback is not None:
            yield here, item


def labels(reader):
    return [path for path, _ in leaves(reader.menu())]


def tap(reader, *path):
    """Taps the entry whose labels begin so."""
    for labels_of, item in leaves(reader.menu()):
        if len(labels_of) == len(path) and all(
            one.startswith(start) for one, start in zip(labels_of, path, strict=True)
        ):
            assert item.enabled is not False, f"{path} is greyed out"
            item.callback(None)
            reader.pass_time(10)
            return
    raise AssertionError(f"there is no {path} among {labels(reader)}")


def dialog(reader):
    return reader.shown()[-1]


def press(reader, text):
    """Taps the button, or the line of a list, that says so."""
    window = dialog(reader)
    rows = [window.item_table] if window.kind == "menu" else window.buttons.values()
    offered = {from_lua(one.text): one for row in rows for one in row.values()}
    found = [one for shown, one in offered.items() if text in shown]
    assert found, list(offered)
    if window.kind == "menu":
        window.onMenuSelect(window, found[0])
    else:
        found[0].callback()
    reader.pass_time(10)


def state(core):
    """What actions change, told without times and ids."""
    tables = (
        "SELECT kind, key, body, revision FROM items",
        "SELECT item_id, target, state FROM deliveries",
        "SELECT book_md5, remote_id, how FROM matches",
        "SELECT path FROM files",
        "SELECT name, value FROM settings",
        "SELECT partial_md5, tracked FROM books",
    )
    return [sorted(map(repr, core.database.rows(sql))) for sql in tables]


def test_the_menu_has_the_seeds_entries_in_their_order(device):
    _, reader = device

    top = [from_lua(item.text) for item in reader.menu()]
    cache = next(item for item in reader.menu() if from_lua(item.text) == "Sync & Cache")

    assert [name for name in top if name in {"Enable sync", "Authentication", "What to Sync", "Sync & Cache"}] == [
        "Enable sync", "Authentication", "What to Sync", "Sync & Cache",
    ]  # fmt: skip
    assert [from_lua(item.text) for item in cache.sub_item_table.values()] == [
        "Sync Pending Now (2S)", "View Pending Sessions", "Match Unmatched Books (2)", "Clear Pending... (2S)",
        "Clear Cache", "Answer Questions...", "Advanced",
    ]  # fmt: skip


def test_every_entry_can_be_tapped_and_nothing_breaks(device):
    _, reader = device
    paths = [path for path, item in leaves(reader.menu()) if item.enabled is not False]

    for path in paths:
        found = next((item for labels_of, item in leaves(reader.menu()) if labels_of == path), None)
        if found is not None and found.enabled is not False:
            found.callback(None)
            reader.pass_time(10)

    assert len(paths) > 20
    assert [line for line in reader.log() if "error" in line.lower()] == []


@pytest.mark.parametrize(
    ("path", "action", "args"),
    [
        (("Sync & Cache", "Sync Pending Now"), "sync_pending", {}),
        (("Sync & Cache", "Clear Cache"), "clear_cache", {}),
        (("Sync & Cache", "Advanced", "Re-match All Books in Cache"), "rematch_all", {}),
        (("Sync Settings", "Sync Triggers", "Manual only"), "toggle_manual_only", {"enabled": True}),
        (("Preferences", "Silent mode"), "set_setting", {"name": "sync.silent"}),
    ],
)
def test_a_tap_does_what_the_same_action_does_at_the_command_line(device, open_core, path, action, args):
    core, reader = device
    other = household(open_core, "terminal")

    tap(reader, *path)
    answers = [True] if action == "clear_cache" else []  # the terminal asks, the e-reader does not (manual)
    answer_all(start(other, action, Request(args=args)), answers)

    assert state(core) == state(other)


def test_clear_pending_asks_with_everything_chosen_and_cancel_clears_nothing(device):
    core, reader = device

    tap(reader, "Sync & Cache", "Clear Pending...")
    press(reader, "Cancel")
    assert core.pending() == {"session": 2}

    tap(reader, "Sync & Cache", "Clear Pending...")
    press(reader, "Clear Selected")
    assert core.pending() == {}


def test_matching_by_hand_goes_from_dialog_to_dialog(device):
    core, reader = device

    tap(reader, "Sync & Cache", "Match Unmatched Books")
    assert core.books.matches("library") == {DUNE["partial_md5"]: "8"}
    assert core.pending() == {"session": 1}

    press(reader, "Yes")
    press(reader, "Emma")

    assert core.books.matches("library") == {DUNE["partial_md5"]: "8", EMMA["partial_md5"]: "9"}
    assert core.pending() == {}


def test_view_pending_stays_until_it_is_dismissed(device):
    _, reader = device

    tap(reader, "Sync & Cache", "View Pending Sessions")

    assert [from_lua(view.title) for view in reader.shown("textviewer")] == ["Pending Sessions"]


def test_the_greyed_out_entries_are_those_without_work(device):
    core, reader = device
    tap(reader, "Sync & Cache", "Sync Pending Now")
    reader.pass_time(30)

    grey = {path[-1] for path, item in leaves(reader.menu()) if item.enabled is False}

    assert "Clear Pending... (1S)" not in grey
    core.outbox.clear("session", core.clock())
    reader.send("NetworkConnected")
    reader.pass_time(30)
    grey = {path[-1] for path, item in leaves(reader.menu()) if item.enabled is False}
    assert {"Sync Pending Now", "Clear Pending..."} <= grey


def test_every_action_is_reachable_from_the_menu_or_by_holding_a_file(device):
    core, _ = device
    internal, at_the_top = {"set_setting", "log_in", "place_quarantine", "copy_database"}, {"toggle_sync", "about"}

    for name, action in all_actions(core).items():
        assert action.menu or name in internal | at_the_top, name
