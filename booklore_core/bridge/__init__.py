"""HTTP for the shim: pairing, hand-off, actions with their questions, and the menu (design §9)."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`serving`, loaded on first use: who only makes a pairing code must not wait for a web server."""
    if name != "serving":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from booklore_core.bridge.serve import serving

    return serving
