"""What a cell of the Lua plugin's tables says: SQLite keeps numbers as texts, texts as numbers, and bytes as either."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

DIGEST = re.compile(r"[0-9a-f]{32}")
TRUE = ("1", "1.0", "true", "yes", "on")
MILLISECONDS = 1e11
"""From there on a number is no time in seconds: those would be of the year 5138."""


def text_of(value: Any) -> str:
    """The cell as text, whatever it looks like; "" for nothing."""
    if value is None:
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.replace("\0", "")


def number_of(value: Any) -> float | int | None:
    """The cell as a finite number."""
    try:
        number = value if isinstance(value, int | float) else read_number(text_of(value).strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_number(text: str) -> float | int:
    """Raises ValueError."""
    return int(text) if text.isdecimal() and len(text) < 19 else float(text)


def whole_of(value: Any) -> int | None:
    """The cell as a whole number; `2.0` is one."""
    number = number_of(value)
    return int(number) if number is not None and number == int(number) else None


def is_true(value: Any) -> bool:
    return text_of(value).strip().lower() in TRUE


def moment_of(value: Any) -> datetime | None:
    """A time in UTC and whole seconds, of seconds since 1970 or of a text; one without a zone is in UTC."""
    number = number_of(value)
    try:
        if number is not None:
            found = datetime.fromtimestamp(number / 1000 if number > MILLISECONDS else number, UTC)
        else:
            found = datetime.fromisoformat(text_of(value).strip())
            found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(microsecond=0)


def digest_of(value: Any) -> str:
    """A partial MD5 in small letters, "" for anything else."""
    text = text_of(value).strip().lower()
    return text if DIGEST.fullmatch(text) else ""


def one_line(text: str) -> str:
    return " ".join(text.split())


def counted(number: int, one: str) -> str:
    """`1 session`, `3 sessions of its history`."""
    if number == 1:
        return f"1 {one}"
    head, of, rest = one.partition(" of ")
    plural = " or ".join(f"{part}s" for part in head.split(" or "))
    return f"{number} {plural}{of}{rest}"
