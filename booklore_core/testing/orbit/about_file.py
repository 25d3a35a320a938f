"""What a file says of its book: read from an EPUB's package and a PDF's information."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

SERIES = "//*[local-name()='meta'][@name='calibre:{}']/@content"
SUBJECT, KEYWORDS = re.compile(rb"/Subject\s*\(([^()]*)\)"), re.compile(rb"/Keywords\s*\(([^()]*)\)")


@dataclass(frozen=True)
class AboutFile:
    language: str | None = None
    series: str | None = None
    index: float | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def read_about(content: bytes | None, format: str) -> AboutFile:  # noqa: A002
    if content is None:
        return AboutFile("en" if format == "epub" else None)
    if format == "pdf":
        subject, keywords = (
            found and found[1].decode("latin-1") for found in (SUBJECT.search(content), KEYWORDS.search(content))
        )
        return AboutFile(description=subject, tags=tuple(re.split(r",\s*", keywords)) if keywords else ())
    return about_epub(content) if format == "epub" else AboutFile()


def about_epub(content: bytes) -> AboutFile:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        package = etree.fromstring(archive.read(name_of_package(archive)))
    language = package.xpath("string(//*[local-name()='language'])") or None
    series, index = (next(iter(package.xpath(SERIES.format(name))), None) for name in ("series", "series_index"))
    return AboutFile(language, series, float(index) if series and index else None)


def name_of_package(archive: zipfile.ZipFile) -> str:
    container = etree.fromstring(archive.read("META-INF/container.xml"))
    return str(container.xpath("string(//*[local-name()='rootfile']/@full-path)"))


def renamed(content: bytes, title: str) -> bytes:
    """The same book with another title in its package."""
    told = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(told, "w") as copy:
        package = name_of_package(archive)
        for entry in archive.infolist():
            data = archive.read(entry)
            copy.writestr(entry, with_title(data, title) if entry.filename == package else data, entry.compress_type)
    return told.getvalue()


def with_title(package: bytes, title: str) -> bytes:
    tree = etree.fromstring(package)
    for element in tree.xpath("//*[local-name()='title']")[:1]:
        element.text = title
    return bytes(etree.tostring(tree, encoding="utf-8", xml_declaration=True))
