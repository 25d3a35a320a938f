"""Actions on the e-reader: a flow runs to its next question or its result, under a deadline."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from booklore_core.actions import all_actions, find_action, finish
from booklore_core.bridge.dialogs import Dialogs
from booklore_core.bridge.errands import Errands, is_done_within
from booklore_core.bridge.mailbox import Mailbox
from booklore_core.bridge.replies import as_json
from booklore_core.core import Core
from booklore_core.flows import Action, Ask, Choose, Confirm, Flow, Info, Pick, Question, Request, Result, Toast
from booklore_core.flows import check_answer as checked
from booklore_core.settings import BadSetting
from booklore_core.targets import Declined

log = logging.getLogger(__name__)

Step = Callable[[], Question]

DEADLINE = 25.0
"""Seconds that a person waits for an action; a device gives up on an answer after 30."""

GOES_ON = "This takes a while. It goes on in the background; the outcome comes with the next contact."


class NoSuchDialog(Exception):
    """Nobody asked that, somebody else was asked, or it was too long ago."""


class Conversations:
    """Runs actions for devices, and keeps their flows while a person thinks. own: actions that only the bridge has."""

    def __init__(
        self, core: Core, errands: Errands, mailbox: Mailbox, own: Mapping[str, Action], deadline: float = DEADLINE
    ) -> None:
        self._core, self._errands, self._mailbox = core, errands, mailbox
        self._own, self._deadline = own, deadline
        self._dialogs = Dialogs(core.clock)

    def find(self, name: str) -> Action:
        """Raises BadSetting for an action that there is not."""
        return self._own.get(name) or find_action(self._core, name)

    def knows(self, name: str) -> bool:
        return name in self._own or name in all_actions(self._core)

    def begin(self, device: str, action: Action, request: Request) -> list[dict[str, Any]]:
        """Runs an action up to its first question, or to its end. Raises BadSetting for arguments that do not fit."""
        flow = whole_flow(self._core, action, request)
        return self._go_on(device, action, flow, lambda: next(flow))

    def answer(self, device: str, name: str, answer: Any) -> list[dict[str, Any]]:
        """Goes on with a person's answer. Raises NoSuchDialog, and BadAnswer, after which the question stays."""
        dialog = self._dialogs.claim(name, device)
        if dialog is None:
            raise NoSuchDialog(f"{name}: no such question, or it was asked too long ago")
        try:
            value = checked(dialog.question, answer)
        except ValueError:
            self._dialogs.put_back(name, dialog)
            raise
        return self._go_on(device, self.find(dialog.action), dialog.flow, lambda: dialog.flow.send(value))

    def _go_on(self, device: str, action: Action, flow: Flow, step: Step) -> list[dict[str, Any]]:
        run = self._errands.begin(lambda: self._advance(device, action, flow, step))
        if is_done_within(run, self._deadline):
            return run.result()
        run.add_done_callback(lambda done: self._mailbox.post(device, late(done)))
        return [Toast(GOES_ON).as_json()]

    def _advance(self, device: str, action: Action, flow: Flow, step: Step) -> list[dict[str, Any]]:
        """A step of the flow, and what to show then. A plugin's that raises costs nobody else anything."""
        owner = self._core.plugins.plugins.get(self._core.action_owners.get(action.name, ""))
        refused: list[BadSetting] = []

        def advance() -> list[dict[str, Any]]:
            try:
                outcome = carry_out(step)
            except BadSetting as error:
                refused.append(error)
                return []
            return outcome if isinstance(outcome, list) else [self._dialogs.open(device, action.name, flow, outcome)]

        effects = self._core.plugins.guard(owner, f"action {action.name}", advance) if owner else advance()
        if refused:
            raise refused[0]
        return [Toast(f"{action.name}: {owner.error}").as_json()] if effects is None and owner else effects or []


def whole_flow(core: Core, action: Action, request: Request) -> Flow:
    """The action's flow, and the facts that follow from it taken in."""
    return finish(core, action, (yield from action.run(core, request)))


def carry_out(step: Step) -> Question | list[dict[str, Any]]:
    """The next question, or the effects of the result."""
    try:
        question = step()
    except StopIteration as end:
        return effects_of(end.value)
    except Declined as error:
        return [Toast(error.reason).as_json()]
    if not isinstance(question, Choose | Pick | Ask | Confirm):
        raise TypeError(f"expected a question, got {type(question).__name__}")
    return question


def effects_of(result: Result) -> list[dict[str, Any]]:
    """What a device shows of a result: its message first."""
    message = Info(result.title, result.message) if result.title else Toast(result.message)
    return [as_json(effect) for effect in (*([message] if result.message else []), *result.effects)]


def late(run: "Future[list[dict[str, Any]]]") -> list[dict[str, Any]]:
    """The outcome of an action that nobody waits for any more; a failure is logged and told in one line."""
    error = run.exception()
    if error is None:
        return run.result()
    log.error("an action failed: %s: %s", type(error).__name__, error)
    return [
        Toast(str(error) if isinstance(error, BadSetting) else "The action failed; see `booklore doctor`").as_json()
    ]
