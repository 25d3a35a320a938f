"""Reads a spool file as lines, a bounded part at a time, whatever is in it."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of a line: four for each character that the core takes at most."""

CHUNK_LINES, CHUNK_BYTES = 1000, 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """number: counts from 1. fault: what is wrong with the line's bytes; its text is no JSON then."""

    number: int
    text: str
    fault: str = ""


class SpoolFile:
    """One spool. name: a path, or `-` for standard input. torn: the number of a last line that was cut off, 0: none.

    A last line without line end that is complete JSON all the same is taken.
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

    def chunks(self) -> Iterator[list[Line]]:
        """The lines that are not blank, in parts that fit into memory."""
        chunk: list[Line] = []
        size = 0
        for line in self._lines():
            chunk.append(line)
            size += len(line.text)
            if len(chunk) >= CHUNK_LINES or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _lines(self) -> Iterator[Line]:
        number = 0
        while data := self._file.readline(MAX_BYTES):
            number += 1
            self._read += len(data)
            if number == 1:
                data = data.removeprefix(BYTE_ORDER_MARK)
            if len(data) >= MAX_BYTES and not data.endswith(b"\n"):
                self._skip_rest()
                yield Line(number, f"too long: {data[:200]!r}…", f"line: longer than {MAX_BYTES} bytes")
            elif not data.endswith(b"\n") and not is_json(data):
                self.torn = number if data.strip() else 0
            elif data.strip():
                yield decode(number, data)

    def _skip_rest(self) -> None:
        while data := self._file.readline(MAX_BYTES):
            self._read += len(data)
            if data.endswith(b"\n"):
                return


def decode(number: int, data: bytes) -> Line:
    try:
        return Line(number, storable(data.decode().rstrip("\r\n")))
    except UnicodeDecodeError as error:
        shown = data.rstrip(b"\r\n").decode(errors="backslashreplace")
        return Line(number, f"not UTF-8: {shown}", f"line: not UTF-8 (byte {error.start + 1})")


def storable(text: str) -> str:
    """text, without the halves of letters that JSON can hold and no database can."""
    if "\\ud" not in text.lower():
        return text
    try:
        whole = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    return whole.encode("utf-8", "replace").decode()


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
