"""Spool files as lines, a bounded part at a time: single ones, and a shim's folder of segments in their order."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from booklore_core.cli.errors import Refused
from booklore_core.pipeline.spool import MAX_LINE

MAX_BYTES = 4 * MAX_LINE
CHUNK_LINES, CHUNK_BYTES = 1000, 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SEGMENT = "*.jsonl"


def spool_files(names: Iterable[str]) -> list[list[str]]:
    """The files that are named, each alone but those of a folder. Raises Refused, naming those that cannot be read."""
    spools = [folder_or_file(name) for name in names]
    refused = [why for spool in spools for file in spool if file != "-" and (why := obstacle(file))]
    if refused:
        raise Refused("; ".join(refused))
    return spools


def folder_or_file(name: str) -> list[str]:
    """Raises Refused for a folder that holds no spool file."""
    if name == "-" or not Path(name).is_dir():
        return [name]
    found = sorted(map(str, Path(name).glob(SEGMENT)))
    if not found:
        raise Refused(f"{name}: there is no spool file ({SEGMENT}) in this folder")
    return found


def obstacle(name: str) -> str:
    """Why a file cannot be read, empty when it can."""
    try:
        Path(name).open("rb").close()
    except OSError as error:
        return f"{name}: {error.strerror}"
    return ""


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
