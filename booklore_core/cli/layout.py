"""Lays text out for a terminal: tables whose words stay whole, and blocks where there is no room for a table."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, chop_cells

GAP = 2
NARROW = 60
"""Columns of a terminal below which a row becomes a block of lines."""

UNBROKEN, BROKEN = 24, 12
"""Columns of a word that is never broken in a table, or of a short cell; and of the parts of a longer word."""

SHORT = 60
"""Columns of a cell that is shortened."""

PIECE = re.compile(r"(?:\d+ )?\S+")
"""What stays on one line: a number goes with what it counts."""

Cells = Sequence[Sequence[str]]


class Sheet:
    """Rows of text below the names of their columns; the names of numbers end in `#`, those of long titles in `…`.

    header, lines: no wider than the terminal. Blocks have no header, nor has a table whose columns have no names.
    """

    def __init__(self, rows: Cells, columns: Sequence[str], width: int) -> None:
        self._names = [column.rstrip("#…") for column in columns]
        self._numbers = [column.endswith("#") for column in columns]
        long = [column.endswith("…") and width < SHORT * len(columns) for column in columns]
        cells = [[shorten(cell) if is_long else cell for cell, is_long in zip(row, long, strict=True)] for row in rows]
        widths = widths_of([self._names, *cells], width)
        self.header = list(self._row(self._names, widths)) if widths and any(self._names) else []
        self.lines = (
            [line for row in cells for line in self._row(row, widths)] if widths else self._blocks(cells, width)
        )

    def _row(self, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        folded = [fold(cell, width, breaks=True) for cell, width in zip(row, widths, strict=True)]
        for line in zip_longest(*folded, fillvalue=""):
            filled = (fill(*one) for one in zip(line, widths, self._numbers, strict=True))
            yield (" " * GAP).join(filled).rstrip()

    def _blocks(self, cells: Cells, width: int) -> list[str]:
        """Each row as lines `NAME: value` and a blank one, without what is empty; a cell that has no name of its own
        names the next."""
        lines: list[str] = []
        for row in cells:
            lines += [""] if lines and any(self._names) else []
            label = ""
            for name, cell in zip(self._names, row, strict=True):
                if not (name or label):
                    label = cell
                elif cell not in ("", "-"):
                    lines += fold(f"{label or name}: {cell}", width)
                    label = ""
        return lines


def widths_of(cells: Cells, room: int) -> list[int] | None:
    """How wide each column gets, so that no word is broken; None where there is no room for that.

    What is left over goes to whichever column would be folded most often.
    """
    columns = list(zip(*cells, strict=True))
    wanted = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    left = room - GAP * (len(columns) - 1)
    if sum(wanted) <= left:
        return wanted
    widths = least_widths(columns, wanted, left) if room >= NARROW else None
    if widths is None:
        return None
    for _ in range(left - sum(widths)):
        widths[max(range(len(columns)), key=lambda one: wanted[one] / max(1, widths[one]))] += 1
    return widths


def least_widths(columns: Cells, wanted: Sequence[int], room: int) -> list[int] | None:
    """How narrow each column may get. As long as a good part is left for the others, short cells are not folded at all;
    else no word is broken, or only those that are very long."""
    words = [[cell_len(word) for word in " ".join(column).split()] for column in columns]
    pieces = [[cell_len(piece) for piece in PIECE.findall(" \n ".join(column))] for column in columns]
    short = [one if one <= UNBROKEN else longest(piece) for one, piece in zip(wanted, broken(pieces), strict=True)]
    if sum(short) <= room * 3 // 4:
        return short
    tries = (list(map(longest, parts)) for parts in (pieces, words, broken(pieces), broken(words)))
    return next((widths for widths in tries if sum(widths) <= room), None)


def broken(columns: Sequence[Sequence[int]]) -> list[list[int]]:
    """The lengths of words, very long ones by their parts."""
    return [[one if one <= UNBROKEN else BROKEN for one in column] for column in columns]


def longest(lengths: Sequence[int]) -> int:
    return max(lengths, default=0)


def fold(text: str, width: int, breaks: bool = False) -> list[str]:
    """Text as lines of at most that width, ended at blanks. breaks: a word that is longer is broken."""
    lines = []
    for line in text.split("\n"):
        lines += fold_line(line, width, breaks) if cell_len(line) > width else [line]
    return lines


def fold_line(text: str, width: int, breaks: bool) -> list[str]:
    lines = [""]
    for piece in pieces(text, width):
        joined = f"{lines[-1]} {piece}".lstrip()
        if cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines += chop_cells(piece, width) if breaks else [piece]
    return lines[1:] if not lines[0] else lines


def pieces(text: str, width: int) -> Iterator[str]:
    for piece in PIECE.findall(text):
        yield from [piece] if cell_len(piece) <= width else piece.split()


def shorten(text: str) -> str:
    """Text without its end where it is too long, ended at a word."""
    if cell_len(text) <= SHORT:
        return text
    return fold(text, SHORT - 1, breaks=True)[0].rstrip(" ,;:–-") + "…"


def fill(text: str, width: int, is_number: bool) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if is_number else text + blanks
