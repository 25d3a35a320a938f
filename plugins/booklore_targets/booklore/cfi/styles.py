"""What is a block, what floats and what keeps its white space: KOReader's own defaults, then the book's style sheets.

Source: crengine, fb2def.h (defaults) and html5.css. Of CSS only what moves text nodes is read: `display`, `float` and
`white-space`, with selectors of names, classes and ids; and of each sheet its first megabyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .source import Element, TooMuch

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
KNOWN = "ruby run-in inline block list-item inline-block inline-table none table table-row-group table-header-group"
KNOWN += " table-footer-group table-row table-column-group table-column table-cell table-caption"
DISPLAYS = frozenset(KNOWN.split())
"""What the engine knows; anything else is as if it was not said."""
SPECIAL = {"li": "list-item", "ruby": "ruby"}
PRESERVED = frozenset(("pre", "listing", "textarea", "plaintext", "xmp"))
PRESERVING = frozenset(("pre", "pre-wrap", "pre-line", "break-spaces"))

COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
END = re.compile(r"[{};]")
MOVING = re.compile(r"(?:^|[;\s])(display|float|white-space)\s*:\s*([a-z-]+)", re.IGNORECASE)
COMPOUND = re.compile(r"(?=.)(?:[A-Za-z][\w-]*|\*)?(?:[.#][\w-]+)*")
PART = re.compile(r"[.#]?[\w*-]+")

MOST_CHARACTERS = 1024 * 1024
"""Of a style sheet. What is beyond them does not count, so that white space there may be taken for a text node."""
MOST_RULES = 10_000
"""Of all sheets of one document, counted are those that move text nodes."""
MOST_COMPARISONS = 5_000_000
"""Of a selector with an element, for one document."""
MOST_COMPOUNDS = 256
"""Elements within each other that a selector may name."""


@dataclass(frozen=True)
class Style:
    """As it is computed for an element: display is `none`, `inline`, `block` or what else the book says."""

    display: str = "block"
    floats: bool = False
    preserves: bool = False
    hidden: bool = False

    @property
    def is_inline(self) -> bool:
        return self.display in ("inline", "ruby", "run-in")

    @property
    def stands_in_line(self) -> bool:
        return self.display in ("inline-block", "inline-table")

    @property
    def is_block(self) -> bool:
        """Whether it is arranged within as a block, though it may stand in a line."""
        return not self.is_inline and self.display != "none"


@dataclass(frozen=True)
class Rule:
    """selector: compounds, the outermost first. weight: how many ids, classes and names it has."""

    selector: tuple[frozenset[str], ...]
    weight: tuple[int, int, int]
    declared: dict[str, str]

    @property
    def key(self) -> str:
        """A part that an element must have for the rule to fit."""
        return max(self.selector[-1], key=lambda part: (part != "*", part[0] == ".", part[0] == "#"))


def parts_of(element: Element) -> frozenset[str]:
    """What a compound may ask for."""
    classes = {f".{one}" for one in element.attributes.get("class", "").split()}
    return frozenset(("*", element.name, f"#{element.attributes.get('id')}")) | classes


def blocks_of(sheet: str) -> Iterator[tuple[str, str]]:
    """The innermost blocks of a style sheet, each with the selectors before it; the sheet is gone through once."""
    for part in COMMENT.sub(" ", sheet).split("}")[:-1]:
        head, brace, block = part.rpartition("{")
        selectors = END.split(head)[-1]
        if brace and selectors:
            yield selectors, block


def rules_of(sheet: str) -> list[Rule]:
    """The rules of a style sheet that move text nodes, in its order. What is beyond MOST_CHARACTERS does not count.

    Raises TooMuch.
    """
    rules: list[Rule] = []
    for selectors, block in blocks_of(sheet[:MOST_CHARACTERS]):
        if declared := declarations(block):
            made = (rule_of(one.replace(">", " ").split(), declared) for one in selectors.split(","))
            rules.extend(rule for rule in made if rule)
        limited(rules)
    return rules


def limited(rules: list[Rule]) -> list[Rule]:
    if len(rules) > MOST_RULES:
        raise TooMuch(f"has style sheets with more than {MOST_RULES:,} rules, which no chapter needs")
    return rules


def rule_of(compounds: list[str], declared: dict[str, str]) -> Rule | None:
    """None for a selector that asks for more than names, classes and ids."""
    if not 0 < len(compounds) <= MOST_COMPOUNDS or not all(COMPOUND.fullmatch(one) for one in compounds):
        return None
    parts = [PART.findall(one) for one in compounds]
    first = [part[0] for compound in parts for part in compound]
    ids, classes = first.count("#"), first.count(".")
    return Rule(tuple(map(frozenset, parts)), (ids, classes, len(first) - ids - classes), declared)


class Styles:
    """The styles of one document: of its sheets in their order, and of the attributes of its elements."""

    def __init__(self, sheets: Iterable[list[Rule]]) -> None:
        rules: list[Rule] = []
        for sheet in sheets:
            limited(rules).extend(sheet)
        self.rules: dict[str, list[tuple[int, Rule]]] = {}
        for number, rule in enumerate(sorted(limited(rules), key=lambda rule: rule.weight)):
            self.rules.setdefault(rule.key, []).append((number, rule))
        self._ancestors: dict[Element, frozenset[str]] = {}
        self._usual: dict[tuple[str, bool, bool, bool], Style] = {}
        self._left = MOST_COMPARISONS

    def of(self, element: Element, around: Style) -> Style:
        """The style of an element within one of the style `around`. Raises TooMuch."""
        rules = self._fitting(element)
        if rules or "style" in element.attributes:
            return computed(element, around, rules)
        # Of an element of which nobody says anything it follows from its name and what is around it.
        alike = (element.name, "hidden" in element.attributes, around.preserves, around.hidden)
        if alike not in self._usual:
            self._usual[alike] = computed(element, around, [])
        return self._usual[alike]

    def _fitting(self, element: Element) -> list[Rule]:
        """The rules for an element, the weightiest last."""
        if not self.rules:
            return []
        parts = parts_of(element)
        found = (one for part in parts for one in self.rules.get(part, ()))
        fitting = [one for one in found if self._fits(one[1], element, parts)]
        return [rule for _, rule in sorted(fitting, key=lambda one: one[0])]

    def _fits(self, rule: Rule, element: Element, parts: frozenset[str]) -> bool:
        left = len(rule.selector) - 1
        if not self._matches(rule.selector[left], parts):
            return False
        ancestor = element.parent
        while left and ancestor is not None:
            # Asked once for each element within.
            around = self._ancestors.get(ancestor) or self._ancestors.setdefault(ancestor, parts_of(ancestor))
            left -= self._matches(rule.selector[left - 1], around)
            ancestor = ancestor.parent
        return not left

    def _matches(self, compound: frozenset[str], parts: frozenset[str]) -> bool:
        self._left -= 1
        if self._left < 0:
            raise TooMuch("has style sheets that take too long to apply to its elements")
        return compound <= parts


def computed(element: Element, around: Style, rules: list[Rule]) -> Style:
    said = {"display": default_display(element), "float": "none"}
    if element.name in PRESERVED:
        said["white-space"] = "pre"
    for rule in rules:
        said |= rule.declared
    if "style" in element.attributes:
        said |= declarations(element.attributes["style"])
    preserves = said["white-space"] in PRESERVING if "white-space" in said else around.preserves
    hidden = around.hidden or said["display"] == "none"
    return Style(said["display"], said["float"] in ("left", "right"), preserves, hidden)


def declarations(block: str) -> dict[str, str]:
    said = ((name.lower(), value.lower()) for name, value in MOVING.findall(block))
    return {name: value for name, value in said if name != "display" or value in DISPLAYS}


def default_display(element: Element) -> str:
    if element.name in INVISIBLE or "hidden" in element.attributes:
        return "none"
    return SPECIAL.get(element.name) or ("block" if element.name in BLOCKS else "inline")
