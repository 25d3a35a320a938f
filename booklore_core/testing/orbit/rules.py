"""What a request's body may hold: every rule that is broken is named; an unknown field is one. Source: contract 2."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

DATETIME = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"
DATE = r"^\d{4}-\d{2}-\d{2}$"
HASH = r"^[0-9a-f]{32}$"

Rule = tuple[str, Callable[[Any], bool]]


@dataclass(frozen=True)
class Expected:
    """One field. rules: message with NAME for its name, and what fits. each: the rules of a list's elements. nested:
    the fields of the objects in a list."""

    rules: tuple[Rule, ...] = ()
    is_optional: bool = False
    each: tuple[Rule, ...] = ()
    nested: Mapping[str, Expected] = field(default_factory=dict)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    return is_number(value) and value == int(value)


def text(most: int | None = None, is_optional: bool = False) -> Expected:
    rules: tuple[Rule, ...] = (("NAME must be a string", lambda value: isinstance(value, str)),)
    if most is not None:
        longer = f"NAME must be shorter than or equal to {most} characters"
        rules += ((longer, lambda value: isinstance(value, str) and len(value) <= most),)
    return Expected(rules, is_optional)


def pattern(expression: str, flags: str = "", is_optional: bool = False, says_string: bool = False) -> Expected:
    found = re.compile(expression, re.IGNORECASE if "i" in flags else 0)
    shown = expression.replace("/", r"\/")
    rules: tuple[Rule, ...] = (
        (
            f"NAME must match /{shown}/{flags} regular expression",
            lambda value: isinstance(value, str) and bool(found.match(value)),
        ),
    )
    rules += (("NAME must be a string", lambda value: isinstance(value, str)),) if says_string else ()
    return Expected(rules, is_optional)


def whole(low: int | None = None, high: int | None = None, is_optional: bool = False) -> Expected:
    return Expected((*bounds(low, high), ("NAME must be an integer number", is_whole)), is_optional)


def number(low: float, high: float) -> Expected:
    says = "NAME must be a number conforming to the specified constraints"
    return Expected((*bounds(low, high), (says, is_number)))


def bounds(low: float | None, high: float | None) -> tuple[Rule, ...]:
    rules: tuple[Rule, ...] = ()
    if low is not None:
        rules += ((f"NAME must not be less than {low}", lambda value: is_number(value) and value >= low),)
    if high is not None:
        rules += ((f"NAME must not be greater than {high}", lambda value: is_number(value) and value <= high),)
    return rules


def one_of(*choices: str, is_optional: bool = False) -> Expected:
    says = f"NAME must be one of the following values: {', '.join(choices)}"
    return Expected(((says, lambda value: value in choices),), is_optional)


def truth(is_optional: bool = False) -> Expected:
    return Expected((("NAME must be a boolean value", lambda value: isinstance(value, bool)),), is_optional)


def anything() -> Expected:
    return Expected((), True)


def listed(
    low: int,
    high: int | None,
    nested: Mapping[str, Expected] | None = None,
    each: Expected | None = None,
    is_optional: bool = False,
) -> Expected:
    rules: list[Rule] = []
    if high is not None:
        rules.append(
            (f"NAME must contain no more than {high} elements", lambda value: is_list(value) and len(value) <= high)
        )
    if low:
        rules.append((f"NAME must contain at least {low} elements", lambda value: is_list(value) and len(value) >= low))
    rules.append(("NAME must be an array", is_list))
    return Expected(tuple(rules), is_optional, each.rules if each else (), nested or {})


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def broken(body: Any, fields: Mapping[str, Expected], path: str = "") -> list[str]:
    """The messages of every rule that a body breaks."""
    told = body if isinstance(body, dict) else {}
    said = [f"{path}property {name} should not exist" for name in told if name not in fields]
    for name, expected in fields.items():
        said += [f"{path}{message}" for message in broken_at(name, told.get(name), expected)]
        values = told.get(name)
        if expected.nested and isinstance(values, list):
            for place, value in enumerate(values):
                said += broken(value, expected.nested, f"{path}{name}.{place}.")
    return said


def broken_at(name: str, value: Any, expected: Expected) -> list[str]:
    if expected.is_optional and value is None:
        return []
    said = [message.replace("NAME", name) for message, fits in expected.rules if not fits(value)]
    values = value if isinstance(value, list) else [value] if expected.each else []
    for message, fits in expected.each:
        if not all(map(fits, values)):
            said.append(message.replace("NAME", f"each value in {name}"))
    return said


DEVICE = {
    "deviceId": pattern("^[A-Za-z0-9-]{1,100}$", says_string=True),
    "deviceModel": text(100),
    "pluginVersion": text(20),
    "deviceTime": pattern(DATETIME, is_optional=True),
}
BOOK_HASH = pattern(HASH, "i", says_string=True)
KEYS = {"k": pattern(HASH, "i"), "dt": pattern(DATETIME)}
