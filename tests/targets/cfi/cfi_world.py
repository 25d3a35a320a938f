"""Small EPUBs, made by the tests that read them; and the recorded ones."""

import io
import os
import zipfile
from pathlib import Path

from booklore_targets.booklore.cfi import Epub

CAPTURES = Path(__file__).parents[2] / "captures"
RECORDED = Path(os.environ.get("BOOKLORE_CAPTURES") or CAPTURES) / "books"
"""What KOReader said of each position, one file a book and generation; too large to be kept with the tests."""

CONTAINER = '<container><rootfiles><rootfile full-path="{package}" media-type="{type}"/></rootfiles></container>'
PACKAGE_TYPE = "application/oebps-package+xml"
XHTML = "application/xhtml+xml"
OPENING = (
    '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"'
    ' xmlns:epub="http://www.idpf.org/2007/ops"><head><title>A chapter</title>{head}</head>'
)


def chapter(body: str, head: str = "") -> str:
    """A document with that content; body may begin with a body tag of its own."""
    whole = body if body.startswith("<body") else f"<body>{body}</body>"
    return OPENING.format(head=head) + whole + "</html>"


def archive(files: dict[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return data.getvalue()


def packaged(package: str, files: dict[str, str | bytes], path: str = "OPS/p.opf") -> Epub:
    """The EPUB with that package at path."""
    container = CONTAINER.format(package=path, type=PACKAGE_TYPE)
    return Epub.open(archive({"META-INF/container.xml": container, path: package, **files}))


def book(*chapters: str, head: str = "", **more: str | bytes) -> Epub:
    """A plain EPUB of these bodies, one a chapter. more: other files beside them."""
    numbers = range(1, len(chapters) + 1)
    items = "".join(f'<item id="c{one}" href="c{one}.xhtml" media-type="{XHTML}"/>' for one in numbers)
    references = "".join(f'<itemref idref="c{one}"/>' for one in numbers)
    package = f"<package><metadata/><manifest>{items}</manifest><spine>{references}</spine></package>"
    files = {f"OPS/c{one}.xhtml": chapter(body, head) for one, body in enumerate(chapters, start=1)}
    return packaged(package, {**files, **{f"OPS/{name}": content for name, content in more.items()}})


def pointer(path: str, number: int = 1) -> str:
    """An xpointer of today's KOReader below the body of a chapter."""
    return f"/body[1]/DocFragment[{number}]/body[1]/{path}"
