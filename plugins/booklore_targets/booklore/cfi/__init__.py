"""Places in an EPUB: KOReader's xpointers and EPUB CFIs, two notations of one model, from the file alone.

`epub` opens the file, `source` has its documents as they are written, `crengine` and `boxing` as KOReader sees them;
`xpointer` and `cfi` read and write the two notations of `places`, and `convert` checks what it finds against the text.
"""

from .convert import Anchor, Unplaceable, anchor, point, resolve
from .epub import Epub, UnreadableEpub

__all__ = ["VERSION", "Anchor", "Epub", "Unplaceable", "UnreadableEpub", "anchor", "point", "resolve"]

VERSION = 1
"""Counts the ways in which a CFI may come out otherwise for the same highlight of the same file."""
