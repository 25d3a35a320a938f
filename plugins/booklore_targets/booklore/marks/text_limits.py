"""Texts as the server takes them: counted as it counts, shortened with an ellipsis, no character halved."""

from __future__ import annotations

ELLIPSIS = "…"


def clean(text: str) -> str:
    """The text without what no page can show: NULs and halves of characters become U+FFFD."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\ufffd")


def units(text: str) -> int:
    """How many characters the server counts."""
    return len(text.encode("utf-16-le")) // 2


def shortened(text: str, limit: int) -> str:
    """At most limit UTF-16 units, which is how the server counts characters (contract §7.1)."""
    raw = text.encode("utf-16-le")
    if len(raw) <= 2 * limit:
        return text
    return raw[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + ELLIPSIS


def shortened_to_bytes(text: str, limit: int) -> str:
    """At most limit bytes of UTF-8, which is what a TEXT column holds (contract §7.2)."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: limit - len(ELLIPSIS.encode())].decode(errors="ignore") + ELLIPSIS
