"""What the server calls the formats of books."""

from pathlib import PurePosixPath

TYPES = {
    "epub": "EPUB",
    "kepub": "EPUB",
    "pdf": "PDF",
    "cbz": "CBX",
    "cbr": "CBX",
    "cb7": "CBX",
    "cbt": "CBX",
    "fb2": "FB2",
    "mobi": "MOBI",
    "azw": "AZW3",
    "azw3": "AZW3",
}
"""By file suffix. Any other word is refused as a malformed body (contract §2.5)."""


def type_of_format(suffix: str | None) -> str | None:
    """The server's type for a file suffix, None when it has none for it."""
    return TYPES.get((suffix or "").lower())


def type_of_file(path: str | None) -> str | None:
    return type_of_format(PurePosixPath(path).suffix[1:]) if path else None
