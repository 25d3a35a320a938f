"""Drives the shim with the events that a real KOReader sent, in their order and with their clocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ereader import BOOKS, EReader, partial_md5

CAPTURES = Path(__file__).parents[1] / "captures"
PROPERTIES = {
    "d01-plain.epub": {
        "title": "Plain Chapters",
        "authors": "Ada Writer",
        "language": "en",
        "identifiers": "urn:uuid:00000000-0000-4000-8000-000000000101\nurn:isbn:9780000001016",
    },
    "d08-ruby-notes.epub": {
        "title": "Ruby and Notes",
        "authors": "Hana Ruby",
        "language": "en",
        "identifiers": "urn:uuid:00000000-0000-4000-8000-000000000108\ncalibre:42\ngoogle:abcDEF123",
    },
    "p01-text.pdf": {"title": "A Portable Text", "authors": "Quinn Page"},
}
PLACEHOLDERS = {"<nil>": None, "<object>": None}


class Replay:
    """The recorded session; the file manager's actions, which send no event, are done on real files."""

    def __init__(self, root: Path) -> None:
        self.reader = EReader(root)
        self.annotations: dict[str, list[Any]] = {}
        self.file = ""
        for name in PROPERTIES:
            source = CAPTURES / ("epub" if name.endswith("epub") else "paged") / name
            self.reader.put_book(name, source.read_bytes())

    def run(self) -> EReader:
        trace = (CAPTURES / "traces" / "trace.jsonl").read_text().splitlines()
        for row in map(json.loads, trace):
            self.reader.wall, self.reader.mono = row["wall"], row["mono"]
            getattr(self, row["kind"])(row)
        return self.reader

    def process_end(self, _row: dict[str, Any]) -> None:
        pass

    def plugin_init(self, row: dict[str, Any]) -> None:
        self.file = row.get("document", "")
        if not self.file:
            self.reader.ko.file_manager()
            return
        name = Path(self.file).name
        settings = {
            "partial_md5_checksum": partial_md5(Path(self.reader.real_path(self.file))),
            "doc_props": PROPERTIES[name],
        }
        held = self.annotations.setdefault(name, [])
        book = {"file": self.file, "settings": settings, "annotations": held, "paged": name.endswith("pdf")}
        self.reader.ko.reader(self.reader.table(book | {"xpointers": {}}))
        self.take_over(row["state"])

    def take_over(self, state: dict[str, Any]) -> None:
        """What the modules of KOReader would answer at this moment."""
        book = self.reader.ko.book
        self.reader.connected = state.get("connected", False)
        if state.get("ui") == "reader_closed":
            self.reader.ko.ui.document = None
        if state.get("ui") != "reader":
            return
        book.page, book.percent, book.progress = (state.get(key) for key in ("page", "percent", "progress"))
        if book.page and book.percent:
            book.pages = round(book.page / book.percent)
        if state.get("summary"):
            book.settings.summary = self.reader.table(state["summary"])
        held = self.annotations[Path(self.file).name]
        if isinstance(state.get("annotations"), int) and state["annotations"] < len(held):
            held[:] = [item for item in held if item.get("drawer")]  # taken off in the list of bookmarks, silently
        self.reader.ko.ui.annotation.annotations = self.reader.table(held)

    def event(self, row: dict[str, Any]) -> None:
        args = [PLACEHOLDERS.get(arg, arg) if isinstance(arg, str) else arg for arg in row["args"] or []]
        if row["event"] == "onAnnotationsModified":
            self.annotate(args[0])
        self.take_over(row["state"])
        if row["event"] == "onStopActivityIndicator":
            self.reader.ko.tick()  # KOReader is done with the page
        if row["event"] == "onCloseWidget" and row["state"].get("ui") == "reader_closed":
            self.reader.ko.flushed()
        self.reader.send(row["event"].removeprefix("on"), *map(self.reader.table, args))

    def annotate(self, change: Any) -> None:
        change = {str(i + 1): item for i, item in enumerate(change)} if isinstance(change, list) else change
        held, item = self.annotations[Path(self.file).name], change["1"]
        index = change.get("index_modified", 0)
        if index > 0:
            held.insert(index - 1, item)
        elif index < 0:
            del held[-index - 1]
        else:
            same = [i for i, old in enumerate(held) if old["datetime"] == item["datetime"] and old.get("drawer")]
            held[same[0]] = item

    def action(self, row: dict[str, Any]) -> None:
        ruby, plain = f"{BOOKS}/d08-ruby-notes.epub", f"{BOOKS}/d01-plain.epub"
        match row["action"]:
            case "fm_rename_book:begin":
                self.relocate(ruby, f"{BOOKS}/renamed.epub")
            case "fm_delete_book:begin":
                self.reader.delete(f"{BOOKS}/renamed.epub")
            case "fm_copy_paste:begin":
                self.relocate(plain, f"{BOOKS}/copy.epub", copy=True)
            case "fm_cut_paste:begin":
                self.relocate(plain, f"{BOOKS}/sub/d01-plain.epub")

    def relocate(self, file: str, new: str, copy: bool = False) -> None:
        """As the file manager does it: the file first, then the sidecar by DocSettings.updateLocation."""
        old = Path(self.reader.real_path(file))
        self.reader.put_book(new.removeprefix(f"{BOOKS}/"), old.read_bytes())
        if not copy:
            old.unlink()
        self.reader.ko.doc_settings.updateLocation(file, new, copy)


def spool_from_trace(root: Path) -> Path:
    """The spool that the shim wrote during the recorded session: its only segment, a file below root."""
    (segment,) = Replay(root).run().segments()
    return segment
