"""Each document as a generation sees it, made once, with the style sheets that it names."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname, normpath
from urllib.parse import unquote

from .boxing import Layout
from .crengine import View
from .epub import Document, Epub, UnreadableEpub
from .generations import Generation
from .source import Element, Text, TooMuch
from .styles import Rule, Styles, rules_of


def view(document: Document, generation: Generation) -> View | None:
    """The body as the engine sees it, None where the document has none. Raises UnreadableEpub, each time the same."""
    body = document.source.body
    if body is None:
        return None
    made = document.views.get(generation.view)
    if made is None:
        made = document.views[generation.view] = laid(document, body, generation)
    if isinstance(made, TooMuch):
        raise UnreadableEpub(f"“{document.item.path}” in the EPUB {made}.") from made
    assert isinstance(made, View)
    return made


def laid(document: Document, body: Element, generation: Generation) -> View | TooMuch:
    try:
        return View(Layout(styles(document), *generation.view).of(body))
    except TooMuch as error:
        return error


def styles(document: Document) -> Styles:
    made = document.views.get(Styles)
    if not isinstance(made, Styles):
        made = document.views[Styles] = Styles(sheets(document))
    return made


def sheets(document: Document) -> Iterator[list[Rule]]:
    """The rules of the sheets that a document links or has, in its order."""
    for element in document.source.elements:
        if element.name == "link" and "stylesheet" in element.attributes.get("rel", "").lower():
            target = unquote(element.attributes.get("href", "").partition("#")[0])
            yield linked(document.epub, normpath(f"{dirname(document.item.path or '')}/{target}").lstrip("/"))
        elif element.name == "style":
            yield rules_of("".join(child.value for child in element.children if isinstance(child, Text)))


def linked(epub: Epub, path: str) -> list[Rule]:
    made = epub.sheets.get(path)
    if made is None:
        made = epub.sheets[path] = rules_of((epub.read(path) or b"").decode("utf-8", errors="replace"))
    return made
