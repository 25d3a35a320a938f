"""White space that the engine drops between blocks, and the boxes it puts around what stands beside blocks.

Source: crengine, lvtinydom.cpp: initNodeRendMethod, removeStandaloneWhitespaceTextChildrenInMixedContent,
autoboxChildren, cleanIfOnlyEmptyTextInline.
"""

from __future__ import annotations

from dataclasses import replace

from .crengine import Chunk, Seen, chunks_of
from .source import Element, Text
from .styles import Style, Styles

INLINE, BLOCK, NOWHERE = "inline", "block", "nowhere"
"""How an element is rendered; what is nowhere takes no part in any decision."""
STRIPPED = frozenset(("pre", "textarea"))
"""What loses a line end right after its tag."""
IMAGES = frozenset(("img", "svg", "object", "embed", "image"))


class Laid:
    """One element while its children are arranged. rendered and floats decide about it among its siblings."""

    def __init__(self, element: Element, style: Style) -> None:
        self.element, self.style = element, style
        self.children: list[Laid | Chunk] = []
        self.rendered = INLINE
        self._seen: Seen | None = None

    @property
    def is_inline(self) -> bool:
        return self.rendered == INLINE

    @property
    def seen(self) -> Seen:
        """What the engine has of it in the end; asked for level by level, as deep documents need."""
        if self._seen is None:
            self._seen = self._made([child if isinstance(child, Chunk) else child.seen for child in self.children])
        return self._seen

    def _made(self, children: list[Seen | Chunk]) -> Seen:
        shown = not self.style.hidden and self.element.name not in IMAGES
        return Seen(self.element.name, self.element, children, shown)


class Box(Laid):
    """An element of the engine's own: `floatBox` and `inlineBox` around one, `autoBoxing` around a run of them."""

    def __init__(self, name: str, of: Laid, children: list[Laid | Chunk]) -> None:
        super().__init__(of.element, of.style if name == "floatBox" else Style())
        self.name, self.children = name, children
        self.rendered = {"floatBox": of.rendered, "inlineBox": INLINE}.get(name, BLOCK)

    def _made(self, children: list[Seen | Chunk]) -> Seen:
        return Seen(self.name, None, children, not self.style.hidden)


def in_its_box(child: Laid | Chunk) -> Laid | Chunk:
    """With the box that an element has for itself."""
    if isinstance(child, Laid) and is_floating(child):
        return Box("floatBox", child, [child])
    if isinstance(child, Laid) and child.style.stands_in_line and not child.style.hidden:
        return Box("inlineBox", child, [child])
    return child


class Layout:
    """Arranges a document. boxed: boxes are put in; barren: elements whose text is dropped."""

    def __init__(self, styles: Styles, boxed: bool, keeps_line_end: bool, barren: frozenset[str]) -> None:
        self.styles, self.boxed, self.keeps_line_end, self.barren = styles, boxed, keeps_line_end, barren

    def of(self, root: Element) -> Seen:
        return self._laid(root, Style()).seen

    def _laid(self, element: Element, around: Style) -> Laid:
        style = self.styles.of(element, around)
        laid = Laid(element, style)
        # What is within a picture is on no page.
        within = replace(style, hidden=True) if element.name in IMAGES else style
        for child in element.children:
            if isinstance(child, Element):
                laid.children.append(self._laid(child, within))
            elif element.name not in self.barren:
                self._take(child, laid)
        if element.elements_so_far and self.boxed:
            laid.children = list(map(in_its_box, laid.children))
        self._arrange(laid)
        if element.elements_so_far:
            for arranged in laid.children:
                if isinstance(arranged, Laid):
                    _ = arranged.seen
        return laid

    def _take(self, text: Text, laid: Laid) -> None:
        style = laid.style
        for chunk in chunks_of(text, style.preserves):
            if laid.children or not style.is_block or style.preserves or not chunk.is_blank:
                opens = not laid.children and not self.keeps_line_end and laid.element.name in STRIPPED
                chunk.without = int(opens and chunk.text.startswith("\n"))
                laid.children.append(chunk)

    def _arrange(self, laid: Laid) -> None:
        if laid.style.hidden:
            laid.rendered = NOWHERE
        elif laid.style.display == "ruby" or laid.element.name in IMAGES:
            laid.rendered = INLINE if not laid.style.is_block else BLOCK
        elif laid.style.is_inline:
            laid.rendered = self._arrange_inline(laid)
        else:
            laid.rendered = INLINE if laid.style.stands_in_line else BLOCK
            # Where there are boxes, a list item is an old one, in which all is put in a line.
            if laid.element.elements_so_far and not (self.boxed and laid.style.display == "list-item"):
                self._arrange_block(laid)

    def _arrange_inline(self, laid: Laid) -> str:
        """Blocks within an inline element: it becomes a block, or they lose the white space at their sides."""
        if not laid.element.elements_so_far or not any(map(is_block, laid.children)):
            return INLINE
        if not any(is_inline_element(child) or is_told(child) for child in laid.children):
            return BLOCK
        beside = {
            index + step
            for index, child in enumerate(laid.children)
            if is_block(child)
            for step in (-1, 1)
            if 0 <= index + step < len(laid.children) and is_blank(laid.children[index + step])
        }
        kept = [child for index, child in enumerate(laid.children) if index not in beside]
        laid.children = [Box("inlineBox", laid, [one]) if self.boxed and is_block(one) else one for one in kept]
        return INLINE

    def _arrange_block(self, laid: Laid) -> None:
        has_blocks = any(map(is_block, laid.children))
        if has_blocks and any(map(is_inline, laid.children)):
            laid.children = without_stray_blanks(laid.children)
            if any(map(is_inline, laid.children)):
                laid.children = self._boxed(laid)
        elif any(map(is_floating, laid.children)) and not has_blocks and not laid.style.preserves:
            told = any(is_inline(child) and not is_blank(child) for child in laid.children)
            laid.children = [child for child in laid.children if told or not is_blank(child)]

    def _boxed(self, laid: Laid) -> list[Laid | Chunk]:
        """The children with every run of inline ones trimmed, and in a box of its own where there are boxes."""
        arranged: list[Laid | Chunk] = []
        run: list[Laid | Chunk] = []
        for child in laid.children:
            if is_inline(child) or is_floating(child):
                run.append(child)
            else:
                arranged += self._run(run, laid)
                run = []
                arranged.append(child)
        return arranged + self._run(run, laid)

    def _run(self, run: list[Laid | Chunk], laid: Laid) -> list[Laid | Chunk]:
        if not laid.style.preserves:
            run = trimmed(run)
            if not any(is_inline(child) and not is_blank(child) for child in run):
                return [child for child in run if is_floating(child)]
        return [Box("autoBoxing", laid, run)] if self.boxed and run else run


def trimmed(run: list[Laid | Chunk]) -> list[Laid | Chunk]:
    told = [index for index, child in enumerate(run) if not is_blank(child)]
    return run[told[0] : told[-1] + 1] if told else []


def without_stray_blanks(children: list[Laid | Chunk]) -> list[Laid | Chunk]:
    """White space stays only between two that stand in a line."""
    kept: list[Laid | Chunk] = []
    index = 0
    while index < len(children):
        end = index
        while end < len(children) and is_blank(children[end]):
            end += 1
        if end == index:
            kept.append(children[index])
            index += 1
            continue
        before, after = children[index - 1] if index else None, children[end] if end < len(children) else None
        if stand_in_line(before, after):
            kept += children[index:end]
        index = end
    return kept


def stand_in_line(before: Laid | Chunk | None, after: Laid | Chunk | None) -> bool:
    if before is None or after is None:
        return False
    both = all(is_inline(child) or is_floating(child) for child in (before, after))
    return both and (is_inline(before) or is_inline(after))


def is_blank(child: Laid | Chunk) -> bool:
    return isinstance(child, Chunk) and child.is_blank


def is_told(child: Laid | Chunk) -> bool:
    return isinstance(child, Chunk) and not child.is_blank


def is_floating(child: Laid | Chunk) -> bool:
    return isinstance(child, Laid) and child.style.floats and not child.style.hidden


def is_inline_element(child: Laid | Chunk) -> bool:
    return isinstance(child, Laid) and child.is_inline and not is_floating(child)


def is_inline(child: Laid | Chunk) -> bool:
    return isinstance(child, Chunk) or is_inline_element(child)


def is_block(child: Laid | Chunk) -> bool:
    return isinstance(child, Laid) and child.rendered == BLOCK and not is_floating(child)
