"""What plugins bring: what does not fit is refused and its plugin named, and the others stay."""

import pytest

from booklore_core import Action, Kind, Result, hookimpl
from booklore_core.actions import all_actions, owner_of, start
from booklore_core.flows import Request
from booklore_core.testing import FakePlugin, FakeTarget, answer_all


def run(core, request):
    yield from ()
    return Result("the plugin's")


def quote(name="quote", letter="Q", **views):
    return Kind(name, letter, name, f"{name}s", views=views)


@pytest.fixture
def core(open_core):
    return open_core()


def bring(core, **plugins):
    """Registers plugins by name; kinds, targets or actions each."""
    for name, plugin in plugins.items():
        core.plugins.register(name, plugin)
    core.refresh()
    return {name: core.plugins.plugins[name].error for name in plugins}


class Raising:
    """A plugin whose declarations raise."""

    @hookimpl
    def register_kinds(self):
        yield quote("early", "E")
        raise KeyError("kinds")

    @hookimpl
    def register_targets(self):
        raise KeyError("targets")

    @hookimpl
    def register_actions(self):
        raise KeyError("actions")


BAD_KINDS = [
    (["quote"], "expected a Kind, got str"),
    ([None], "expected a Kind, got NoneType"),
    ([quote("session", "X")], "the name 'session' is taken already"),
    ([quote(letter="S")], "the letter S of kind 'quote' is that of 'session'"),
    ([quote(), quote("quip")], "the letter Q of kind 'quip' is that of 'quote'"),
    ([quote(quotes="SELECT nothing FROM nowhere")], "view quotes: "),
    ([quote(pending_sessions="SELECT 1")], "view pending_sessions: "),
    ([quote(pending_items="SELECT 1")], "view pending_items: the name is taken"),
]


@pytest.mark.parametrize(("kinds", "fault"), BAD_KINDS, ids=[fault for _, fault in BAD_KINDS])
def test_a_kind_that_does_not_fit_is_refused_and_the_others_stay(core, kinds, fault):
    fine = quote("fine", "F", fine_ones="SELECT 1 AS one")

    errors = bring(core, bad=FakePlugin(kinds=kinds), well=FakePlugin(kinds=[fine]))

    assert fault in errors["bad"]
    assert errors["well"] is None
    assert core.plugins.plugins["sessions"].error is None
    assert (core.kinds["fine"], core.kinds["session"].many) == (Kind("fine", "F", "fine", "fines"), "sessions")
    assert core.database.rows("SELECT * FROM fine_ones") == [{"one": 1}]
    assert core.database.rows("SELECT * FROM pending_sessions") == []


def test_of_two_plugins_with_a_kind_of_one_name_the_second_is_refused(core):
    errors = bring(
        core, one=FakePlugin(kinds=[quote()]), two=FakePlugin(kinds=[quote(letter="K"), quote("other", "O")])
    )

    assert (errors["one"], "the name 'quote' is taken already" in errors["two"]) == (None, True)
    assert core.kinds["quote"].letter == "Q"


def test_a_plugin_that_is_named_once_is_not_to_blame_for_the_other(core):
    bring(core, bad=FakePlugin(kinds=[quote(letter="S")]))

    assert core.kinds["session"].letter == "S"
    assert core.kinds.short_counts({"session": 2}) == "2S"


@pytest.mark.parametrize("hook", ["register_kinds", "register_targets", "register_actions"])
def test_a_plugin_that_raises_is_named_and_the_others_stay(core, hook):
    core.plugins.register("raising", Raising())
    bring(core, well=FakePlugin([FakeTarget()], [Action("wave", "Wave", run)], [quote()]))

    assert any(f"{hook} failed: KeyError" in error for error in core.plugins.plugins["raising"].errors)
    assert ("bookworm" in core.targets, "wave" in core.plugin_actions, "quote" in core.kinds) == (True, True, True)


def test_a_kind_without_letter_and_words_of_its_own_is_declared_all_the_same(core):
    bring(core, plain=FakePlugin(kinds=[Kind("plain", "", "plain", "plain")]))

    assert "plain" in core.kinds


def test_a_kind_follows_its_declaration_when_that_changes(core, open_core):
    bring(core, quotes=FakePlugin(kinds=[Kind("quote", "Q", "quote", "quotes", 70)]))

    other = open_core()
    bring(other, quotes=FakePlugin(kinds=[Kind("quote", "Q", "saying", "sayings", 20)]))

    assert other.kinds["quote"] == Kind("quote", "Q", "saying", "sayings", 20)


def test_what_this_project_ships_keeps_its_names_whatever_a_plugin_is_called(open_core):
    core = open_core(plugins=("sessions", "booklore"), BOOKLORE_URL="http://127.0.0.1:9")
    ours = core.targets["booklore"]

    errors = bring(core, aaa=FakePlugin([FakeTarget("booklore")], kinds=[quote("session", "X")]))

    assert "the name 'booklore' is taken already" in errors["aaa"]
    assert "the name 'session' is taken already" in core.plugins.plugins["aaa"].errors[0]
    assert (core.targets["booklore"].plugin, ours.plugin, core.kinds["session"].letter) == ("booklore", "booklore", "S")


class Nothing:
    """Has no part of a target."""


class NoName(FakeTarget):
    def __init__(self):
        super().__init__()
        del self.name


BAD_TARGETS = [
    ([Nothing()], "is no target"),
    ([None], "is no target"),
    ([NoName()], "is no target"),
    ([FakeTarget("taken")], "the name 'taken' is taken already"),
    ([FakeTarget("same"), FakeTarget("same")], "the name 'same' is taken already"),
]


@pytest.mark.parametrize(("targets", "fault"), BAD_TARGETS, ids=range(len(BAD_TARGETS)))
def test_a_target_that_does_not_fit_is_refused_and_the_others_stay(core, targets, fault):
    first = FakeTarget("taken")

    errors = bring(core, a_well=FakePlugin([first]), bad=FakePlugin([*targets, FakeTarget("fine")]),
                   well=FakePlugin([FakeTarget("late")]))  # fmt: skip

    assert fault in errors.pop("bad")
    assert errors == {"a_well": None, "well": None}
    assert list(core.targets) == ["taken", "late"]
    assert core.targets["taken"].plugin == "a_well"


def test_a_target_that_is_refused_is_owed_nothing(core):
    bring(core, a_well=FakePlugin([FakeTarget("taken")]), bad=FakePlugin([FakeTarget("taken", {"quote"})]))

    kinds = core.database.rows("SELECT kind, plugin FROM subscriptions WHERE target = 'taken'")
    assert kinds == [{"kind": "session", "plugin": "a_well"}]


BAD_ACTIONS = [
    (["wave"], "expected an Action, got str"),
    ([Action("taken", "Taken", run)], "the name 'taken' is taken already"),
    ([Action("twice", "Twice", run)] * 2, "the name 'twice' is taken already"),
]


@pytest.mark.parametrize(("actions", "fault"), BAD_ACTIONS, ids=range(len(BAD_ACTIONS)))
def test_an_action_that_does_not_fit_is_refused_and_the_others_stay(core, actions, fault):
    taken, late = Action("taken", "Taken", run), Action("late", "Late", run)

    errors = bring(core, a_well=FakePlugin(actions=[taken]), bad=FakePlugin(actions=actions),
                   well=FakePlugin(actions=[late]))  # fmt: skip

    assert fault in errors.pop("bad")
    assert errors == {"a_well": None, "well": None}
    assert {name: plugin for name, (plugin, _) in core.plugin_actions.items()} == {"taken": "a_well", "late": "well"}


@pytest.mark.parametrize("name", ["sync_pending", "about", "clear_cache", "set_setting", "doctor"])
def test_an_action_that_takes_a_name_of_the_cores_own_is_refused_and_named(core, name):
    bring(core, bad=FakePlugin(actions=[Action(name, "Mine", run), Action("fine", "Fine", run)]))

    actions = all_actions(core)

    assert actions[name].label != "Mine"
    assert (owner_of(core, name), owner_of(core, "fine")) == ("core", "bad")
    assert core.plugins.plugins["bad"].error == f"register_actions: the name {name!r} is the core's own"
    assert answer_all(start(core, "fine", Request()), []).message == "the plugin's"


def test_asking_for_the_menu_again_and_again_names_it_once(core):
    bring(core, bad=FakePlugin(actions=[Action("about", "Mine", run)]))

    for _ in range(5):
        all_actions(core)

    assert core.plugins.plugins["bad"].errors == ["register_actions: the name 'about' is the core's own"]


def test_a_since_that_is_none_costs_only_its_own_target(core):
    core.plugins.register("bad", FakePlugin([FakeTarget("bad")]))
    core.settings.set("bad.since", "yesterday")

    errors = bring(core, well=FakePlugin([FakeTarget("well")]))

    assert errors["well"] is None
    assert "bad.since: expected a date" in core.plugins.plugins["bad"].error
    assert core.outbox.subscribers() == {"well": "well"}
