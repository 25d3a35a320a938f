"""Effects on the wire: what a device shows, asks and does, at once or at its next contact."""

import threading
from collections import deque
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from booklore_core.flows import Ask, Choose, Effect, Info, Pick, Question, Result, Toast

MAX_LATE = 20
"""Effects kept per device; older ones go first."""

Effects = list[dict[str, Any]]


class ToastEffect(BaseModel):
    """A short message that goes away by itself."""

    type: Literal["toast"]
    text: str


class InfoEffect(BaseModel):
    """A message that stays until it is dismissed."""

    type: Literal["info"]
    title: str
    text: str


class GoToEffect(BaseModel):
    """Turn to a place in a book. book: partial MD5. percent: fraction 0–1, where the position does not exist.

    page: only if the book is open at this page, as it was when the core was told.
    """

    type: Literal["goto"]
    book: str
    position: str | None
    percent: float | None
    page: int | None = None


class DeviceEffect(BaseModel):
    """Take this id from now on, and keep the token: another device goes by the one that you have."""

    type: Literal["device"]
    id: str


class ScheduleEffect(BaseModel):
    """Run an action later. in: seconds from now; a later effect for the same action replaces this one.

    book, args: what the action is asked with.
    """

    type: Literal["schedule"]
    seconds: Annotated[float, Field(alias="in")]
    action: str
    book: str | None = None
    args: dict[str, Any] = {}


class NextAction(BaseModel):
    """An action that is asked with these args, and with one more that the effect tells."""

    action: str
    args: dict[str, Any] = {}


class SendFileEffect(BaseModel):
    """Put a file of your settings folder to `/v1/files/{name}`, and what SQLite keeps beside it, to `{name}-wal`.

    then: run this action when the core has all of it, with `file` among its args, which is the name.
    """

    type: Literal["send_file"]
    name: str
    then: NextAction


class ConfirmEffect(BaseModel):
    """A question that the device settles by itself.

    book: partial MD5; asked only while this book is open. page: and at this page.
    """

    type: Literal["confirm"]
    text: str
    ok: str
    cancel: str
    on_ok: list["AnyEffect"]
    on_cancel: list["AnyEffect"]
    book: str | None = None
    page: int | None = None


class QuestionEffect(BaseModel):
    """A question to a person; the answer goes to `/v1/answers/{id}` within ten minutes.

    options: of `choose` and `pick`. default: what the dialog begins with, in the shape of an answer; a number for a
    numeric `ask`. low, high: its range. secret: what is typed must not be shown. ok, cancel: the buttons' texts. skip:
    that of one more button of `ask`, which answers with an empty text.
    """

    type: Literal["question"]
    id: str
    kind: Literal["choose", "pick", "ask", "confirm"]
    text: str
    options: list[str] = []
    default: Any = None
    low: int | None = None
    high: int | None = None
    secret: bool = False
    skip: str = ""
    ok: str = "OK"
    cancel: str = "Cancel"


AnyEffect = Annotated[
    ToastEffect
    | InfoEffect
    | GoToEffect
    | ScheduleEffect
    | DeviceEffect
    | SendFileEffect
    | ConfirmEffect
    | QuestionEffect,
    Field(discriminator="type"),
]


class LateEffects:
    """What a device is told at its next contact, because it was not there when it became known. In memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, deque[dict[str, Any]]] = {}

    def keep(self, device: str, effects: Effects) -> None:
        with self._lock:
            self._of.setdefault(device, deque(maxlen=MAX_LATE)).extend(effects)

    def collect(self, device: str) -> Effects:
        with self._lock:
            return list(self._of.pop(device, ()))


def effect_json(effect: Any) -> dict[str, Any]:
    """An effect on the wire. Raises TypeError for anything else."""
    if not isinstance(effect, Effect):
        raise TypeError(f"expected an effect, got {type(effect).__name__}")
    return effect.as_json()


def result_effects(result: Result) -> Effects:
    """What a device shows of a result: its message first."""
    message = Info(result.title, result.message) if result.title else Toast(result.message)
    return [effect_json(effect) for effect in (*([message] if result.message else []), *result.effects)]


def question_effect(id_: str, question: Question) -> dict[str, Any]:
    """A question on the wire, with what applies to its kind."""
    own = {name: getattr(question, name, None) for name in ("options", "ok", "cancel", "low", "high", "secret")}
    own |= {"type": "question", "id": id_, "kind": question.kind, "text": question.text, "default": prefilled(question)}
    own["skip"] = getattr(question, "skip", None) or None
    return {name: value for name, value in own.items() if value is not None and value is not False}


def prefilled(question: Question) -> Any:
    """What the dialog begins with, in the shape of an answer."""
    if isinstance(question, Ask):
        return None if question.secret or question.value == "" else question.value
    if isinstance(question, Pick):
        return list(question.chosen)
    return question.default if isinstance(question, Choose) else None
