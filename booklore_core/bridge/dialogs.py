"""Actions on the e-reader: a flow runs to its next question or its result, under a deadline, and waits for answers."""

import logging
import secrets
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from booklore_core.actions import owner_of, start
from booklore_core.actions.answers import check_answer
from booklore_core.bridge.effects import Effects, LateEffects, question_effect, result_effects
from booklore_core.bridge.uploads import Uploads
from booklore_core.bridge.workers import Workers, is_done_within, settle_and_log
from booklore_core.core import Core
from booklore_core.flows import Flow, Question, Request, Toast
from booklore_core.settings import BadSetting
from booklore_core.storage.database import DatabaseUnusable
from booklore_core.storage.secrets import SecretsUnreadable
from booklore_core.targets import Declined

log = logging.getLogger(__name__)

LIFE = timedelta(minutes=10)
MAX_OPEN = 100
"""Questions of all devices together; the oldest goes when there are too many."""

DEADLINE = 25.0
"""Seconds that a person waits for an action; a device gives up on an answer after 30."""

CLOSE_WITHIN = 1.0
"""Seconds that each flow has to end when the bridge ends."""

FAILED = "The plugin {} failed at this; the log of `booklore serve` says why."
FAILED_LATE = "The action failed; the log of `booklore serve` says more."
GOES_ON = "This takes a while. It goes on in the background; the outcome is shown here once there is one."

EXPECTED = (BadSetting, DatabaseUnusable, SecretsUnreadable)
"""Errors that are no fault of the plugin whose action it is."""


class NoSuchQuestion(Exception):
    """Nobody asked that, somebody else was asked, or it was too long ago."""


@dataclass(frozen=True)
class OpenQuestion:
    """A flow that stands still until its question is answered. action: its name."""

    device: str
    action: str
    flow: Flow
    question: Question
    expires_at: datetime


class Dialogs:
    """Runs actions for devices, and keeps their flows in memory while a person thinks."""

    def __init__(
        self, core: Core, workers: Workers, late: LateEffects, uploads: Uploads, deadline: float = DEADLINE
    ) -> None:
        self._core, self._workers, self._late, self._deadline = core, workers, late, deadline
        self._uploads = uploads
        self._lock = threading.Lock()
        self._open: dict[str, OpenQuestion] = {}

    def begin(self, device: str, action: str, request: Request) -> Effects:
        """Runs an action up to its first question, or to its end.

        Raises BadSetting for arguments that do not fit, and Busy.
        """
        flow = self._flow(action, request)
        return self._outcome(device, self._workers.begin(lambda: self._advance(device, action, flow, None)))

    def _flow(self, action: str, request: Request) -> Flow:
        """An action, with the file that the device has sent for it; who asks at the computer names one of its own."""
        if request.device is None:
            return (yield from start(self._core, action, request))
        with self._uploads.lent(request) as lent:
            return (yield from start(self._core, action, lent))

    def answer(self, device: str, id_: str, answer: Any) -> Effects:
        """Goes on with a person's answer. Raises NoSuchQuestion; BadAnswer and Busy, after which the question stays.

        The question leaves in the same step in which its flow goes on: of two answers only one finds it, and none is
        lost to a core that has no hand free.
        """
        with self._lock:
            dialog = self._find(device, id_)
            value = check_answer(dialog.question, answer)
            run = self._workers.begin(lambda: self._advance(device, dialog.action, dialog.flow, value))
            del self._open[id_]
        return self._outcome(device, run)

    def question(self, device: str, id_: str) -> Question:
        """A question that waits for its answer, for who shows it by itself. Raises NoSuchQuestion."""
        with self._lock:
            return self._find(device, id_).question

    def _find(self, device: str, id_: str) -> OpenQuestion:
        self._forget_old()
        dialog = self._open.get(id_)
        if dialog is None or dialog.device != device:
            raise NoSuchQuestion(f"{id_}: no such question, or it was asked too long ago")
        return dialog

    def _outcome(self, device: str, run: "Future[Effects]") -> Effects:
        if is_done_within(run, self._deadline):
            return run.result()
        run.add_done_callback(lambda done: self._late.keep(device, late_effects(done)))
        return [Toast(GOES_ON).as_json()]

    def _advance(self, device: str, action: str, flow: Flow, answer: Any) -> Effects:
        """A step of the flow, and what to show then. A plugin's that raises costs nobody else anything."""
        owner, step = owner_of(self._core, action), partial(take_step, flow, answer)
        outcome = step() if owner is None else self._core.plugins.guard(owner, f"action {action}", step, EXPECTED)
        if outcome is None:
            return [Toast(FAILED.format(owner and owner.name)).as_json()]
        return [self._keep(device, action, flow, outcome)] if isinstance(outcome, Question) else outcome

    def _keep(self, device: str, action: str, flow: Flow, question: Question) -> dict[str, Any]:
        """Keeps a flow until it is answered. Returns the effect that asks its question."""
        id_ = secrets.token_urlsafe(12)
        with self._lock:
            self._forget_old()
            self._open[id_] = OpenQuestion(device, action, flow, question, self._core.clock() + LIFE)
            while len(self._open) > MAX_OPEN:
                self._give_up(next(iter(self._open)))
        return question_effect(id_, question)

    def _forget_old(self) -> None:
        now = self._core.clock()
        for id_ in [id_ for id_, dialog in self._open.items() if dialog.expires_at <= now]:
            self._give_up(id_)

    def _give_up(self, id_: str) -> None:
        """Ends a flow that nobody will answer, behind whoever finds it."""
        end(self._open.pop(id_).flow)

    def close(self) -> None:
        """Ends every flow that stands at a question, while there still are threads to do it."""
        with self._lock:
            flows, self._open = [dialog.flow for dialog in self._open.values()], {}
        for ending in [end(flow) for flow in flows]:
            ending.join(CLOSE_WITHIN)


def end(flow: Flow) -> threading.Thread:
    """Ends a flow that stands at a question, in a thread: it may hold a target open, and be anybody's code."""
    thread = threading.Thread(target=settle_and_log, args=(Future[None](), flow.close), daemon=True, name="given up")
    thread.start()
    return thread


def take_step(flow: Flow, answer: Any) -> Question | Effects:
    """The flow's next question, or the effects of its result. Raises what is EXPECTED, and whatever the flow does."""
    try:
        question = flow.send(answer)
    except StopIteration as done:
        return result_effects(done.value)
    except Declined as error:
        return [Toast(str(error)).as_json()]
    if not isinstance(question, Question):
        raise TypeError(f"expected a question, got {type(question).__name__}")
    return question


def late_effects(run: "Future[Effects]") -> Effects:
    """The outcome of an action that nobody waits for any more; a failure is logged and told in one line."""
    error = run.exception()
    if error is None:
        return run.result()
    log.error("an action failed: %s: %s", type(error).__name__, error)
    return [Toast(str(error) if isinstance(error, EXPECTED) else FAILED_LATE).as_json()]
