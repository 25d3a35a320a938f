"""Addresses as people type them."""

from __future__ import annotations

import pytest
from ereader import EReader

NORMALISE = "return require('booklorebridge_address').normalise(...)"


def normalise(reader: EReader, text: object) -> tuple[str | None, str]:
    found = reader.lua.eval(f"function(...) {NORMALISE} end")(text)
    return found if isinstance(found, tuple) else (found, "")


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("books.example", "http://books.example"),
        ("192.168.1.2:8765", "http://192.168.1.2:8765"),
        ("HTTP://Books.example:8765/", "http://Books.example:8765"),
        ("  https://books.example/core//\n", "https://books.example/core"),
        ("Https://[fd00::1]:8765", "https://[fd00::1]:8765"),
        ("localhost:8765/sub/path", "http://localhost:8765/sub/path"),
        ("http://bücher.example", "http://bücher.example"),
    ],
)
def test_an_address_is_completed(reader: EReader, typed: str, url: str) -> None:
    typed, url = (text.encode().decode("latin-1") for text in (typed, url))
    assert normalise(reader, typed) == (url, "")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        *[(nothing, "no address") for nothing in ("", "   ", "http://", None, 7, False)],
        *[(spaced, "no spaces") for spaced in ("http://my core:8765", "http://books.example/a b", "a\tb", "a\0b")],
        *[(other, "http:// or https://") for other in ("ftp://books.example", "htp://books.example")],
        *[(wrong, "is no address") for wrong in ("http:/books", "a:b", "http://a:99999", "http://a:", "mailto:a@b")],
        *[(wrong, "is no address") for wrong in ("http://u:p@a", "http://a?b", "http://a/b#c", "http:///x", ":8765")],
        *[(wrong, "is no address") for wrong in ("http://[fd00::1", "a\\b", "https://a]b")],
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(reader: EReader, typed: object, why: str) -> None:
    url, reason = normalise(reader, typed)

    assert url is None
    assert why in reason and ".lua" not in reason
