"""What the server says: answers, refusals and the shapes that errors come in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal

WEB_PAGE = b"<!doctype html><html><head><title>BookLore</title></head><body><app-root></app-root></body></html>\n"
DATA_CONFLICT = "A data conflict occurred. The operation could not be completed."
MALFORMED = "Request body is missing or malformed."
UNEXPECTED = "An unexpected error occurred."


@dataclass(frozen=True)
class Answer:
    """One answer, byte for byte; headers without Content-Type and Content-Length, which follow from the rest."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Refusal(Exception):
    """A request is answered with an error.

    shape: `app` (status, message, timestamp, perhaps details), `boot` (timestamp, status, error, path) or `empty`.
    carried: the status of the exception behind a 500, where it has one; newer servers answer that one.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        details: tuple[str, ...] = (),
        shape: Literal["app", "boot", "empty"] = "app",
        carried: int | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.details = details
        self.shape = shape
        self.carried = carried


def encode(value: Any) -> bytes:
    """The value as UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, encode(value), "application/json")


def empty_answer(status: int) -> Answer:
    return Answer(status)


def page_answer() -> Answer:
    """The web application's page, which every unknown GET gets."""
    return Answer(200, WEB_PAGE, "text/html", (("Accept-Ranges", "bytes"),))


def refusal_answer(refusal: Refusal, path: str, now: float) -> Answer:
    """The refusal of a request for path, at now (seconds since 1970)."""
    if refusal.shape == "empty":
        return Answer(refusal.status)
    if refusal.shape == "boot":
        error = {
            "timestamp": instant_text(now, "milliseconds"),
            "status": refusal.status,
            "error": HTTPStatus(refusal.status).phrase,
            "path": path,
        }
        return json_answer(error, refusal.status)
    body: dict[str, Any] = {"message": refusal.message, "status": refusal.status, "timestamp": local_text(now)}
    if refusal.details:
        body["details"] = list(refusal.details)
    return json_answer(body, refusal.status)


def conflict() -> Refusal:
    return Refusal(400, DATA_CONFLICT)


def malformed() -> Refusal:
    return Refusal(400, MALFORMED)


def unexpected(carried: int | None = None) -> Refusal:
    """A 500. carried: the status that the exception behind it has."""
    return Refusal(500, UNEXPECTED, carried=carried)


def with_carried_status(refusal: Refusal) -> Refusal:
    """The refusal as servers give it that keep the status of an exception."""
    if refusal.carried is None:
        return refusal
    return Refusal(refusal.carried, HTTPStatus(refusal.carried).phrase)


def invalid(*details: str) -> Refusal:
    """Bean validation failed; details as `field: reason`."""
    return Refusal(400, "Validation error", details)


def book_not_found(book_id: int) -> Refusal:
    return Refusal(404, f"Book not found with ID: {book_id}")


def instant_text(at: float, timespec: str = "seconds") -> str:
    """The moment as the servers write an Instant: UTC with Z."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def local_text(at: float, timespec: str = "microseconds") -> str:
    """The moment as the servers write a LocalDateTime: no zone."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec=timespec)
