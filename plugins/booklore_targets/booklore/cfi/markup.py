"""Markup without its text: what is between tags is kept aside as the source has it, so that tags alone are parsed."""

import re
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import NamedTuple

KEPT = "kept"
"""Target of the processing instruction that stands for the text with the number it carries."""

ENCODINGS = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

INSIDE = r"""(?:"[^"]*"|'[^']*'|[^"'<>])"""
"""A part of a tag: the end of a tag may stand in quotes."""
# A comment, CDATA, an instruction, a declaration or a tag. What does not end goes on to the end of the file, and a tag
# ends before the next one: hostile markup is gone through once.
MARKUP = re.compile(
    rf"""(</?[A-Za-z_:]{INSIDE}*+>|<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)"""
    r"""|<![A-Za-z](?:\[[^\]]*(?:\]|\Z)|"[^"]*"|'[^']*'|[^>\["'<])*+(?:>|\Z))""",
    re.DOTALL,
)
CDATA = "<![CDATA["
REFERENCE = re.compile(r"&(?:#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6})|[A-Za-z][A-Za-z0-9]{0,31});")
EMPTY = re.compile(
    rf"<(/?)(?:((?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b{INSIDE}*?)/?>|[a-z_:]{INSIDE}*+>)",
    re.IGNORECASE,
)
"""A tag; with the second group one of the elements that HTML has without an end."""
LINE_END = re.compile("\r\n?")


class Passage(NamedTuple):
    """Text between two pieces of markup, as it stands in the source; literal: CDATA, where nothing is a reference."""

    raw: str
    literal: bool = False


def decoded(data: bytes) -> str:
    """The characters of an XML file: by its byte order mark, else by its declaration, else UTF-8."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    declared = ENCODINGS.match(data[:200])
    try:
        return data.decode(declared[1].decode("ascii") if declared else "utf-8", errors="replace")
    except (LookupError, UnicodeError):
        return data.decode("utf-8", errors="replace")


def split(source: str) -> tuple[str, list[Passage]]:
    """The tags alone, with an instruction in the place of every text, and those texts by number."""
    pieces: list[Passage] = []
    parts = MARKUP.split(source)  # texts, and between two of them what is markup
    for at, part in enumerate(parts):
        if at % 2 and part[1] not in "!?":
            parts[at] = part.replace("&", "&amp;")
            continue
        text = Passage(cdata(part), literal=True) if at % 2 else Passage(part)
        parts[at] = f"<?{KEPT} {len(pieces)}?>" if text.raw else ""
        if text.raw:
            pieces.append(text)
    return "".join(parts), pieces


def cdata(markup: str) -> str:
    """The characters of a section in which nothing is markup, "" of any other markup."""
    return markup.removeprefix(CDATA).removesuffix("]]>") if markup.startswith(CDATA) else ""


def closed(tags: str) -> str:
    """Tags that are not well formed, as HTML has them: what can have no content is closed at once, and only once."""
    return EMPTY.sub(lambda found: found[0] if not found[2] else "" if found[1] else f"<{found[2]}/>", tags)


@lru_cache(1024)  # a book has few of them, and each many times
def character(reference: str) -> str:
    """What a reference such as `&nbsp;` or `&#32;` stands for; one that nobody knows stands for itself."""
    name = reference[1:]
    if not name.startswith("#") and name not in html5:
        return reference
    return unescape(reference)


def line_ends(text: str) -> str:
    """The text with the line ends that every XML parser makes of others."""
    return LINE_END.sub("\n", text) if "\r" in text else text


def value(piece: Passage) -> str:
    """The text as a reader's document has it: references resolved, line ends as XML has them."""
    text = line_ends(piece.raw)
    if piece.literal or "&" not in text:
        return text
    return REFERENCE.sub(lambda found: character(found[0]), text)
