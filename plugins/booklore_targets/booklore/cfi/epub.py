"""An EPUB as a sequence of spine documents, from the bytes of its file; bounded, whoever made the file."""

from __future__ import annotations

import errno
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote

from .source import Element, Source, TooMuch, parse
from .styles import Rule

MOST_BYTES_OF_A_FILE = 16 * 1024 * 1024
MOST_BYTES_READ = 128 * 1024 * 1024
MOST_FILES = 65_535
MOST_SPINE_ITEMS = 10_000
XHTML = "application/xhtml+xml"
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError)
"""What reading an archive raises that is damaged, encrypted or packed in a way that nobody knows."""


class UnreadableEpub(ValueError):
    """The file is no EPUB that can be read; says why in a sentence."""


@dataclass(frozen=True)
class SpineItem:
    """step: the item's place among all elements of the spine, from 1. path: in the archive, None when unknown there."""

    step: int
    id: str
    path: str | None
    media_type: str


@dataclass(frozen=True, eq=False)
class Document:
    """One item of the spine with its source; a file that occurs twice in the spine is two documents."""

    epub: Epub = field(repr=False)
    item: SpineItem

    @property
    def source(self) -> Source:
        """Raises UnreadableEpub, each time the same."""
        if isinstance(self._read, UnreadableEpub):
            raise UnreadableEpub(str(self._read)) from self._read
        return self._read

    @property
    def has_root(self) -> bool:
        """Whether there is an element in it; in what cannot be read there is none."""
        return isinstance(self._read, Source) and self._read.root is not None

    @cached_property
    def _read(self) -> Source | UnreadableEpub:
        try:
            return self.epub.parsed(self.item.path) if self.item.path else Source([], [])
        except UnreadableEpub as error:
            return error

    @cached_property
    def views(self) -> dict[object, object]:
        """What others made of this document, made once."""
        return {}


class Fragments:
    """Spine documents by number, from 1 on; they are counted, and so read, one by one, as far as somebody asks."""

    def __init__(self, counted: Iterator[Document]) -> None:
        self._counted, self._documents, self._numbers = counted, list[Document](), dict[Document, int]()

    def at(self, number: int) -> Document | None:
        while len(self._documents) < number and self._next():
            pass
        return self._documents[number - 1] if 0 < number <= len(self._documents) else None

    def number_of(self, document: Document) -> int | None:
        while document not in self._numbers and self._next():
            pass
        return self._numbers.get(document)

    def _next(self) -> Document | None:
        document = next(self._counted, None)
        if document is not None:
            self._documents.append(document)
            self._numbers[document] = len(self._documents)
        return document


class Epub:
    """documents: of every spine item that the manifest knows, in order. spine: the step of the spine in its package.
    sheets: the style sheets that were read, by path. fragments: what counts, by whether every item does."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._read = 0
        self.sheets: dict[str, list[Rule]] = {}
        self.fragments: dict[bool, Fragments] = {}
        self.spine, items = self._package()
        self.documents = [Document(self, item) for item in items]

    @classmethod
    def open(cls, source: Path | bytes) -> Epub:
        """Raises UnreadableEpub; OSError when the path cannot be read."""
        try:
            archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
        except (*DAMAGED, OSError) as error:
            # A place before the file's first byte is one that a damaged archive names.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            raise UnreadableEpub("The file is no EPUB: it is not a ZIP archive, or a damaged one.") from error
        if len(archive.infolist()) > MOST_FILES:
            raise UnreadableEpub(f"The EPUB holds more than {MOST_FILES:,} files, which no book needs.")
        return cls(archive)

    def close(self) -> None:
        self._archive.close()

    def __enter__(self) -> Epub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, path: str) -> bytes | None:
        """The bytes of a file in the archive, None when there is none. Raises UnreadableEpub."""
        name = self._names.get(path) or self._names.get(path.casefold())
        if name is None:
            return None
        try:
            with self._archive.open(name) as file:
                data = file.read(MOST_BYTES_OF_A_FILE + 1)
        except (*DAMAGED, OSError) as error:
            raise UnreadableEpub(f"“{path}” in the EPUB cannot be read: it is damaged or encrypted.") from error
        self._read += len(data)
        if len(data) > MOST_BYTES_OF_A_FILE or self._read > MOST_BYTES_READ:
            raise UnreadableEpub(f"“{path}” in the EPUB unpacks to more than a book's chapter can hold.")
        return data

    def parsed(self, path: str) -> Source:
        """The document that a file in the archive makes, an empty one when there is none. Raises UnreadableEpub."""
        try:
            return parse(self.read(path) or b"")
        except TooMuch as error:
            raise UnreadableEpub(f"“{path}” in the EPUB {error}.") from error

    @cached_property
    def _names(self) -> dict[str, str]:
        names = self._archive.namelist()
        return {name.casefold(): name for name in reversed(names)} | {name: name for name in names}

    def _package(self) -> tuple[int, list[SpineItem]]:
        path = self._package_path()
        package = self._xml(path)
        spine = package.child("spine")
        if spine is None:
            raise UnreadableEpub(f"The EPUB's package “{path}” has no spine, so its chapters have no order.")
        step = [*package.elements].index(spine) + 1
        return step, _spine_items(package, spine, path)

    def _package_path(self) -> str:
        container = self._xml("META-INF/container.xml")
        paths = [element.attributes.get("full-path") for element in container.within() if element.name == "rootfile"]
        if not paths or not paths[0]:
            raise UnreadableEpub("The EPUB's container names no package, so its chapters cannot be found.")
        return paths[0]

    def _xml(self, path: str) -> Element:
        root = self.parsed(path).root
        if root is None:
            raise UnreadableEpub(f"The EPUB has no readable “{path}”, so its chapters cannot be found.")
        return root


def _spine_items(package: Element, spine: Element, path: str) -> list[SpineItem]:
    manifest: dict[str, Element] = {}
    listed = package.child("manifest")
    for element in listed.elements if listed is not None else ():
        # Of two items with one id KOReader takes the first, as readers do.
        if element.attributes.get("id"):
            manifest.setdefault(element.attributes["id"], element)
    if sum(1 for _ in spine.elements) > MOST_SPINE_ITEMS:
        raise UnreadableEpub(f"The EPUB's spine has more than {MOST_SPINE_ITEMS:,} items, which no book needs.")
    return [
        _spine_item(step, reference, manifest[idref], path)
        for step, reference in enumerate(spine.elements, start=1)
        if (idref := reference.attributes.get("idref", "")) in manifest
    ]


def _spine_item(step: int, reference: Element, item: Element, path: str) -> SpineItem:
    href = unquote(item.attributes.get("href", "").partition("#")[0])
    folder = path.rpartition("/")[0]
    target = normpath(f"{folder}/{href}").lstrip("/") if href else None
    return SpineItem(step, reference.attributes.get("id", ""), target, item.attributes.get("media-type", ""))
