"""What plugins bring: what does not fit is refused and its plugin named, and the others stay."""

import pytest
from function_features import add_feature

from booklore_core import Action, BookRef, Item, Kind, Result, hookimpl
from booklore_core.actions import OWN, all_actions, owner_of, start
from booklore_core.flows import Request
from booklore_core.registry import OWN_ACTIONS
from booklore_core.settings import BadSetting
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
    ([quote(quotes="SELECT one FROM nowhere")], "view quotes: no such table: main.nowhere"),
    (
        [quote(quotes="SELECT {nope:a}")],
        "view quotes: expected one of {text:…}, {real:…}, {int:…}, {id:…}, got {nope:a",
    ),
    ([quote(quotes="SELECT 'a{b'")], "view quotes: expected one of {text:…}, {real:…}, {int:…}, {id:…}, got {b'"),
    ([quote(quotes="SELECT 1; SELECT 2")], "view quotes: "),
    ([quote(quotes="SELECT '\0'")], "view quotes: "),
    ([quote(quotes="SELECT '\ud800'")], "view quotes: "),
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


def waiting(core, clock, kind="quote"):
    """One item of a kind waits at a target."""
    core.plugins.register("bookworm", FakePlugin([FakeTarget(kinds={"quote", "quip"})]))
    core.refresh()
    core.put([Item(kind, "one", BookRef("0" * 32), {}, clock())], "quotes")


def test_a_letter_whose_items_are_left_is_not_given_again(core, open_core, clock):
    bring(core, quotes=FakePlugin(kinds=[quote()]))
    waiting(core, clock)

    other = open_core()
    errors = bring(other, quips=FakePlugin(kinds=[quote("quip", quips="SELECT 1 AS one")]))
    waiting(other, clock, "quip")

    assert errors["quips"] == "register_kinds: kind 'quip' has no letter: items of 'quote' are left, and Q is theirs"
    assert other.kinds.short_counts(other.pending()) == "1Q, 1 more"
    assert other.database.rows("SELECT * FROM quips") == [{"one": 1}]


def test_a_letter_whose_items_are_gone_is_given_again(core, open_core):
    bring(core, quotes=FakePlugin(kinds=[quote()]))

    other = open_core()
    errors = bring(other, quips=FakePlugin(kinds=[quote("quip")]))

    assert (errors, other.kinds["quip"].letter) == ({"quips": None}, "Q")


def test_what_this_project_ships_has_its_letters_whoever_had_them(open_core, clock):
    core = open_core(plugins=())
    bring(core, quotes=FakePlugin(kinds=[quote(letter="S")]))
    waiting(core, clock)

    other = open_core()

    assert other.plugins.plugins["sessions"].error is None
    assert (other.kinds["session"].letter, other.kinds.short_counts(other.pending())) == ("S", "1 more")


class WrongRank:
    """A plugin whose kind has a field that is none."""

    @hookimpl
    def register_kinds(self):
        yield Kind("streak", "Z", "streak", "streaks", rank="high")


def test_a_kind_with_a_wrong_field_is_named_and_nothing_of_it_is_kept(core, open_core):
    errors = bring(core, bad=WrongRank())

    assert "kind 'streak': rank: expected int, got 'high'" in errors["bad"]
    assert "streak" not in open_core().kinds
    assert core.database.rows("SELECT * FROM kinds WHERE name = 'streak'") == []


@pytest.mark.parametrize("row", [{"rank": "high"}, {"letter": "two"}, {"many": "a\x1b[31m"}], ids=lambda row: [*row][0])
def test_a_kind_in_the_database_that_cannot_be_read_stops_nothing(core, open_core, row, caplog):
    known = {"name": "streak", "letter": "K", "one": "streak", "many": "streaks", "rank": 60, "history": ""}
    core.database.table("kinds").upsert(known | row, ["name"])

    other = open_core()

    assert ("streak" in other.kinds, other.kinds["session"].letter) == (False, "S")
    assert other.status().kinds["session"].letter == "S"
    assert f"kind 'streak': {[*row][0]}: " in caplog.text


def test_a_kind_that_could_not_be_read_is_mended_by_its_declaration(core, open_core):
    bad = {"name": "quote", "letter": "Q", "one": "quote", "many": "quotes", "rank": "high", "history": ""}
    core.database.table("kinds").upsert(bad, ["name"])

    bring(core, quotes=FakePlugin(kinds=[quote()]))

    assert open_core().kinds["quote"].rank == 60


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


def odd(**parts):
    target = FakeTarget()
    for name, value in parts.items():
        setattr(target, name, value)
    return target


BAD_TARGETS = [
    *(([odd(name=name)], "is no name for a target") for name in (None, "", 7, "Bad Name!\nx", "a.b")),
    *(
        ([odd(kinds=kinds)], "target bookworm: kinds: expected a set of names")
        for kinds in ("session", None, {1}, {}, {"\ud800"}, {"a\0"})
    ),
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


@pytest.mark.parametrize("name", OWN)
def test_an_action_that_takes_a_name_of_the_cores_own_is_refused_and_named_at_the_start(core, name):
    mine = [Action(name, "Mine", run), Action("fine", "Fine", run)]

    errors = bring(core, bad=FakePlugin(actions=mine), well=FakePlugin(actions=[Action("wave", "Wave", run)]))

    assert f"register_actions failed: ValueError: the name {name!r} is the core's own" in errors["bad"]
    assert list(core.plugin_actions) == ["wave"]
    assert (all_actions(core)[name], owner_of(core, name)) == (OWN[name], None)
    assert owner_of(core, "wave") is core.plugins.plugins["well"]
    assert answer_all(start(core, "wave", Request()), []).message == "the plugin's"


def test_the_names_of_the_cores_own_actions_are_kept():
    assert OWN.keys() == OWN_ACTIONS


def test_a_since_that_is_none_is_refused_where_it_is_set(core):
    core.plugins.register("shop", FakePlugin([FakeTarget("shop")]))
    add_feature(core, "diary", on_book_open=lambda event: None)

    for plugin in ("shop", "diary"):
        with pytest.raises(BadSetting, match=f"{plugin}.since: expected a date such as 2026-01-31, all, or nothing"):
            core.settings.set(f"{plugin}.since", "yesterday")


def test_a_since_that_is_none_in_the_environment_is_told_and_passed_over(open_core):
    core = open_core(FakeTarget("shop"), BOOKLORE_SHOP_PLUGIN__SINCE="yesterday")

    (fault,) = core.settings.faults()
    assert fault.text == "shop_plugin.since (env): expected a date such as 2026-01-31, all, or nothing, got 'yesterday'"
    assert core.outbox.subscribers() == {"shop": "shop_plugin"}
