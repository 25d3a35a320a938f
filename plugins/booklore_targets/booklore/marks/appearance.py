"""What KOReader's colours and ways of marking are on the server."""

from __future__ import annotations

YELLOW, GREEN, CYAN, PINK, ORANGE = "#FFC107", "#4ADE80", "#38BDF8", "#F472B6", "#FB923C"

COLORS = {
    "yellow": YELLOW,
    "green": GREEN,
    "cyan": CYAN,
    "blue": CYAN,
    "pink": PINK,
    "purple": PINK,
    "orange": ORANGE,
    "red": ORANGE,
}
STYLES = {"lighten": "highlight", "underscore": "underline", "strikeout": "strikethrough"}


def color_of(name: object) -> str:
    """The server's colour for KOReader's name of one; yellow for what it does not have."""
    return COLORS.get(str(name or "").lower(), YELLOW)


def style_of(drawer: object) -> str:
    """The server's style for KOReader's drawer; any other word is refused (contract §7.1)."""
    return STYLES.get(str(drawer or "").lower(), "highlight")
