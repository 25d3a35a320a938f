"""Text → event: the only place where a line of the spool is repaired or refused."""

import json
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from math import isfinite
from typing import Any

from pydantic import TypeAdapter, ValidationError

from booklore_core.events import RATING_SUFFIX, SPOOLED, Event, Rating

SPOOL_VERSION = 1
MAX_LINE = 4 * 1024 * 1024
"""Characters. A book with ten thousand annotations stays below it."""

REQUIRED = {("id",), ("device",), ("at",), ("book", "partial_md5")}
"""What a line cannot do without, beside `v` and `event`; a book event not without its book either."""


def number(text: str) -> float | str:
    """A number beyond all numbers stays text."""
    value = float(text)
    return value if isfinite(value) else str(value)


DECODER = json.JSONDecoder(parse_float=number, parse_constant=str)
CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True)

UNKNOWN_EVENT = "it tells of the unknown event {!r}; a newer version may know it"

ADAPTERS: dict[str, TypeAdapter[Any]] = {cls.name: TypeAdapter(cls) for cls in (*SPOOLED, Rating)}


class BadLine(ValueError):
    """A spool line that cannot be taken. field: the field that is wrong, `line` for the line as a whole. device: whose
    line it is, as far as that is certain."""

    def __init__(self, field: str, reason: str, event_id: str | None = None, device: str | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason, self.event_id, self.device = field, reason, event_id, device


@dataclass(frozen=True)
class Line:
    """A line that can be taken. told: decoded, as the device told it, by which a repeat is known. kept: without what
    did not fit; faults: field → why that was left out. ahead: seconds by which the device's clock was set back.
    waits_since: unix seconds, 0 for a line that has not been in quarantine. is_placed: its `at` is a person's word."""

    event: Event
    told: dict[str, Any]
    kept: dict[str, Any]
    faults: Mapping[str, str]
    ahead: float = 0.0
    waits_since: float = 0.0
    is_placed: bool = False

    @cached_property
    def digest(self) -> str:
        return digest_of(self.told)

    @property
    def name(self) -> tuple[str, str]:
        """What no two lines have in common: device and id."""
        return self.event.device, self.event.id

    def of_device(self, device: str) -> "Line":
        """The line as one of the device that its own has become."""
        own = self.event.device
        return self if own == device else self.changed(device=device, former_id=own)

    def changed(self, **fields: Any) -> "Line":
        """The same line with other fields, which fit."""
        kept = {**self.kept, **fields}
        return replace(self, kept=kept, event=parse_event(kept))


def parse_line(line: Any, **fields: Any) -> Line:
    """What one spool line tells, with these fields in place of its own. Unknown fields are ignored.

    line: text, or a decoded value. Raises BadLine naming the field.
    """
    told = mended(line) if not isinstance(line, str) else mended_line(line)
    event, kept, faults = fitted({**told, **fields} if isinstance(told, dict) else told)
    if isinstance(event, Rating):
        raise BadLine("event", UNKNOWN_EVENT.format(Rating.name), event.id)
    if event.id.endswith(RATING_SUFFIX):
        raise BadLine("id", f"its id ends with {RATING_SUFFIX}, as those of the core's own do", event.id)
    return Line(event, told, kept, faults, is_placed="at" in fields)


def canonical(line: dict[str, Any]) -> str:
    return CANONICAL.encode(line)


def digest_of(line: dict[str, Any]) -> str:
    return sha256(canonical(line).encode()).hexdigest()[:32]


def decode_line(text: str) -> Any:
    """The JSON value of a spool line; what Lua writes for a number that is none is text. Raises BadLine."""
    if len(text) > MAX_LINE:
        raise BadLine("line", f"it is longer than {MAX_LINE} characters")
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BadLine("line", f"it is no JSON, from character {getattr(error, 'pos', 0) + 1} on") from error


def mended_line(text: str) -> Any:
    """The value of a spool line, mended; few have anything that could need it. Raises BadLine."""
    value = decode_line(text)
    return value if "\\u" not in text and mended_text(text) == text else mended(value)


def mended(value: Any) -> Any:
    """value with U+FFFD for what no database stores in a text, half surrogate pairs and NUL, and numbers beyond all
    numbers as text.

    One damaged character of a highlight must not cost the session it came with. Raises BadLine for what is nested too
    deeply.
    """
    try:
        return _mended(value)
    except RecursionError as error:
        raise BadLine("line", "it is nested too deeply") from error


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mended_text(value)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_mended(part) for part in value]
    return {mended_text(key): _mended(part) for key, part in value.items()} if isinstance(value, dict) else value


def mended_text(text: str) -> str:
    if "\0" not in text and text.isascii():
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parse_event(data: Any) -> Event:
    """The event that a decoded line tells; what does not fit is left out. Raises BadLine naming the field."""
    return fitted(data)[0]


def fitted(data: Any) -> tuple[Event, dict[str, Any], dict[str, str]]:
    """The event that a decoded line tells, the line without what does not fit, and field → why that was left out.

    Raises BadLine naming the field that a line cannot do without.
    """
    adapter, faults = adapter_of(data), dict[str, str]()
    while True:
        try:
            return adapter.validate_python(data), data, faults
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
        for one in wrong:
            reason = one["msg"].removeprefix("Value error, ")
            field = ".".join(part for part in one["loc"] if isinstance(part, str))
            if one["loc"] in REQUIRED or one["type"] == "missing":
                told = {"missing": "is missing", "value_error": f"is wrong: {reason}"}
                fault = "cannot be read" if field in faults else told.get(one["type"], "is no text of 1 to 200 letters")
                raise BadLine(field, f"its {field} {fault}", id_of(data))
            faults[field] = reason
        data = without(data, {one["loc"] for one in wrong})


def adapter_of(data: Any) -> TypeAdapter[Any]:
    """What reads a decoded line. Raises BadLine for what is no line of this version, or of an unknown event."""
    if not isinstance(data, dict):
        raise BadLine("line", "it is JSON, but no object with the fields of a line")
    if data.get("v") != SPOOL_VERSION:
        told = repr(data["v"]) if "v" in data else "missing"
        raise BadLine("v", f"its v is {told}, and this program reads lines of version {SPOOL_VERSION}", id_of(data))
    adapter = ADAPTERS.get(data["event"]) if isinstance(data.get("event"), str) else None
    if adapter is None:
        why = UNKNOWN_EVENT.format(data["event"]) if "event" in data else "its event is missing"
        raise BadLine("event", why, id_of(data))
    return adapter


def without(data: Any, paths: Set[tuple[str | int, ...]]) -> Any:
    """data without the parts at paths. Of a list only the entries go, but for dwell: a sum that lacks one is no sum."""
    gone, within = set[str | int](), defaultdict[str | int, set[tuple[str | int, ...]]](set)
    for first, *rest in paths:
        if rest and first != "dwell":
            within[first].add(tuple(rest))
        else:
            gone.add(first)
    parts = enumerate(data) if isinstance(data, list) else data.items()
    left = {name: without(part, within[name]) if name in within else part for name, part in parts if name not in gone}
    return list(left.values()) if isinstance(data, list) else left


def id_of(line: Any) -> str | None:
    """The id of a decoded line, as far as it can be told to anybody."""
    given = line.get("id") if isinstance(line, dict) else None
    return given if isinstance(given, str) and mended_text(given) == given else None


def as_text(line: Any) -> str:
    """A bad line as text that every database takes; nothing of it is lost."""
    try:
        text = line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(line)
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()
