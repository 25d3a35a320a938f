"""Places in an EPUB: an xpointer as the server reads it, made a CFI. Source: contract 7.3."""

from __future__ import annotations

import io
import re
import zipfile
from functools import lru_cache
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote

from lxml import etree, html

FRAGMENT = re.compile(r"/body/DocFragment(?:\[(\d+)])?(/.*)?")
CFI = re.compile(r"epubcfi\(/6/(\d+)!/4([^,]*)(?:,([^,]*),([^,]*))?\)")
STEP = re.compile(r"([A-Za-z][\w:.-]*|text\(\))(?:\[(\d+)])?(?:\.(\d+))?")


class PlacesOfBook:
    """The places of one book. content: its bytes; without them any xpointer of the right form is one."""

    def __init__(self, content: bytes | None, format: str) -> None:  # noqa: A002
        self._content, self._is_epub = content, format == "epub"

    def cfi(self, xpointer: str) -> str | None:
        """None for a place that there is none of, or that is written in a way that the server does not know."""
        inner = self._inner(xpointer)
        return inner and f"epubcfi({inner})"

    def cfi_range(self, start: str, end: str | None) -> str | None:
        one, other = self._inner(start), self._inner(end or "")
        if not one or not other:
            return None
        steps, others = one.split("/"), other.split("/")
        same = 0
        while same < min(len(steps), len(others)) - 1 and steps[same] == others[same]:
            same += 1
        ends = ("/" + "/".join(rest[same:]) for rest in (steps, others))
        return f"epubcfi({','.join(['/'.join(steps[:same]), *ends])})"

    def placed(self, start: str, end: str | None, text: str) -> tuple[str | None, str]:
        """The CFI between two places, and `exact`; where another text is there, that of the text, and `repaired`."""
        told, wanted = self.cfi_range(start, end), " ".join(text.split())
        if told and wanted and (self._content is None or self._text(start, end) == wanted):
            return told, "exact"
        is_sound = bool(told) or (end is None and self._inner(start) is not None)
        found = self._search(wanted) if wanted and is_sound else None
        return (found, "repaired") if found else (None, "failed")

    def xpointer(self, cfi: str, is_end: bool = False) -> str | None:
        """Of a CFI, of a range its start or its end; None for what leads nowhere."""
        found = CFI.fullmatch(cfi)
        if not found or not self._is_epub:
            return None
        number, base, *ends = int(found[1]) // 2, found[2], found[3], found[4]
        inner = base + (ends[is_end] or "")
        bodies = chapters(self._content) if self._content else []
        place = climb(bodies[number - 1], inner) if 1 <= number <= len(bodies) else None
        return place and f"/body/DocFragment[{number}]/body{place}"

    def chapter(self, start: str) -> int | None:
        """Counted from 0; None for what is no xpointer that it knows."""
        found = FRAGMENT.fullmatch(start)
        return int(found[1] or 1) - 1 if found and self._is_epub else None

    def _text(self, start: str, end: str | None) -> str | None:
        """The text between two places of one text node."""
        one, other = (re.fullmatch(r"(.*)\.(\d+)", told or "") for told in (start, end))
        if not one or not other or one[1] != other[1]:
            return None
        node = self._node(one[1])
        return node and " ".join(node[int(one[2]) : int(other[2])].split())

    def _node(self, path: str) -> str | None:
        found = FRAGMENT.fullmatch(path)
        if not found or not found[2]:
            return None
        at, number = chapters(self._content or b"")[int(found[1] or 1) - 1], 1
        for part in found[2][1:].split("/")[1:]:
            step = STEP.fullmatch(part)
            if step is None:
                return None
            number = int(step[2] or 1)
            if step[1] == "text()":
                break
            at = [child for child in at if isinstance(child.tag, str) and local(child) == step[1].lower()][number - 1]
        texts = texts_of(at)
        return texts[number - 1][1] if number <= len(texts) else None

    def _search(self, text: str) -> str | None:
        for number, body in enumerate(chapters(self._content or b""), start=1):
            for element in body.iter():
                for place, told in texts_of(element) if isinstance(element.tag, str) else ():
                    if (at := told.find(text)) >= 0:
                        return f"epubcfi(/6/{2 * number}!{path_of(element)},/{place}:{at},/{place}:{at + len(text)})"
        return None

    def _inner(self, xpointer: str) -> str | None:
        found = FRAGMENT.fullmatch(xpointer)
        if not found or not self._is_epub:
            return None
        number, path = int(found[1] or 1), found[2] or "/body"
        if not path.startswith("/body"):
            return None
        parts = [STEP.fullmatch(part) for part in path[1:].split("/")]
        if not all(parts):
            return None
        steps = [(part[1], int(part[2] or 1), part[3]) for part in parts if part]
        inner = self._walk(number, steps) if self._content else bare(steps)
        return inner and f"/6/{2 * number}!{inner}"

    def _walk(self, number: int, steps: list[tuple[str, int, str | None]]) -> str | None:
        bodies = chapters(self._content or b"")
        if not 1 <= number <= len(bodies):
            return None
        return descend(bodies[number - 1], steps)


def bare(steps: list[tuple[str, int, str | None]]) -> str:
    """Without the book: the numbers as they are written."""
    told = [f"/{1 if name == 'text()' else 2 * number}" for name, number, _ in steps[1:]]
    return f"/4{''.join(told)}:{steps[-1][2] or 0}"


def descend(body: Any, steps: list[tuple[str, int, str | None]]) -> str | None:
    at, told = body, f"/{2 * (1 + len(list(elements_before(body))))}"
    for name, number, offset in steps[1:]:
        if name == "text()":
            texts = texts_of(at)
            if number > len(texts) or int(offset or 0) > len(texts[number - 1][1]):
                return None
            return f"{told}/{texts[number - 1][0]}:{offset or 0}"
        same = [child for child in at if isinstance(child.tag, str) and local(child) == name.lower()]
        if number > len(same):
            return None
        at = same[number - 1]
        told += f"/{2 * (1 + len(list(elements_before(at))))}"
    texts = texts_of(at)
    return f"{told}/{texts[0][0]}:{steps[-1][2] or 0}" if texts else f"{told}"


def climb(body: Any, inner: str) -> str | None:
    """The rest of an xpointer, from the even and odd numbers below a body. None for what is not there."""
    at, told = body, ""
    for step in inner.split("/")[1:]:
        number, _, offset = step.partition(":")
        if int(number) % 2:
            texts = [one for one, _ in texts_of(at)]
            is_last = inner.endswith(step)
            nth = texts.index(int(number)) + 1 if int(number) in texts and is_last else 0
            return f"{told}/text(){f'[{nth}]' if nth > 1 else ''}.{offset or 0}" if nth else None
        children = [child for child in at if isinstance(child.tag, str)]
        if int(number) // 2 > len(children):
            return None
        at = children[int(number) // 2 - 1]
        same = [child for child in children if local(child) == local(at)]
        told += f"/{local(at)}[{same.index(at) + 1}]"
    return told


def path_of(element: Any) -> str:
    """From the root of its file, which is not named."""
    steps = []
    while element.getparent() is not None:
        steps.append(f"/{2 * (1 + len(list(elements_before(element))))}")
        element = element.getparent()
    return "".join(reversed(steps))


def elements_before(element: Any) -> Any:
    return (one for one in element.itersiblings(preceding=True) if isinstance(one.tag, str))


def texts_of(element: Any) -> list[tuple[int, str]]:
    """The texts within, each with its number in a CFI: odd, counted between the elements."""
    found, place = [(1, element.text or "")], 1
    for child in element:
        place += 2 if isinstance(child.tag, str) else 0
        found.append((place, child.tail or ""))
    return [(number, text) for number, text in found if text]


def local(element: Any) -> str:
    return str(etree.QName(element).localname).lower()


@lru_cache(maxsize=32)
def chapters(content: bytes) -> list[Any]:
    """The bodies of the spine's files; nothing within where there is no such file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        container = etree.fromstring(archive.read("META-INF/container.xml"))
        package = container.xpath("string(//*[local-name()='rootfile']/@full-path)")
        opf = etree.fromstring(archive.read(package))
        hrefs = {one.get("id"): one.get("href") for one in opf.xpath("//*[local-name()='manifest']/*")}
        spine = [hrefs.get(one.get("idref")) for one in opf.xpath("//*[local-name()='spine']/*")]
        there = set(archive.namelist())
        files = [normpath(join(dirname(package), unquote(href))) for href in spine if href]
        return [body_of(archive.read(one) if one in there else b"") for one in files]


def body_of(page: bytes) -> Any:
    try:
        root = etree.fromstring(page)
    except etree.XMLSyntaxError:
        root = html.document_fromstring(page) if page.strip() else etree.Element("none")
    return next(iter(root.xpath("//*[local-name()='body']")), etree.Element("body"))
