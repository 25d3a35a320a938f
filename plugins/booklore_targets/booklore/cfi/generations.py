"""The generations of KOReader's document model: each book keeps for ever the one it was first opened with.

Source: crengine, lvtinydom.cpp (DOM versions 20171225 to 20260812), and what was recorded of each.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Generation:
    """indexed: every step has an index, else only where there are several of its kind. boxed: boxes that the engine put
    in are part of the path. every_item: any spine item gets a fragment, else only XHTML that is there. barren: elements
    in which text is dropped. keeps_line_end: the first character of `<pre>`."""

    version: int
    indexed: bool = False
    boxed: bool = False
    every_item: bool = True
    keeps_line_end: bool = False
    barren: frozenset[str] = frozenset()

    @property
    def view(self) -> tuple[bool, bool, frozenset[str]]:
        """What makes the text nodes of two generations differ."""
        return self.boxed, self.keeps_line_end, self.barren


CONTAINERS = (
    "html head table colgroup col thead tbody tfoot tr base basefont bgsound meta link track area input keygen param"
    " audio source applet"
)
NO_TEXT = frozenset(CONTAINERS.split())
OLD_NO_TEXT = NO_TEXT | {"hr", "ul", "ol", "dl", "output", "section"}

GENERATIONS = (
    Generation(20260812, indexed=True, barren=NO_TEXT),
    Generation(20240114, barren=NO_TEXT),
    Generation(20210904, every_item=False, barren=NO_TEXT),
    Generation(20171225, boxed=True, every_item=False, keeps_line_end=True, barren=OLD_NO_TEXT),
)
"""The newest first."""
