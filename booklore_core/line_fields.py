"""The types that the fields of a spool line have, with what is forgiven and what is refused."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from booklore_core.items import MD5

PERCENT_SLACK = 1e-6


def _utc(value: Any) -> datetime:
    if not isinstance(value, str) or not value.endswith("Z"):
        raise ValueError("expected UTC time such as 2026-11-20T14:00:00Z")
    return datetime.fromisoformat(value).astimezone(UTC)


def _md5(value: str) -> str:
    if not MD5.fullmatch(value.lower()):
        raise ValueError("expected 32 hex digits")
    return value.lower()


def _fraction(value: float) -> float:
    if not -PERCENT_SLACK <= value <= 1 + PERCENT_SLACK:
        raise ValueError("expected a fraction from 0 to 1")
    return min(1.0, max(0.0, value))


def _list(value: Any) -> Any:
    """Lua has one empty table for `{}` and `[]`."""
    return () if value == {} else value


def _place(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _stars(value: Any) -> Any:
    return None if value == 0 else value


def _one_to_five(value: int | str | None) -> int | str | None:
    if isinstance(value, int) and not 1 <= value <= 5:
        raise ValueError("expected 1 to 5")
    return value


Id = Annotated[str, Field(min_length=1, max_length=200)]
Utc = Annotated[datetime, BeforeValidator(_utc)]
Digest = Annotated[str, AfterValidator(_md5)]
Fraction = Annotated[float, AfterValidator(_fraction)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Text = Annotated[str, Field(max_length=100_000)]
Size = Annotated[int, Field(ge=0)]
Seconds = Annotated[int, Field(ge=0)]
UNKNOWN: Literal["unknown"] = "unknown"

Authors = Annotated[tuple[Text, ...], Field(max_length=1000), BeforeValidator(_list)]
Position = Annotated[Text | None, BeforeValidator(_place)]
Dwell = Annotated[tuple[Seconds, ...] | None, Field(max_length=100_000), BeforeValidator(_list)]
Stars = Annotated[int | None | Literal["unknown"], BeforeValidator(_stars), AfterValidator(_one_to_five)]
Annotations = Annotated[tuple[dict[str, Any], ...] | None, Field(max_length=100_000), BeforeValidator(_list)]
