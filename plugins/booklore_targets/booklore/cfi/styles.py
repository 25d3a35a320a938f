"""What is a block, what floats and what keeps its white space: KOReader's own defaults, then the book's style sheets.

Source: crengine, fb2def.h (defaults) and html5.css. Of CSS only what moves text nodes is read: `display`, `float` and
`white-space`, with selectors of names, classes and ids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from posixpath import dirname, normpath
from urllib.parse import unquote

from .source import Element, Text

NAMES = (
    "html body hr form pre blockquote div h1 h2 h3 h4 h5 h6 p output section ol ul li dl dt dd table caption"
    " colgroup col thead tbody tfoot tr th td address article aside canvas fieldset figcaption figure footer header"
    " hgroup legend main nav noscript video center dir menu multicol noframes search listing textarea plaintext xmp"
    " details dialog summary frame frameset iframe noembed template select button marquee applet optgroup datalist"
    " map area track input keygen param audio source title"
)
BLOCKS = frozenset(NAMES.split())
INVISIBLE = frozenset(
    ("script", "style", "base", "basefont", "bgsound", "meta", "link", "head", "binary", "stylesheet")
)
PRESERVED = frozenset(("pre", "listing", "textarea", "plaintext", "xmp"))
PRESERVING = frozenset(("pre", "pre-wrap", "pre-line", "break-spaces"))

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"([^{};]+)\{([^{}]*)\}")
MOVING = re.compile(r"(?:^|[;\s])(display|float|white-space)\s*:\s*([a-z-]+)", re.IGNORECASE)
COMPOUND = re.compile(r"(?:[A-Za-z][\w-]*|\*)?(?:[.#][\w-]+)*")
PART = re.compile(r"[.#]?[\w*-]+")
MOST_BYTES_OF_A_SHEET = 1024 * 1024


@dataclass(frozen=True)
class Style:
    """As it is computed for an element: display is `none`, `inline`, `block` or what else the book says."""

    display: str = "block"
    floats: bool = False
    preserves: bool = False
    hidden: bool = False

    @property
    def is_inline(self) -> bool:
        return self.display in ("inline", "ruby")

    @property
    def is_block(self) -> bool:
        return not self.is_inline and self.display != "none"


@dataclass(frozen=True)
class Rule:
    """selector: compounds, the outermost first. weight: its specificity, then its place among all rules."""

    selector: tuple[tuple[str, ...], ...]
    weight: tuple[int, int, int, int]
    declared: dict[str, str]

    def fits(self, element: Element) -> bool:
        *outer, last = self.selector
        if not matches(last, element):
            return False
        ancestor = element.parent
        while outer and ancestor is not None:
            if matches(outer[-1], ancestor):
                outer.pop()
            ancestor = ancestor.parent
        return not outer


def matches(compound: tuple[str, ...], element: Element) -> bool:
    classes = element.attributes.get("class", "").split()
    return all(
        part[1:] in classes
        if part[0] == "."
        else part[1:] == element.attributes.get("id")
        if part[0] == "#"
        else part in ("*", element.name.lower())
        for part in compound
    )


class Styles:
    """The styles of one document: of its linked sheets, its own ones, and the attributes of its elements."""

    def __init__(self, sheets: list[str]) -> None:
        self.rules: list[Rule] = []
        for sheet in sheets:
            self._take(COMMENT.sub(" ", sheet))
        self.rules.sort(key=lambda rule: rule.weight)

    def _take(self, sheet: str) -> None:
        for selectors, block in RULE.findall(sheet):
            if declared := declarations(block):
                for selector in selectors.split(","):
                    self._add(selector.replace(">", " ").split(), declared)

    def _add(self, compounds: list[str], declared: dict[str, str]) -> None:
        if compounds and all(COMPOUND.fullmatch(one) for one in compounds):
            parts = tuple(tuple(PART.findall(one)) for one in compounds)
            named = [part[0] for compound in parts for part in compound]
            ids, classes = named.count("#"), named.count(".")
            weight = (ids, classes, len(named) - ids - classes, len(self.rules))
            self.rules.append(Rule(parts, weight, declared))

    def of(self, element: Element, around: Style) -> Style:
        """The style of an element within one of the style `around`."""
        name = element.name.lower()
        said = {"display": default_display(name, element), "float": "none"}
        if name in PRESERVED:
            said["white-space"] = "pre"
        for rule in self.rules:
            if rule.fits(element):
                said |= rule.declared
        said |= declarations(element.attributes.get("style", ""))
        preserves = said["white-space"] in PRESERVING if "white-space" in said else around.preserves
        hidden = around.hidden or said["display"] == "none"
        return Style(said["display"], said["float"] in ("left", "right"), preserves, hidden)


def declarations(block: str) -> dict[str, str]:
    return {name.lower(): value.lower() for name, value in MOVING.findall(block)}


def default_display(name: str, element: Element) -> str:
    if name in INVISIBLE or "hidden" in element.attributes:
        return "none"
    return "block" if name in BLOCKS else "ruby" if name == "ruby" else "inline"


def sheets_of(root: Element, path: str) -> tuple[list[str], list[str]]:
    """Paths of the style sheets that a document at path links, and those within it."""
    linked: list[str] = []
    own: list[str] = []
    for element in root.within():
        if element.name == "link" and "stylesheet" in element.attributes.get("rel", "").lower():
            target = unquote(element.attributes.get("href", "").partition("#")[0])
            linked.append(normpath(f"{dirname(path)}/{target}").lstrip("/"))
        elif element.name == "style":
            own.append("".join(child.value for child in element.children if isinstance(child, Text)))
    return linked, own
