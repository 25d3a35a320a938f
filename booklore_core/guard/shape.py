"""What code that others wrote has answered, in the types that it must have."""

from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")

adapter = lru_cache(TypeAdapter[Any])

MAX_TEXT = 1000
"""Characters of a text that others' code gives, an error or an id."""


def shaped(kind: type[T], value: Any) -> T:
    """value with fields of the types that they have; an id may be a number. Raises TypeError naming the field.

    kind: a dataclass.
    """
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    told = {one.name: getattr(value, one.name) for one in fields(kind)}  # type: ignore[arg-type]
    if isinstance(told.get("remote_id"), int):
        told["remote_id"] = str(told["remote_id"])
    try:
        found: T = adapter(kind).validate_python(told)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise TypeError(f"{kind.__name__}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return found


def all_of(kind: type[T], values: Any) -> list[T]:
    """Raises TypeError for anything else among values."""
    return [shaped(kind, value) for value in values]


def maybe_of(kind: type[T], value: Any) -> T | None:
    return None if value is None else shaped(kind, value)


def short_text(value: Any) -> str | None:
    """value as text that every database takes."""
    return None if value is None else str(value).replace("\0", "").encode("utf-8", "replace").decode()[:MAX_TEXT]
