"""The protocol's requests and answers, typed; the served OpenAPI document is made from them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WrapValidator
from pydantic import ValidatorFunctionWrapHandler as Check

from booklore_core.bridge.effects import AnyEffect
from booklore_core.events import BootId, Digest, Id, Seconds, Utc

MAX_LINES = 1000

Name = Annotated[str, Field(max_length=200)]


def _text(value: Any) -> Any:
    return value.replace(" ", "") if isinstance(value, str) else value


def _six_digits(value: str) -> str:
    if not (len(value) == 6 and value.isascii() and value.isdigit()):
        raise ValueError("expected six digits")
    return value


def _or_nothing(value: Any, check: Check) -> Any:
    """What does not fit counts as not told: it must not cost the lines that it came with."""
    try:
        return check(value)
    except ValidationError:
        return None


Lenient = WrapValidator(_or_nothing)


class DeviceInfo(BaseModel):
    """The device that speaks. id: stays the same for as long as the device does. name: for people.

    shim: the version of what speaks for it. former_ids: those that it had before it lost its settings, or before the
    core gave it a new one.
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    name: Name | None = None
    model: Name | None = None
    shim: Name | None = None
    former_ids: Annotated[list[Id] | None, Field(max_length=100), Lenient] = None


class PairRequest(BaseModel):
    """code: the six digits that `booklore bridge pair` prints."""

    code: Annotated[str, BeforeValidator(_text), AfterValidator(_six_digits)]
    device: DeviceInfo


class PairAnswer(BaseModel):
    """token: goes into the header `Authorization: Bearer …` of every other call."""

    token: str


class HandOff(BaseModel):
    """Lines of the spool, oldest first.

    A line is a JSON object; one that is torn goes as text. waiting: how many lines wait on the device, these included.
    now: the device's clock, as in a line's `at`. up: seconds of its boot clock, which runs on through sleep. boot:
    tells one start of the device from another. found: names of files beside the device's own that an action may be for,
    told once.
    """

    device: DeviceInfo
    lines: Annotated[list[Any], Field(max_length=MAX_LINES)]
    waiting: Annotated[Annotated[int, Field(ge=0)] | None, Lenient] = None
    now: Annotated[Utc | None, Lenient] = None
    up: Annotated[Seconds | None, Lenient] = None
    boot: Annotated[BootId | None, Lenient] = None
    found: Annotated[list[Name] | None, Field(max_length=20), Lenient] = None


class BookInfo(BaseModel):
    """The book at hand, as in a spool line; the digest is enough."""

    model_config = ConfigDict(extra="allow")

    partial_md5: Digest


class ActionRequest(BaseModel):
    """What an action is about. args: what the menu's entry says; `file`: a file that this device has sent.

    reading, annotations: of a closed book for `sync_book`, as in a spool line, read from its sidecar.
    """

    book: BookInfo | Digest | None = None
    args: dict[str, Any] = {}
    reading: Any = None
    annotations: Any = None


class AnswerRequest(BaseModel):
    """A person's answer: an index for `choose`, indexes for `pick`, a text or number for `ask`, a boolean for
    `confirm`, null for cancelled."""

    answer: Any


class FilePart(BaseModel):
    """offset: where in the file the part begins. size: of the whole file, in bytes. changed: when the file was changed
    last, in whole seconds of the device's clock; of another state of it nothing that is held counts any more."""

    offset: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    changed: int


class FileHeld(BaseModel):
    """held: bytes of this state of the file that the core has, which is where to go on."""

    held: int


class HandOverAfter(BaseModel):
    """When a checkpoint is worth a hand-over of its own: after so many page turns, and so many seconds."""

    pages: int
    seconds: float


class CoreState(BaseModel):
    """enabled: whether to write anything down. manual_only: nothing is sent unless a person asks. silent: show no
    messages of your own. pending: letter of a kind → items that wait, none that are 0. menu: its version.
    hand_over: null: a checkpoint waits for the next occasion."""

    enabled: bool
    manual_only: bool
    ask_wifi: bool
    silent: bool
    pending: dict[str, int]
    menu: str
    hand_over: HandOverAfter | None


class ActionOutcome(BaseModel):
    """What to show, in this order, and how things stand; state is left out when that cannot be told."""

    effects: list[AnyEffect]
    state: CoreState | None = None


class LineRejection(BaseModel):
    """A line that was kept aside. index: its place in the request, from 0 on. id: the line's, where it has one."""

    index: int
    id: str | None = None
    error: str


class Receipt(ActionOutcome):
    """ack: ids of the lines that are durable now. Those and the rejected ones may leave the spool."""

    ack: list[str]
    rejected: list[LineRejection]


class OfBook(BaseModel):
    """How a line of a held book reads for one of them."""

    text: str
    checked: bool


class MenuNode(BaseModel):
    """A line of the menu. checked: of a switch or radio button. dispatcher: title for gestures. Only what applies.

    books: of a line for a held book, by partial MD5: how it reads for those that differ.
    """

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
    items: list["MenuNode"] = []
    books: dict[str, OfBook] = {}


class DispatcherAction(BaseModel):
    """An action that gestures and profiles may offer."""

    id: str
    title: str


class MenuTree(BaseModel):
    """The tree below Tools → BookLore Sync. long_press: what a book's file offers when it is held."""

    version: str
    items: list[MenuNode]
    long_press: list[MenuNode]
    actions: list[DispatcherAction]


class Health(BaseModel):
    """ready: whether events can be taken in."""

    ok: Literal[True]
    version: str
    ready: bool


class Problem(BaseModel):
    """Why a call was refused."""

    detail: str
