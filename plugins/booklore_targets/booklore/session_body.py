"""A reading session as the server takes it: percentages 0–100, rounded, and a delta that fits its ends."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from booklore_core import Item, ItemRejected
from booklore_targets.booklore.spans import Span

LONGEST = 24 * 3600
"""Seconds of reading that one session may claim; the server itself takes anything, and for ever (contract §6.1)."""

LOCATION_LENGTH = 500


def session_body(item: Item, decimals: int) -> dict[str, Any]:
    """The session's fields but for book and type. decimals: places of a percentage.

    Raises ItemRejected for what no reading can be.
    """
    body = item.body
    start, end = read_time(body, "start"), read_time(body, "end")
    duration = body.get("duration")
    if not isinstance(duration, int) or isinstance(duration, bool) or not 0 <= duration <= LONGEST:
        raise ItemRejected(f"duration: expected whole seconds from 0 to {LONGEST}, got {duration!r}")
    if end < start:
        raise ItemRejected(f"end: {time_text(end)} is before the start, {time_text(start)}")
    return {
        "startTime": time_text(start),
        "endTime": time_text(end),
        "durationSeconds": duration,
        "durationFormatted": duration_text(duration),
        **progress_fields(body, decimals),
        "startLocation": location(body, "start"),
        "endLocation": location(body, "end"),
    }


def part_of(body: Mapping[str, Any], part: Span, seconds: int) -> dict[str, Any]:
    """The body of a part of a session, of so many seconds of reading. Where in the book it was cut nobody knows."""
    start, end = (time_text(datetime.fromtimestamp(moment, UTC)) for moment in part)
    cut = {"startTime": start, "endTime": end, "durationSeconds": seconds, "durationFormatted": duration_text(seconds)}
    unknown = [side for side in ("start", "end") if cut[f"{side}Time"] != body[f"{side}Time"]]
    lost = [f"{side}{name}" for side in unknown for name in ("Progress", "Location")]
    return {**body, **cut, **dict.fromkeys([*lost, "progressDelta"] if lost else [])}


def read_time(body: Mapping[str, Any], name: str) -> datetime:
    """A time of the body in UTC and whole seconds: the server keeps no more (contract §2.5)."""
    try:
        moment = datetime.fromisoformat(body[name])
    except (KeyError, TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ItemRejected(f"{name}: expected a time with zone, got {body.get(name)!r}")
    return moment.astimezone(UTC).replace(microsecond=0)


def time_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration_text(seconds: int) -> str:
    """Such as `1h 5m 9s`, parts of zero left out."""
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    return " ".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def progress_fields(body: Mapping[str, Any], decimals: int) -> dict[str, float | None]:
    start, end = percentage(body, "start_percent", decimals), percentage(body, "end_percent", decimals)
    delta = None if start is None or end is None else float(end - start)
    return {
        "startProgress": None if start is None else float(start),
        "endProgress": None if end is None else float(end),
        "progressDelta": delta,
    }


def percentage(body: Mapping[str, Any], name: str, decimals: int) -> Decimal | None:
    """A fraction 0–1 of the body as percentage, rounded half up."""
    fraction = body.get(name)
    if fraction is None:
        return None
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 <= fraction <= 1:
        raise ItemRejected(f"{name}: expected a fraction from 0 to 1, got {fraction!r}")
    return (Decimal(repr(fraction)) * 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def location(body: Mapping[str, Any], side: str) -> str | None:
    """The page as text, as readers see it in the session lists; the position where no page is known."""
    page, position = body.get(f"{side}_page"), body.get(f"{side}_position")
    text = str(page) if page is not None else position
    return text if isinstance(text, str) and len(text) <= LOCATION_LENGTH else None
