"""Questions that await a person's answer, each with the flow that asked it."""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from booklore_core.flows import Ask, Choose, Confirm, Flow, Pick, Question
from booklore_core.pipeline.lease import Clock

LIFE = timedelta(minutes=10)
MAX_DIALOGS = 100


@dataclass(frozen=True)
class Dialog:
    """A flow that stands still until its question is answered. action: its name."""

    device: str
    action: str
    flow: Flow
    question: Question
    expires_at: datetime


class Dialogs:
    """The open questions of all devices, in memory; the oldest goes when there are too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._open: dict[str, Dialog] = {}

    def open(self, device: str, action: str, flow: Flow, question: Question) -> dict[str, Any]:
        """Keeps a flow. Returns the effect that asks its question."""
        name = secrets.token_urlsafe(12)
        self.put_back(name, Dialog(device, action, flow, question, self._clock() + LIFE))
        return as_effect(name, question)

    def claim(self, name: str, device: str) -> Dialog | None:
        """Takes a dialog out, so that nobody answers it twice. Only its own device may."""
        with self._lock:
            self._forget_old()
            dialog = self._open.get(name)
            return self._open.pop(name) if dialog and dialog.device == device else None

    def put_back(self, name: str, dialog: Dialog) -> None:
        with self._lock:
            self._forget_old()
            self._open[name] = dialog
            while len(self._open) > MAX_DIALOGS:
                del self._open[next(iter(self._open))]

    def _forget_old(self) -> None:
        now = self._clock()
        for name in [name for name, dialog in self._open.items() if dialog.expires_at <= now]:
            del self._open[name]


def as_effect(name: str, question: Question) -> dict[str, Any]:
    """A question on the wire; `default` is what the dialog begins with."""
    effect = {"type": "question", "id": name, "kind": question.kind, "text": question.text}
    return {**effect, **{key: value for key, value in details(question).items() if value is not None}}


def details(question: Question) -> dict[str, Any]:
    if isinstance(question, Confirm):
        return {"ok": question.ok, "cancel": question.cancel}
    if isinstance(question, Choose):
        return {"options": list(question.options), "default": question.default}
    if isinstance(question, Pick):
        return {"options": list(question.options), "default": list(question.chosen), "ok": question.ok}
    assert isinstance(question, Ask)
    value, secret = None if question.value == "" else question.value, question.secret or None
    return {"default": value, "low": question.low, "high": question.high, "secret": secret}
