"""What commands print: one JSON document or tables on standard output, messages on standard error.

While the core works, standard output is out of its reach: a plugin that prints must not spoil the JSON document.
"""

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO

from booklore_core.cli.errors import Refused, Stopped

WIDE = 1000
"""Columns of what no terminal shows: whatever reads it gets whole lines."""

TERMINAL = 80
"""Columns of a terminal that does not tell how many it has."""

BOLD = "1"
MARKS = {"ok": "32", "note": "33", "FAIL": "1;31"}
"""Green, yellow, bold red."""

MARK = re.compile(rf"^({'|'.join(MARKS)})\b")

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
    line = f"booklore: {printable(text).removeprefix('booklore: ')}\n"
    sys.stderr.write(folded(line, sys.stderr))


def end_stopped(error: BaseException) -> NoReturn:
    """Ends the program as one that a person has stopped."""
    if sys.stderr.isatty():
        sys.stderr.write("\n")  # the terminal shows ^C
    say(str(error) or "stopped")
    raise SystemExit(Stopped.CODE)


def show_json(document: Any) -> None:
    is_unicode = "utf" in (stdout().encoding or "").lower()
    write(json.dumps(document, indent=2, ensure_ascii=not is_unicode) + "\n")


def show(*lines: str) -> None:
    """Lines for a person; a terminal that is narrower gets them folded between words."""
    write(folded("".join(f"{line}\n" for line in lines), stdout()))


def show_exactly(*lines: str) -> None:
    write("".join(f"{line}\n" for line in lines))


def folded(text: str, stream: TextIO) -> str:
    width = width_of(stream)
    if all(len(line) <= width // 2 for line in text.splitlines()):  # even where every letter takes two columns
        return text
    from booklore_core.cli.layout import fold

    return "\n".join(fold(text, width))


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
    """Rows as a table, or as blocks on a narrow terminal; see `Sheet` for what the columns' names tell.

    What stands in a first column without a name is coloured by what it says.
    """
    from booklore_core.cli.layout import Sheet

    stream = stdout()
    layout = Sheet([[printable(cell) for cell in row] for row in rows], columns, width_of(stream))
    has_colours = shows_colours(stream)
    show_exactly(*(coloured(line, BOLD) if has_colours else line for line in layout.header))
    is_marked = has_colours and not columns[0]
    show_exactly(*(MARK.sub(as_coloured_mark, line) if is_marked else line for line in layout.lines))


def as_coloured_mark(mark: re.Match[str]) -> str:
    return coloured(mark[0], MARKS[mark[0]])


def coloured(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def shows_colours(stream: TextIO) -> bool:
    """Whether it is a terminal whose owner wants colours, as https://no-color.org has it."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    is_old = os.name == "nt" and not {"WT_SESSION", "ANSICON", "TERM"} & os.environ.keys()  # it would show the codes
    return stream.isatty() and not is_plain and not is_old


def width_of(stream: TextIO) -> int:
    """How many columns it shows."""
    if not stream.isatty():
        return WIDE
    told = os.environ.get("COLUMNS", "")
    try:
        return int(told) if told.isdecimal() else os.get_terminal_size(stream.fileno()).columns or TERMINAL
    except (OSError, ValueError):
        return TERMINAL


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
