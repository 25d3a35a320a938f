"""Spool files as lines, a bounded part at a time: single ones, and a shim's folder of segments in their order."""

import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self

from pydantic import ValidationError

from booklore_core.cli.errors import Refused
from booklore_core.events import Event
from booklore_core.pipeline.boots import Stamp
from booklore_core.pipeline.spool import MAX_LINE

MAX_BYTES = 4 * MAX_LINE
CHUNK_LINES, CHUNK_BYTES = 1000, 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SEGMENT = "*.jsonl"
FIRST_LINES, FIRST_BYTES = 1000, 8 * 1024 * 1024
A_LINES_FIELD = re.compile(rb'"(v|event|device)"\s*:')
"""A file that is named is no spool when none of so many lines has a field of a device's line, whole, torn or damaged as
it may be."""


def spool_files(names: Sequence[str]) -> list[list[str]]:
    """The files that are named, each alone but those of a folder. Raises Refused, naming those that cannot be read, and
    those that are nothing of the kind."""
    spools = [folder_or_file(name) for name in names]
    refused = [why for spool in spools for file in spool if file != "-" and (why := obstacle(file, file in names))]
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


def obstacle(name: str, is_named: bool) -> str:
    """Why a file cannot be taken in, empty when it can. is_named: by a person, not as one of a folder."""
    if Path(name).is_fifo():  # what it brings can be read once, and would be gone
        return f"{name} is a pipe; nothing was taken: give what comes of it to `booklore ingest -`"
    try:
        with Path(name).open("rb") as file:
            first = file.read(FIRST_BYTES if is_named else 0)
    except OSError as error:
        return f"{name}: {error.strerror}"
    if not is_named or any(map(A_LINES_FIELD.search, first.splitlines()[:FIRST_LINES])):
        return ""
    if not first.removeprefix(BYTE_ORDER_MARK).strip():
        return f"{name} is empty; nothing was taken"
    return f"{name} is no spool file: it tells nothing of what a reader did; nothing was taken"


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
            data = data.removeprefix(BYTE_ORDER_MARK)  # where files were joined it stands before any line
            if len(data) >= MAX_BYTES and not data.endswith(b"\n"):
                self._skip_rest()
                yield SpoolLine(number, f"too long: {data[:200]!r}…", f"it is longer than {MAX_BYTES} bytes")
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
        return SpoolLine(number, f"not UTF-8: {shown}", f"it is no UTF-8, from byte {error.start + 1} on")


def stamps_in(names: Iterable[str]) -> Iterable[Sequence[Stamp]]:
    """What the lines of each device tell of when they were written, all files together.

    Of lines that agree only the first and the last are kept in mind. Standard input can be read but once.
    """
    stamps = defaultdict[str, list[Stamp]](list)
    for line in lines_of(name for name in names if name != "-"):
        with suppress(ValidationError):  # told when the line is taken
            event = Event.model_validate_json(line.text)
            add(Stamp.of(event), stamps[event.device])
    return stamps.values()


def lines_of(names: Iterable[str]) -> Iterator[SpoolLine]:
    for name in names:
        with SpoolFile(name) as file:
            for chunk in file.chunks():
                yield from chunk


def add(stamp: Stamp, told: list[Stamp]) -> None:
    if len(told) > 1 and stamp.agrees(told[-1]) and stamp.agrees(told[-2]):
        told[-1] = replace(stamp, weight=told[-1].weight + 1)
    else:
        told.append(stamp)


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
