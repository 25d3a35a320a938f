"""A fact is of the plugin that made it: no other one takes it away, whatever it yields."""

from datetime import timedelta

import pytest

from booklore_core import BookRef, Item, Proposal
from booklore_core.actions import start as start_action
from booklore_core.actions.plugins import check_plugin, notes_of
from booklore_core.flows import Request
from booklore_core.testing import SampleReader, answer_all, sample_book

DUNE = BookRef("d" * 32, "Dune")
ALONE = {"BOOKLORE_BOOKLORE__ENABLED": "false", "BOOKLORE_PROGRESS__ENABLED": "false"}

TAKES_AWAY = """
from booklore_core import TOMBSTONE, Item, hookimpl

@hookimpl(trylast=True)
def on_book_close(event, facts):
    yield Item("opinion", "before", event.book.ref, {}, event.at)
    for fact in facts.of("session", event.book.ref):
        yield Item("session", fact.key, event.book.ref, BODY, facts.now)
    yield Item("opinion", "after", event.book.ref, {}, event.at)
    yield Item("session", "mine", event.book.ref, {}, event.at)
"""


def bodies(core, kind):
    return {row["key"]: row["body"] for row in core.database.table("items").find(kind=kind)}


def read(core):
    core.take(SampleReader().read(sample_book("Dune")), "test")


@pytest.mark.parametrize("body", ['{"start": "never"}', "TOMBSTONE"])
def test_what_another_plugin_made_stays_as_it_is_and_whoever_tried_is_named(installed, start, body):
    installed.add(TAKES_AWAY.replace("BODY", body))
    core = start(**ALONE)

    read(core)

    ours, its_own = sorted(bodies(core, "session").items(), key=lambda one: one[0] == "mine")
    assert '"duration"' in ours[1]
    assert its_own == ("mine", "{}")
    assert sorted(bodies(core, "opinion")) == ["after", "before"]
    told = f"the session {ours[0]!r} is of sessions: opens cannot change or remove it"
    assert [row["remark"] for row in core.database.table("remarks").find(plugin="opens")] == [told]
    plugin = core.plugins.plugins["opens"]
    assert notes_of(core, plugin) == [f"it was kept from changing 1 fact of another plugin, such as: {told}"]
    assert told in check_plugin(core, plugin).detail
    assert core.derive.failing() == {}


def test_what_was_made_before_anybody_asked_is_of_who_made_it(installed, start):
    core = start(**ALONE)
    read(core)
    core.close()
    installed.add(TAKES_AWAY.replace("BODY", "TOMBSTONE"))

    core = start(**ALONE)
    core.derive.lead()

    assert sorted('"duration"' in body for body in bodies(core, "session").values()) == [False, True]


def test_a_feature_mends_what_another_one_made_of_its_kind_first(installed, start, clock):
    installed.add(TAKES_AWAY.replace("BODY", "TOMBSTONE"))
    core = start(**ALONE)
    core.put([Item("session", "theirs", DUNE, {}, clock())], "opens")
    clock.forward(hours=1)

    assert core.put([Item("session", "theirs", DUNE, {"duration": 1}, clock())], "sessions") == 1
    assert core.put([Item("session_memory", "theirs", DUNE, {}, clock())], "opens") == 1
    clock.forward(hours=1)
    assert core.put([Item("session_memory", "theirs", DUNE, {"a": 1}, clock())], "sessions") == 1


def test_plugins_of_one_package_work_together(start, installed, clock):
    installed.add(TAKES_AWAY)
    core = start()
    core.put([Item("rating", DUNE.partial_md5, DUNE, {"rating": 4}, clock())], "ratings")
    clock.forward(hours=1)

    assert core.put([Item("rating", DUNE.partial_md5, DUNE, {"rating": 6}, clock())], "opens") == 0
    assert core.put([Item("rating", DUNE.partial_md5, DUNE, {"rating": 8}, clock())], "booklore") == 1


def test_a_question_to_a_person_is_of_who_asks_it(installed, start, clock):
    installed.add(TAKES_AWAY)
    core, item = start(), Item("deletion", DUNE.partial_md5, DUNE, {"policy": "unshelve"}, clock())
    with core.database.writing():
        core.outbox.propose([Proposal(item, "Is it gone?")], "deletions", clock())
        core.outbox.propose([Proposal(Item("deletion", item.key, DUNE, {}, clock()), "Hm?")], "opens", clock())

    core.put([Item("deletion", item.key, DUNE, {"policy": "delete"}, clock() + timedelta(hours=1))], "opens")

    assert core.questions() == ["Is it gone?"]
    assert core.outbox.answer("Is it gone?", True, clock()) == 1
    assert bodies(core, "deletion") == {DUNE.partial_md5: '{"policy":"unshelve"}'}


ACTION = """
from booklore_core import Action, BookRef, Item, Result, hookimpl

def work(core, request):
    yield from ()
    book = BookRef("d" * 32, "Dune")
    return Result("done", items=(Item("rating", "d" * 32, book, {"rating": 1}, core.clock()),))

@hookimpl
def register_actions():
    yield Action("mine", "Mine", work)
"""


def test_the_facts_of_an_action_are_its_plugins(installed, start, clock):
    installed.add(ACTION)
    core = start()
    core.put([Item("rating", DUNE.partial_md5, DUNE, {"rating": 8}, clock())], "ratings")
    clock.forward(hours=1)

    answer_all(start_action(core, "mine", Request()), [])

    assert bodies(core, "rating") == {DUNE.partial_md5: '{"rating":8}'}
    assert len(list(core.database.table("remarks").find(plugin="opens"))) == 1
