"""The door to a target's code: it fails, hangs and answers nonsense without anybody else noticing."""

import re
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from booklore_core import BookRef, Item, hookimpl
from booklore_core.guard import shape
from booklore_core.pipeline import gateway
from booklore_core.pipeline.entrance import Doors
from booklore_core.targets import Before, Candidate, Check, Declined, Finding, ItemFailed, Match, TargetUnavailable
from booklore_core.testing import FakeTarget, sample_book

DUNE = BookRef(sample_book("Dune")["partial_md5"], "Dune")
FACT = Item("session", "one", DUNE, {}, datetime(2026, 11, 20, tzinfo=UTC))
LONG = 10.0
"""Seconds that no test ever waits."""


class Everything(FakeTarget):
    """A target with every part there is; each call does `act` first, then answers as one that works."""

    credentials = ("everything.url",)

    def __init__(self, name="everything", act=lambda: None):
        super().__init__(name)
        self.act, self.calls, self.closed = act, [], 0

    def _enter(self, what, answer):
        self.calls.append(what)
        self.act()
        return answer

    def deliver(self, item, before):
        return self._enter("deliver", "id")

    def deliver_batch(self, items):
        return self._enter("deliver_batch", ["id"] * len(items))

    def match(self, books):
        return self._enter("match", {book.partial_md5: Match("7", "digest") for book in books})

    def search(self, text, limit):
        return self._enter("search", [Candidate("7", "Dune")])

    def book(self, remote_id):
        return self._enter("book", Candidate("7", "Dune"))

    def check(self):
        return self._enter("check", [Check("server", True)])

    def log_in(self):
        return self._enter("log_in", [Check("account", True)])

    def audit(self, book, items):
        return self._enter("audit", [Finding("missing", "session", book, "one", "gone")])

    def remote_progress(self, book):
        return self._enter("remote_progress", None)

    @property
    def about(self):
        return self._enter("about", "a library")

    def close(self):
        self.closed += 1


def delivered(door, *request):
    door.deliver_all([request], answers := [], lambda: True, lambda: None)
    if isinstance(answers[0], Declined):
        raise answers[0]


CALLS = {
    "deliver": lambda door: delivered(door, (FACT, Before())),
    "deliver_batch": lambda door: delivered(door, (FACT, Before()), (FACT, Before())),
    "match": lambda door: door.match([DUNE]),
    "search": lambda door: door.search("Dune", 5),
    "book": lambda door: door.book("7"),
    "check": lambda door: door.check(),
    "log_in": lambda door: door.log_in(),
    "audit": lambda door: door.audit(DUNE, [FACT]),
    "remote_progress": lambda door: door.remote_position(DUNE),
}
every_call = pytest.mark.parametrize("call", CALLS)


def door_to(target):
    return Doors()(target, "plugin")


def raising(error):
    def act():
        raise error

    return act


@every_call
def test_a_target_that_works_is_asked(call):
    target = Everything()

    CALLS[call](door_to(target))

    assert target.calls == [call]


@every_call
@pytest.mark.parametrize("error", [KeyError("id"), AttributeError("x"), RecursionError(), MemoryError()], ids=repr)
def test_whatever_it_raises_is_told_as_declined_with_its_name(call, error):
    with pytest.raises(ItemFailed) as declined:
        CALLS[call](door_to(Everything("broken", raising(error))))

    assert declined.value.target == "broken"
    assert str(declined.value).startswith(f"broken: {call} failed: {type(error).__name__}")
    assert declined.value.maybe_sent == call.startswith("deliver")


@every_call
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_it_cannot_end_the_program(call, error):
    with pytest.raises(ItemFailed, match=f"tried to end the program \\({type(error).__name__}"):
        CALLS[call](door_to(Everything(act=raising(error))))


@every_call
def test_what_it_declines_itself_is_passed_on_with_its_name_and_as_text_that_can_be_kept(call):
    with pytest.raises(TargetUnavailable) as declined:
        CALLS[call](door_to(Everything("asleep", raising(TargetUnavailable("half \ud800" * 1000)))))

    assert str(declined.value).startswith("asleep: half ?half")
    assert len(declined.value.reason) <= shape.MAX_TEXT


def test_a_property_that_fails_is_as_if_it_were_not_there(caplog):
    assert door_to(Everything("broken", raising(KeyError("id")))).about == ""
    assert "target broken: about: KeyError" in caplog.text


def test_a_target_that_cannot_be_closed_is_named_and_no_more(caplog):
    class Stuck(Everything):
        def close(self):
            raise KeyError("id")

    with door_to(Stuck("stuck")).session():
        pass

    assert "target stuck: close: KeyError" in caplog.text


class Hanging:
    """Does not come back before it is let go."""

    def __init__(self):
        self.entered, self.gate = threading.Event(), threading.Event()

    def __call__(self):
        self.entered.set()
        self.gate.wait(LONG)

    def let_go(self, name="everything"):
        self.gate.set()
        for thread in threading.enumerate():
            if thread.name == name:
                thread.join(LONG)


@pytest.fixture
def hanging(monkeypatch):
    monkeypatch.setattr(gateway, "CALL_LIMIT", 0.2)
    hanging = Hanging()
    yield hanging
    hanging.gate.set()


@every_call
def test_a_call_that_hangs_is_given_up_and_while_it_lingers_nobody_enters(call, hanging):
    target = Everything(act=hanging)
    door = door_to(target)
    with pytest.raises(TargetUnavailable, match=f"everything: {call} took longer than 0.2 s") as declined:
        CALLS[call](door)
    assert declined.value.maybe_sent

    for other in CALLS.values():
        with pytest.raises(TargetUnavailable, match="an earlier call has not come back yet") as declined:
            other(door)
        assert not declined.value.maybe_sent
    assert target.calls == [call]
    hanging.let_go()

    for other in CALLS.values():
        other(door)
    assert target.calls == [call, *CALLS]


def test_what_a_target_says_of_itself_is_not_waited_for_without_end(hanging):
    target = Everything(act=hanging)

    assert door_to(target).about == ""


def test_a_close_that_hangs_is_not_waited_for_without_end(monkeypatch, hanging, caplog):
    class Stuck(Everything):
        def close(self):
            hanging()

    monkeypatch.setattr(gateway, "CLOSE_LIMIT", 0.2)
    with door_to(Stuck("stuck")).session():
        pass

    assert re.search(r"target stuck: close: took longer than .*test_gateway\.py, line \d+\)", caplog.text)


class Building:
    """A plugin that builds its target anew at each refresh."""

    def __init__(self, build):
        self._build, self.built = build, []

    @hookimpl
    def register_targets(self):
        self.built.append(self._build())
        return self.built[-1:]


@pytest.fixture
def building(open_core):
    """A core with a target that is built anew at each refresh by the function given; and those built."""

    def build_with(build):
        core, plugin = open_core(), Building(build)
        core.plugins.register("building", plugin)
        core.refresh()
        return core, plugin.built

    return build_with


def test_a_call_that_lingers_keeps_everybody_out_also_after_the_target_was_exchanged(building, hanging):
    core, built = building(lambda: Everything(act=hanging))
    with pytest.raises(TargetUnavailable):
        core.targets["everything"].check()

    core.refresh()

    with pytest.raises(TargetUnavailable, match="has not come back yet"):
        core.targets["everything"].check()
    assert built[1].calls == []
    hanging.let_go()
    assert core.targets["everything"].check() == [Check("server", True)]


def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_target_is_closed_when_the_last_one_who_is_inside_has_left():
    first, second = Hanging(), Hanging()
    acts = iter([first, second])
    target = Everything(act=lambda: next(acts)())
    door = door_to(target)
    one, other = in_a_thread(door.check), None
    assert first.entered.wait(LONG)
    other = in_a_thread(door.check)
    assert second.entered.wait(LONG)

    first.gate.set()
    one.join(LONG)
    assert target.closed == 0
    second.gate.set()
    other.join(LONG)
    assert target.closed == 1


def test_around_several_calls_it_is_closed_once():
    target = Everything()
    door = door_to(target)

    with door.session():
        door.check()
        door.match([DUNE])
        assert target.closed == 0

    assert target.closed == 1


def test_nobody_enters_while_it_is_being_closed():
    closing, entered = Hanging(), threading.Event()

    class Slow(Everything):
        def close(self):
            closing()

    target = Slow()
    door = door_to(target)
    leaving = in_a_thread(door.check)
    assert closing.entered.wait(LONG)
    target.act = entered.set
    entering = in_a_thread(door.check)
    entered.wait(0.2)

    assert not entered.is_set()
    closing.gate.set()
    leaving.join(LONG)
    entering.join(LONG)
    assert target.calls == ["check", "check"]


def test_an_exchanged_target_is_closed_at_once_when_nobody_is_inside(building):
    core, built = building(Everything)

    core.refresh()

    assert [target.closed for target in built] == [1, 0]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_one_in_use_is_not_closed_by_a_refresh_but_by_who_leaves_it(building, times):
    using = Hanging()
    core, built = building(lambda: Everything(act=using))
    thread = in_a_thread(core.targets["everything"].check)
    assert using.entered.wait(LONG)

    for _ in range(times):
        core.refresh()
    assert built[0].closed == 0
    using.gate.set()
    thread.join(LONG)

    assert built[0].closed == 1


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_plugin_that_gives_the_same_target_again_does_not_have_it_closed_in_use(building, times):
    using = Hanging()
    always = Everything(act=using)
    core, _ = building(lambda: always)
    core.refresh()
    assert always.closed == 0
    thread = in_a_thread(core.targets["everything"].check)
    assert using.entered.wait(LONG)

    for _ in range(times):
        core.refresh()
    assert always.closed == 0
    using.gate.set()
    thread.join(LONG)

    assert always.closed == 1


NONSENSE = [
    *(("deliver_batch", answer) for answer in (["id"], 7)),
    ("match", ["7"]),
    ("match", "text"),
    ("match", 7),
    ("match", None),
    ("match", {DUNE.partial_md5: "7"}),
    ("match", {DUNE.partial_md5: None}),
    ("match", {DUNE.partial_md5: Candidate("7", "Dune")}),
    ("match", {DUNE.partial_md5: SimpleNamespace(remote_id="7")}),
    ("match", {DUNE.partial_md5: Match(None, "digest")}),
    ("match", {DUNE.partial_md5: Match("7", ["digest"])}),
    ("match", {DUNE.partial_md5: Match("7", "digest", "sure")}),
    ("search", None),
    ("search", "text"),
    ("search", [{"remote_id": "7"}]),
    ("search", [Candidate("7", None)]),
    ("search", [Candidate("7", "Dune", score="high")]),
    ("book", "7"),
    ("book", Match("7", "digest")),
    *(("check", answer) for answer in (None, [True], 7)),
    ("log_in", [None]),
    *(("audit", answer) for answer in ([Check("a", True)], True)),
    ("audit", [Finding("missing", "session", "no book", "one", "gone")]),
    ("remote_progress", 0.5),
    ("remote_progress", {"percent": 0.5}),
]


@pytest.mark.parametrize(("call", "answer"), NONSENSE, ids=repr)
def test_an_answer_that_is_none_is_declined(call, answer):
    target = Everything()
    setattr(target, call, lambda *_: answer)

    with pytest.raises(Declined, match=f"everything: {call} failed: "):
        CALLS[call](door_to(target))


def test_a_match_that_nobody_asked_for_is_left_out():
    target = Everything()
    target.match = lambda books: {DUNE.partial_md5: Match(7, "digest"), "0" * 32: "nonsense"}

    assert door_to(target).match([DUNE]) == {DUNE.partial_md5: Match("7", "digest")}
