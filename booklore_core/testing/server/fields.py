"""Reads JSON fields as leniently as the real servers: numbers in texts, fractions cut, unknown names ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from booklore_core.testing.server.answers import conflict, malformed

BOOK_TYPES = ("PDF", "EPUB", "CBX", "FB2", "MOBI", "AZW3", "AUDIOBOOK")

TEXT_BYTES = 65_535
"""What a TEXT column holds."""

Body = Mapping[str, Any]

_FIRST_INSTANT, _LAST_INSTANT = -62_135_596_800, 253_402_300_799
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):?(\d\d))", re.IGNORECASE
)


def whole(body: Body, name: str, largest: int = 2**63 - 1) -> int | None:
    """The field as a whole number, None when absent or null; raises Refusal when it is none."""
    value = number(body, name)
    if value is None:
        return None
    if abs(value) > largest:
        raise malformed()
    raw = body[name]
    return raw if isinstance(raw, int) else int(value)


def number(body: Body, name: str) -> float | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise malformed()
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise malformed() from None


def stored_float(value: float | None) -> float | None:
    """The number as a single-precision column gives it back: six significant digits."""
    return None if value is None else float(f"{value:.6g}")


def text(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise malformed()


def flag(body: Body, name: str) -> bool:
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise malformed()


def choice(body: Body, name: str, allowed: tuple[str, ...]) -> str | None:
    value = body.get(name)
    if value is None or (isinstance(value, str) and value in allowed):
        return value
    raise malformed()


def objects(body: Body, name: str) -> list[dict[str, Any]] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise malformed()
    return value


def ids(body: Body, name: str) -> list[int] | None:
    """The field as a list of ids, repetitions kept."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        raise malformed()
    found = [whole({"id": entry}, "id") for entry in value]
    return [entry for entry in found if entry is not None]


def instant(body: Body, name: str) -> int | None:
    """The field as whole seconds since 1970; a number is taken as seconds, a text needs a zone."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
        return _parse_instant(value.strip())
    return whole(body, name)


def storable(moment: int) -> int:
    """The moment, unless no DATETIME column holds it: then a data conflict."""
    if not _FIRST_INSTANT <= moment <= _LAST_INSTANT:
        raise conflict()
    return moment


def limited(value: str | None, characters: int) -> str | None:
    """The text, unless its column is too short for it: then a data conflict."""
    if value is not None and len(value) > characters:
        raise conflict()
    return value


def characters(value: str | None) -> int:
    """How many the servers count: UTF-16 units."""
    return len((value or "").encode("utf-16-le", "surrogatepass")) // 2


def limited_bytes(value: str | None, most: int = TEXT_BYTES) -> str | None:
    """The text, unless a TEXT column is too short for it: then a data conflict."""
    if value is not None and len(value.encode("utf-8", "surrogatepass")) > most:
        raise conflict()
    return value


def _parse_instant(written: str) -> int:
    found = _INSTANT.fullmatch(written)
    if found is None:
        raise malformed()
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    sign, hours, minutes = found.group(7), int(found.group(8) or 0), int(found.group(9) or 0)
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    try:
        zone = timezone(offset) if offset else UTC
        return int(datetime(year, month, day, hour, minute, second, tzinfo=zone).timestamp())
    except ValueError:
        raise malformed() from None
