"""What clients of a KOReader sync server send and are sent: fields, what is taken for them, the forms of refusals."""

import re
from typing import Any

from pydantic import BaseModel

from booklore_core.bridge.elsewhere import Place
from booklore_core.events import PERCENT_SLACK

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
DOCUMENT = re.compile(r"[A-Za-z0-9_]+")
CREATED_BY = "User registration is disabled: `booklore bridge kosync-user` makes accounts, where the core runs."

FORMS = {
    102: (412, "Unsupported version specified in the Accept header."),
    103: (400, "Could not parse JSON in body."),
    104: (400, "Body should be a JSON hash."),
    2000: (502, "Unknown server error."),
    2001: (401, "Unauthorized"),
    2003: (403, "Invalid request"),
    2004: (403, "Field 'document' not provided."),
    2005: (402, CREATED_BY),
    2007: (403, "Field 'document' may hold letters, digits and underscores only."),
}
"""Code → status and message. Source: its config/errors.lua, its framework's core/error.lua."""


class SyncProblem(BaseModel):
    """Why a call was refused. code: which refusal it is."""

    code: int
    message: str


class Authorized(BaseModel):
    authorized: str = "OK"


class Healthy(BaseModel):
    state: str = "OK"


class TellPlace(BaseModel):
    """Where a reader is. percentage: 0–1. progress: xpointer, or page number. metadata: title, authors, filename."""

    document: Any = None
    progress: Any = None
    percentage: Any = None
    device: Any = None
    device_id: Any = None
    metadata: Any = None


class PlaceTaken(BaseModel):
    """timestamp: unix seconds, by the core's clock."""

    document: str
    timestamp: int


class LastRead(BaseModel):
    """Where any device last read; nothing at all of a document that is not known. timestamp: unix seconds."""

    document: str | None = None
    percentage: float | None = None
    progress: str | None = None
    device: str | None = None
    device_id: str | None = None
    timestamp: int | None = None


class SyncRefused(Exception):
    """A call is refused in the form that the code stands for."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
        self.status, self.message = FORMS[code]


def form(code: int, message: str = "") -> dict[str, Any]:
    return {"code": code, "message": message or FORMS[code][1]}


def place_of(told: TellPlace) -> Place:
    """What a client tells, checked. Raises SyncRefused.

    The reference takes a percentage beyond 1 as well; nobody could say what it means.
    """
    if not isinstance(told.document, str) or not told.document or ":" in told.document:
        raise SyncRefused(2004)
    if not DOCUMENT.fullmatch(told.document):
        raise SyncRefused(2007)
    percent, position, device = fraction(told.percentage), text(told.progress), text(told.device)
    if percent is None or position is None or device is None:
        raise SyncRefused(2003)
    about = told.metadata if isinstance(told.metadata, dict) else {}
    title, authors, file = (text(about.get(name)) for name in ("title", "authors", "filename"))
    return Place(told.document, percent, position, device, text(told.device_id), 0, title, authors, file)


def fraction(value: Any) -> float | None:
    """A number from 0 to 1, or the text of one; None for anything else."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_fraction = is_number and -PERCENT_SLACK <= value <= 1 + PERCENT_SLACK
    return min(1.0, max(0.0, float(value))) if is_fraction else None


def text(value: Any) -> str | None:
    """A text, or a number as one; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, str) else None
