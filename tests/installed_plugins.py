"""Plugins of third parties, installed as pip would, and what one of them does."""

import importlib

from booklore_core.testing import SampleReader, sample_book

FINE = """
'''Counts openings.'''
from booklore_core import Item, hookimpl

@hookimpl
def on_book_open(event):
    yield Item("opened", event.id, event.book.ref, {}, event.at)
"""


class Distributions:
    """Distributions of third parties, as pip would install them."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, source, distribution="opens", name="opens", module="third_party_opens", group="booklore"):
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")
        info = self.folder / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n", encoding="utf-8")

    def rewrite(self, source, module="third_party_opens"):
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()


def opening():
    return [SampleReader().open(sample_book("Dune"))]


def openings(core):
    return [item for item in core.database.rows("SELECT kind FROM items") if item["kind"] == "opened"]
