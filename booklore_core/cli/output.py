"""What commands print: one JSON document or tables on standard output, messages on standard error.

While the core works, standard output is out of its reach: a plugin that prints must not spoil the JSON document.
"""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from booklore_core.cli.errors import Refused

WIDE = 1000
"""Columns of a table that no terminal shows: whatever reads it gets whole lines."""

UNBROKEN = 24
"""Letters of a cell that should not be broken into lines as long as there is room."""

_reserved: TextIO | None = None


@contextmanager
def own_stdout() -> Iterator[None]:
    """Around a command: whatever `reserve_stdout` took is given back at the end."""
    global _reserved
    before, _reserved = sys.stdout, None
    try:
        yield
    finally:
        if _reserved is not None:
            _reserved.flush()
            sys.stdout = before
            _reserved = None


def reserve_stdout() -> None:
    """From now on only this module writes to standard output; what anybody else prints goes to standard error."""
    global _reserved
    if _reserved is not None:
        return
    sys.stdout.flush()
    _reserved = private_copy(sys.stdout)
    sys.stdout = sys.stderr


def private_copy(stream: TextIO) -> TextIO:
    """stream through a descriptor of its own, the old descriptor leading to standard error; or stream, having none."""
    try:
        number = stream.fileno()
    except (OSError, io.UnsupportedOperation):
        return stream
    copy = os.fdopen(os.dup(number), "w", encoding=stream.encoding, errors="replace")
    os.dup2(sys.stderr.fileno(), number)
    return copy


def stdout() -> TextIO:
    return _reserved or sys.stdout


def say(text: str) -> None:
    """One line to the person. What a target of the program's own name says is not told with the name twice."""
    sys.stderr.write(f"booklore: {printable(text).removeprefix('booklore: ')}\n")


def show_json(document: Any) -> None:
    is_unicode = "utf" in (stdout().encoding or "").lower()
    write(json.dumps(document, indent=2, ensure_ascii=not is_unicode) + "\n")


def show(*lines: str) -> None:
    write("".join(f"{line}\n" for line in lines))


def show_qr(text: str) -> None:
    """text as a QR code, on a terminal that can show one."""
    stream = stdout()
    if not stream.isatty() or "utf" not in (stream.encoding or "").lower():
        return
    import segno

    drawn = io.StringIO()
    segno.make(text, micro=False).terminal(drawn, border=2, compact=True)
    write(drawn.getvalue())


def show_table(rows: Iterable[Sequence[Any]], *columns: str) -> None:
    """Rows as a table; a column whose name ends in `#` holds numbers. The first one is never broken."""
    from rich.console import Console
    from rich.table import Table

    cells = [[printable(cell) for cell in row] for row in rows]
    stream = stdout()
    console = Console(file=stream, width=None if stream.isatty() else WIDE, markup=False, emoji=False, highlight=False)
    names = [column.removesuffix("#") for column in columns]
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(names))
    for number, least in enumerate(least_widths([names, *cells], console.width)):
        justify: Any = "right" if columns[number].endswith("#") else "left"
        table.add_column(names[number], justify=justify, overflow="fold", min_width=least, no_wrap=number == 0)
    for row in cells:
        table.add_row(*row)
    with console.capture() as captured:
        console.print(table)
    show(*(line.rstrip() for line in captured.get().splitlines()))


def least_widths(cells: Sequence[Sequence[str]], width: int) -> Sequence[int | None]:
    """How narrow each column may get: the last one gives way first, as long as a good part of the width is its own."""
    least = [min(UNBROKEN, max(map(len, column))) for column in zip(*cells, strict=True)]
    return [*least[:-1], None] if sum(least[:-1]) <= width * 3 // 4 else [None] * len(least)


def write(text: str) -> None:
    """Writes to standard output at once. Raises Refused when it cannot; ends quietly when nobody reads any more."""
    stream = stdout()
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left would fail again at the end
        if isinstance(error, BrokenPipeError):
            raise SystemExit(1) from None
        raise Refused(f"standard output: {error.strerror}") from error


def printable(cell: Any) -> str:
    """cell as text, without the control characters that a book's title may hold. Line ends stay."""
    text = "" if cell is None else str(cell)
    return "".join(letter if letter.isprintable() or letter == "\n" else stand_in(letter) for letter in text)


def stand_in(letter: str) -> str:
    return " " if letter.isspace() else "�"
