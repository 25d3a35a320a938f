"""The protocol's requests and answers, typed; the served OpenAPI document is made from them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from booklore_core.line_fields import Digest

MAX_LINES = 1000

Name = Annotated[str, Field(max_length=200)]


def _text(value: Any) -> Any:
    return value.replace(" ", "") if isinstance(value, str) else value


def _six_digits(value: str) -> str:
    if not (len(value) == 6 and value.isascii() and value.isdigit()):
        raise ValueError("expected six digits")
    return value


class Device(BaseModel):
    """The device that speaks. id: stays the same for as long as the device does. name: for people.

    shim: the version of what speaks for it.
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    name: Name | None = None
    model: Name | None = None
    shim: Name | None = None


class Pairing(BaseModel):
    """code: the six digits that `booklore bridge pair` prints."""

    code: Annotated[str, BeforeValidator(_text), AfterValidator(_six_digits)]
    device: Device


class Paired(BaseModel):
    """token: goes into the header `Authorization: Bearer …` of every other call."""

    token: str


class HandOff(BaseModel):
    """Lines of the spool, oldest first.

    A line is a JSON object; one that is torn goes as text. waiting: how many lines wait on the device, these included.
    """

    device: Device
    lines: Annotated[list[Any], Field(max_length=MAX_LINES)]
    waiting: Annotated[int, Field(ge=0)] | None = None


class Book(BaseModel):
    """The book at hand, as in a spool line; the digest is enough."""

    partial_md5: Digest


class Wish(BaseModel):
    """What an action is about. args: what the menu's entry says."""

    book: Book | Digest | None = None
    args: dict[str, Any] = {}


class Answer(BaseModel):
    """A person's answer: an index for `choose`, indexes for `pick`, a text or number for `ask`, a boolean for
    `confirm`, null for cancelled."""

    answer: Any


class Toast(BaseModel):
    """A short message that goes away by itself."""

    type: Literal["toast"]
    text: str


class Info(BaseModel):
    """A message that stays until it is dismissed."""

    type: Literal["info"]
    title: str
    text: str


class GoTo(BaseModel):
    """Turn to a place in a book. book: partial MD5. percent: fraction 0–1, where the position does not exist."""

    type: Literal["goto"]
    book: str
    position: str | None
    percent: float | None


class Schedule(BaseModel):
    """Run an action later. in: seconds from now; a later effect for the same action replaces this one."""

    type: Literal["schedule"]
    seconds: Annotated[float, Field(alias="in")]
    action: str


class AskReader(BaseModel):
    """A question that the device settles by itself."""

    type: Literal["confirm"]
    text: str
    ok: str
    cancel: str
    on_ok: list["Effect"]
    on_cancel: list["Effect"]


class Question(BaseModel):
    """A question to a person; the answer goes to `/v1/answers/{id}` within ten minutes.

    options: of `choose` and `pick`. default: what the dialog begins with, in the shape of an answer; a number for a
    numeric `ask`. low, high: its range. secret: what is typed must not be shown. ok, cancel: the buttons' texts.
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
    ok: str = "OK"
    cancel: str = "Cancel"


Effect = Annotated[Toast | Info | GoTo | Schedule | AskReader | Question, Field(discriminator="type")]


class State(BaseModel):
    """enabled: whether to write anything down. manual_only: nothing is sent unless a person asks. silent: show no
    messages of your own. pending: letter of a kind → items that wait, none that are 0. menu: its version."""

    enabled: bool
    manual_only: bool
    ask_wifi: bool
    silent: bool
    pending: dict[str, int]
    menu: str


class Outcome(BaseModel):
    """What to show, in this order, and how things stand."""

    effects: list[Effect]
    state: State


class Rejection(BaseModel):
    """A line that was kept aside. index: its place in the request, from 0 on. id: the line's, where it has one."""

    index: int
    id: str | None = None
    error: str


class Receipt(Outcome):
    """ack: ids of the lines that are durable now. Those and the rejected ones may leave the spool."""

    ack: list[str]
    rejected: list[Rejection]


class Node(BaseModel):
    """A line of the menu. checked: of a switch or radio button. dispatcher: title for gestures. Only what applies."""

    model_config = ConfigDict(extra="forbid")

    id: str
    text: str
    enabled: bool = True
    checked: bool = False
    radio: bool = False
    help: str = ""
    action: str = ""
    args: dict[str, Any] = {}
    dispatcher: str = ""
    items: list["Node"] = []


class DispatcherAction(BaseModel):
    """An action that gestures and profiles may offer."""

    id: str
    title: str


class Menu(BaseModel):
    """The tree below Tools → BookLore Sync. long_press: what a book's file offers when it is held."""

    version: str
    items: list[Node]
    long_press: list[Node]
    actions: list[DispatcherAction]


class Health(BaseModel):
    """ready: whether events can be taken in."""

    ok: Literal[True]
    version: str
    ready: bool


class Problem(BaseModel):
    """Why a call was refused."""

    detail: str
