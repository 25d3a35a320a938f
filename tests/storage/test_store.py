"""A plugin's store: JSON values that last, apart from every other plugin's; and what is stored of the settings."""

import pytest
from sqlalchemy import event as listening

pytestmark = pytest.mark.both_databases


@pytest.fixture
def core(open_core):
    return open_core()


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "00123", "true", "", [1, [2]], {"a": {"b": None}}, "ünï\n"])
def test_a_value_comes_back_as_it_was(core, value):
    core.store("shop").set("key", value)

    assert core.store("shop").get("key", "nothing") == value


def test_a_value_outlives_the_process(open_core):
    open_core().store("shop").set("key", [1])

    assert open_core().store("shop").get("key") == [1]


def test_the_last_value_holds(core):
    store = core.store("shop")

    store.set("key", 1)
    store.set("key", 2)

    assert store.get("key") == 2
    assert list(store.keys()) == ["key"]


def test_what_is_removed_is_gone(core):
    store = core.store("shop")
    store.set("key", 1)

    store.remove("key")
    store.remove("never there")

    assert store.get("key") is None
    assert store.get("key", 7) == 7


def test_plugins_do_not_see_each_others_values(core):
    core.store("shop").set("b", 1)
    core.store("shop").set("a", 2)
    core.store("library").set("c", 3)

    assert list(core.store("shop").keys()) == ["a", "b"]
    assert core.store("library").get("a") is None
    core.store("library").remove("a")
    assert core.store("shop").get("a") == 2


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), b"x"])
def test_what_is_no_json_is_refused_with_its_key(core, value):
    store = core.store("shop")
    store.set("colour", "red")

    with pytest.raises(ValueError, match="colour"):
        store.set("colour", value)

    assert store.get("colour") == "red"


def test_all_stored_settings_are_read_at_once_within_a_reading_transaction(core):
    core.settings.set("sync.wake_delay", 6)
    statements = []
    listening.listen(core.database.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))

    with core.database.transaction():
        assert (core.settings["sync.wake_delay"], core.settings["sync.silent"]) == (6, False)

    assert len([one for one in statements if one.startswith("SELECT")]) == 1
