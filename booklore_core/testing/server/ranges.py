"""Byte ranges as the servers serve them, their oddities included."""

from __future__ import annotations

import re

from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.dialects import Dialect

BOUNDARY = "3d6b6a416f9b5"

Headers = tuple[tuple[str, str], ...]


def ranged_answer(dialect: Dialect, raw: bytes, content_type: str, asked: str | None, headers: Headers) -> Answer:
    """The bytes that a Range header asks for: all without one, 416 when it makes no sense or lies past the end."""
    headers = (("Accept-Ranges", "bytes"), *headers)
    if asked is None:
        return Answer(200, raw, content_type, headers)
    spans = parse_ranges(asked, len(raw))
    if not spans:
        body = raw if dialect.unsatisfied_range_sends_all else b""
        return Answer(416, body, content_type, (*headers, ("Content-Range", f"bytes */{len(raw)}")))
    if len(spans) > 1 and dialect.several_ranges_are_multipart:
        return _multipart(raw, content_type, spans, headers)
    first, last = spans[0]
    return Answer(206, raw[first : last + 1], content_type, (*headers, _content_range(first, last, raw)))


def parse_ranges(asked: str, size: int) -> list[tuple[int, int]]:
    """First and last byte of every range, ends cut to the file; empty when one of them cannot be served."""
    if not asked.startswith("bytes="):
        return []
    spans = [_parse_range(part.strip(), size) for part in asked.removeprefix("bytes=").split(",")]
    served = [span for span in spans if span is not None]
    return served if len(served) == len(spans) else []


def _parse_range(written: str, size: int) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d*)-(\d*)", written)
    if found is None or written == "-":
        return None
    start, end = found.groups()
    if not start:
        first, last = max(size - int(end), 0), size - 1
    else:
        first, last = int(start), min(int(end), size - 1) if end else size - 1
        if end and int(end) < first:
            return None
    return (first, last) if first < size else None


def _content_range(first: int, last: int, raw: bytes) -> tuple[str, str]:
    return ("Content-Range", f"bytes {first}-{last}/{len(raw)}")


def _multipart(raw: bytes, content_type: str, spans: list[tuple[int, int]], headers: Headers) -> Answer:
    body = b""
    for first, last in spans:
        _, described = _content_range(first, last, raw)
        head = f"\r\n--{BOUNDARY}\r\nContent-Type: {content_type}\r\nContent-Range: {described}\r\n\r\n"
        body += head.encode() + raw[first : last + 1]
    body += f"\r\n--{BOUNDARY}--".encode()
    return Answer(206, body, f"multipart/byteranges; boundary={BOUNDARY}", headers)
