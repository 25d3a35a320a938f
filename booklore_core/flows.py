"""Questions to a person, and things to tell the reader.

An action's work is a generator: it yields questions, is sent the answers and returns a `Result`. The CLI answers in the
terminal, the bridge as dialogs on the e-reader, a test from a list.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from booklore_core.items import Item
from booklore_core.kinds import check_fields

if TYPE_CHECKING:
    from booklore_core.core import Core


@dataclass(frozen=True)
class Choose:
    """One of several options. The answer is an index, None for cancelled. default: what is taken without a person.

    cancel: the text beside the options; empty where one of them is the way to stop. books: what the first options are
    about, each a target's name and its id of a book, for a face that shows covers.
    """

    text: str
    options: Sequence[str]
    default: int | None = None
    cancel: str | None = None
    books: Sequence[tuple[str, str]] = ()
    kind = "choose"


@dataclass(frozen=True)
class Pick:
    """Any of several options. The answer is a list of indexes, None for cancelled. chosen: the preselected ones."""

    text: str
    options: Sequence[str]
    chosen: Sequence[int] = ()
    default: Sequence[int] | None = None
    ok: str = "OK"
    kind = "pick"


@dataclass(frozen=True)
class Ask:
    """A text, or a whole number where low or high is given. The answer is None for cancelled. value: prefilled.

    skip: the text of a way on without an answer, which is the empty text then.
    """

    text: str
    value: str | int = ""
    default: str | int | None = None
    low: int | None = None
    high: int | None = None
    secret: bool = False
    skip: str = ""
    kind = "ask"


@dataclass(frozen=True)
class Confirm:
    """Yes or no. The answer is a boolean. default: what is taken without a person, the safe one."""

    text: str
    ok: str = "OK"
    cancel: str = "Cancel"
    default: bool = False
    kind = "confirm"


Question = Choose | Pick | Ask | Confirm


def in_range(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def range_text(low: float | None, high: float | None) -> str:
    """`from 1 to 5`, `of at least 1`, `of at most 5`, or nothing."""
    if low is not None and high is not None:
        return f"from {low:.15g} to {high:.15g}"
    if low is not None:
        return f"of at least {low:.15g}"
    return f"of at most {high:.15g}" if high is not None else ""


class Effect:
    """Something that the reader's device shows or does. type: what it is called on the wire."""

    type: ClassVar[str]

    def as_json(self) -> dict[str, Any]:
        return {"type": self.type, **vars(self)}


@dataclass(frozen=True)
class Toast(Effect):
    """A short message that goes away by itself."""

    type = "toast"
    text: str


@dataclass(frozen=True)
class Info(Effect):
    """A message that stays until it is dismissed."""

    type = "info"
    title: str
    text: str


@dataclass(frozen=True)
class GoTo(Effect):
    """Turn to a place in a book. percent: fraction 0–1, for when the position does not exist in this copy."""

    type = "goto"
    book: str
    position: str | None
    percent: float | None


@dataclass(frozen=True)
class Schedule(Effect):
    """Run an action later. seconds: from now. book: partial MD5 of the book that it is about. args: the action's."""

    type = "schedule"
    seconds: float
    action: str
    book: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        about = {name: value for name, value in (("book", self.book), ("args", dict(self.args))) if value}
        return {"type": self.type, "in": self.seconds, "action": self.action, **about}


@dataclass(frozen=True)
class SendFile(Effect):
    """Have the e-reader send a file of KOReader's settings folder, as it is now, and then run an action with it.

    name: `statistics.sqlite3`, or `booklore-sync.sqlite`. action: is run with these args and one more, `path`: where
    the file lies until the action is done, with the `-wal` that there was beside it.
    """

    type = "send_file"
    name: str
    action: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"type": self.type, "name": self.name, "then": {"action": self.action, "args": dict(self.args)}}


@dataclass(frozen=True)
class AskReader(Effect):
    """A question that the device can answer by itself, without the core. book: partial MD5, asked while it is open."""

    type = "confirm"
    text: str
    ok: str = "OK"
    cancel: str = "Cancel"
    on_ok: tuple[Effect, ...] = ()
    on_cancel: tuple[Effect, ...] = ()
    book: str | None = None

    def as_json(self) -> dict[str, Any]:
        then = {name: [one.as_json() for one in getattr(self, name)] for name in ("on_ok", "on_cancel")}
        return {name: value for name, value in {**super().as_json(), **then}.items() if value is not None}


@dataclass(frozen=True)
class HandOver:
    """When a checkpoint is worth a hand-over of its own: after so many page turns, and seconds since the last one."""

    pages: int
    seconds: int


@dataclass(frozen=True)
class Result:
    """What an action came to. message: one line for a person. items: facts that follow from the answers.

    ok is False when the action could not do its work. data: the machine-readable outcome, JSON types.
    title: with one, the message stays on the reader's screen until it is dismissed.
    """

    message: str = ""
    effects: tuple[Effect, ...] = ()
    items: tuple[Item, ...] = ()
    ok: bool = True
    data: Any = None
    title: str = ""


Flow = Generator[Question, Any, Result]


@dataclass(frozen=True)
class Action:
    """Something a person can ask for, declared once: menu entry, CLI command and, with a title, dispatcher action.

    name: lower-case with underscores; the CLI shows hyphens. label: the menu text, or a function that makes it.
    run: called with the core (see `booklore_core.core.Core`) and the caller's `Request`; yields questions.
    enabled, checked: what the menu shows. menu: the path of submenus below Tools → BookLore Sync, None: in no menu.
    dispatcher: title under which KOReader's gestures offer it. order: places it within its submenu. params: the args
    that the command line takes without their names, in this order. offered_for: a file; where an e-reader has it beside
    its own, the action is offered once, as by `SendFile`.
    """

    name: str
    label: str | Callable[["Core"], str]
    run: Callable[["Core", "Request"], Flow]
    help: str = ""
    enabled: Callable[["Core"], bool] | None = None
    checked: Callable[["Core"], bool] | None = None
    radio: bool = False
    menu: tuple[str, ...] | None = ()
    dispatcher: str = ""
    order: int = 100
    args: Mapping[str, Any] = field(default_factory=dict)
    params: tuple[str, ...] = ()
    offered_for: str = ""

    def __post_init__(self) -> None:
        check_fields(self, label=str | Callable, run=Callable, enabled=Callable | None, checked=Callable | None)
        check_fields(self, help=str, radio=bool, menu=tuple | None, dispatcher=str, order=int, args=Mapping)
        check_fields(self, params=tuple, offered_for=str)

    def text(self, core: "Core") -> str:
        return self.label if isinstance(self.label, str) else self.label(core)


@dataclass(frozen=True)
class Request:
    """Who asks, and about what. book: partial MD5 of the book at hand. device: None at the CLI. progress: told by long
    work: a label, how much is done, of how much."""

    book: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    progress: Callable[[str, int, int], None] = lambda label, done, total: None
