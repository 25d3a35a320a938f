"""Text → event: the only place where a line of the spool is repaired or refused."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from pydantic import TypeAdapter, ValidationError

from booklore_core.events import RATING_SUFFIX, SPOOLED, Event, Rating

SPOOL_VERSION = 1
MAX_LINE = 4 * 1024 * 1024
"""Characters. A book with ten thousand annotations stays below it."""

MAX_BYTES = 4 * MAX_LINE
CHUNK_LINES, CHUNK_BYTES = 1000, 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

UNION_BRANCHES = ("int", "literal['unknown']")
"""How pydantic names the branches of `stars` in an error's path; a person wants the field."""

ADAPTERS: dict[str, TypeAdapter[Any]] = {cls.name: TypeAdapter(cls) for cls in (*SPOOLED, Rating)}


class BadLine(ValueError):
    """A spool line that cannot be taken. field: the field that is wrong, `line` for the line as a whole."""

    def __init__(self, field: str, reason: str, event_id: str | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason, self.event_id = field, reason, event_id


def parse_line(line: Any) -> tuple[Event, dict[str, Any]]:
    """The event that one spool line tells, and the line decoded, as it can be kept. Unknown fields are ignored.

    line: text, or a decoded value. Raises BadLine naming the field.
    """
    data = mended(decode_line(line) if isinstance(line, str) else line)
    event = parse_event(data)
    if isinstance(event, Rating):
        raise BadLine("event", f"unknown event {Rating.name!r}", event.id)
    if event.id.endswith(RATING_SUFFIX):
        raise BadLine("id", f"must not end with {RATING_SUFFIX}", event.id)
    return event, data


def decode_line(text: str) -> Any:
    """The JSON value of a spool line. Raises BadLine."""
    if len(text) > MAX_LINE:
        raise BadLine("line", f"longer than {MAX_LINE} characters")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadLine("line", f"not JSON ({error})") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def mended(value: Any) -> Any:
    """value with U+FFFD for what no database stores in a text: half surrogate pairs and NUL.

    One damaged character of a highlight must not cost the session it came with. Raises BadLine for what is nested too
    deeply.
    """
    try:
        return _mended(value)
    except RecursionError as error:
        raise BadLine("line", "nested too deeply") from error


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mended_text(value)
    if isinstance(value, list):
        return [_mended(part) for part in value]
    return {mended_text(key): _mended(part) for key, part in value.items()} if isinstance(value, dict) else value


def mended_text(text: str) -> str:
    if "\0" not in text and text.isascii():
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parse_event(data: Any) -> Event:
    """The event that a decoded line tells. Raises BadLine naming the field."""
    if not isinstance(data, dict):
        raise BadLine("line", "expected a JSON object")
    event_id = id_of(data)
    if data.get("v") != SPOOL_VERSION:
        raise BadLine("v", f"expected {SPOOL_VERSION}, got {data.get('v')!r}", event_id)
    adapter = ADAPTERS.get(data["event"]) if isinstance(data.get("event"), str) else None
    if adapter is None:
        raise BadLine("event", f"unknown event {data.get('event')!r}", event_id)
    try:
        event: Event = adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = [str(part) for part in first["loc"]]
        field = ".".join(part for part in path if part not in UNION_BRANCHES) or "line"
        raise BadLine(field, first["msg"].removeprefix("Value error, "), event_id) from error
    return event


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


@dataclass(frozen=True)
class SpoolLine:
    """number: counts from 1. fault: what is wrong with the line's bytes; its text is no JSON then."""

    number: int
    text: str
    fault: str = ""


class SpoolFile:
    """One spool file as lines, a bounded part at a time, whatever is in it. name: a path, or `-` for standard input.

    torn: the number of a last line that was cut off, 0: none. A last line without line end that is complete JSON all
    the same is taken.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.torn = 0
        self._read = 0

    def __enter__(self) -> Self:
        self._file: BinaryIO = sys.stdin.buffer if self._name == "-" else Path(self._name).open("rb")
        return self

    def __exit__(self, *raised: object) -> None:
        if self._name != "-":
            self._file.close()

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, of how many; as many as were read for a file that does not know its size."""
        size = 0 if self._name == "-" else os.fstat(self._file.fileno()).st_size
        return self._read, max(size, self._read)

    def chunks(self) -> Iterator[list[SpoolLine]]:
        """The lines that are not blank, in parts that fit into memory."""
        chunk: list[SpoolLine] = []
        size = 0
        for line in self._lines():
            chunk.append(line)
            size += len(line.text)
            if len(chunk) >= CHUNK_LINES or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _lines(self) -> Iterator[SpoolLine]:
        number = 0
        while data := self._file.readline(MAX_BYTES):
            number += 1
            self._read += len(data)
            if number == 1:
                data = data.removeprefix(BYTE_ORDER_MARK)
            if len(data) >= MAX_BYTES and not data.endswith(b"\n"):
                self._skip_rest()
                yield SpoolLine(number, f"too long: {data[:200]!r}…", f"line: longer than {MAX_BYTES} bytes")
            elif not data.endswith(b"\n") and not is_json(data):
                self.torn = number if data.strip() else 0
            elif data.strip():
                yield line_of_bytes(number, data)

    def _skip_rest(self) -> None:
        while data := self._file.readline(MAX_BYTES):
            self._read += len(data)
            if data.endswith(b"\n"):
                return


def line_of_bytes(number: int, data: bytes) -> SpoolLine:
    try:
        return SpoolLine(number, data.decode().rstrip("\r\n"))
    except UnicodeDecodeError as error:
        shown = data.rstrip(b"\r\n").decode(errors="backslashreplace")
        return SpoolLine(number, f"not UTF-8: {shown}", f"line: not UTF-8 (byte {error.start + 1})")


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
