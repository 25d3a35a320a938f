"""One note file a book in a folder: highlights by chapter, notes, rating, reading. Obsidian reads it as it is.

The file is all there is. A fact is known by the id at the end of what became of it: a repeat changes nothing, an edit
finds its place. A file that was renamed or moved is known by the id in its front matter. Written anew is what stands
between two marks, and the program's own keys of the front matter; all the rest is the reader's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from booklore_core import BookRef, Check, Finding, Item, ItemFailed, Section, Setting, TargetUnavailable, hookimpl

ID, LISTED, COPY = "booklore_id", frozenset({"annotation", "bookmark", "session"}), "/note"
"""The last ends the key of a note's second fact, that beside the book; the first one has all of it."""
BEGIN = "<!-- booklore:begin, down to the end mark all is written anew; what stands above and below is yours -->"
END = "<!-- booklore:end -->"
PART = re.compile(r"(?ms)^<!-- booklore:begin[^\n]*-->[ ]*\n(.*?)^<!-- booklore:end -->[ ]*$\n?")
MARK, STATUSES = re.compile(r"(?m)^<!-- booklore:(?:begin|end)"), {"complete": "finished", "abandoned": "on hold"}
FRONT, FIELD = re.compile(r"(?ms)\A---[ ]*\n(.*?)^---[ ]*$\n?"), re.compile(r"(?m)^(?=[^\s#-][^\n:]*:)")
PIECE = re.compile(r"(?m)^### (?P<chapter>.+)$|(?P<text>(?:^>.*\n)+\n*|^- .+ )\^(?P<id>(?:hl|rd)-[0-9a-f]{12})$")
DETAILS, CONTROL = re.compile(r"(?m)^> \*(?:Page (\d+) · )?(.*)\*\Z"), re.compile(r"[\x00-\x1f\x7f-\x9f]")
ANYWHERE = re.compile(r"[\\`*_\[\]<~|$^]|[%=](?=[%=])|#(?=\w)|&(?=#?\w+;)")
AT_START = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=#>]))")
UNFIT, RESERVED = re.compile(r'[<>:"/\\|?*\[\]#^]'), re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""What Markdown or Obsidian takes for its own; what a file's name cannot hold, or be, somewhere or in a link."""
STANDING = {"status": "{}", "progress": "{} %", "rating": "rated {} of 10"}
AWAY = "the folder {} is not there, or nothing may be written to it: make it, or mount the disk that it is on"


@hookimpl
def register_settings() -> Iterator[Setting]:
    yield Setting("folder", str, "", "Where notes on books go", label="Notes", local=True, needed=True, fits=full_path)


@hookimpl
def register_targets(settings: Section) -> Iterator[Markdown]:
    if settings["folder"]:
        yield Markdown(Path(settings["folder"]))


def full_path(text: str) -> str:
    if text and not Path(text).expanduser().is_absolute():
        raise ValueError("expected the full path of a folder, such as ~/Notes/Books")
    return str(Path(text).expanduser()) if text else ""


class Markdown:
    """A folder of notes. It is never made here: one that is not there may be on a disk that is away."""

    name, kinds = "markdown", LISTED | {"rating", "progress", "status"}

    def __init__(self, folder: Path) -> None:
        self.about, self._root, self._known = f"notes in {folder}", folder, dict[str, Path]()

    def deliver(self, item: Item, before: object) -> None:
        if item.kind not in self.kinds:
            raise ItemFailed(f"a note has no place for a {item.kind}")
        self.deliver_batch([item])

    def deliver_batch(self, items: Sequence[Item]) -> None:
        """Writes what is news of one book, all or nothing."""
        book, path = items[0].book, self._find(items[0].book)
        if path is None and all(item.is_tombstone for item in items):
            return
        path = path or next(one for one in self._places(book) if not one.exists())
        try:
            held = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
            note = Note.of(held.replace("\r\n", "\n"), path.name)
            text = note.text(book, items).replace("\n", "\r\n" if "\r\n" in held else "\n")
            if held not in ("", text) and not path.stat().st_mode & stat.S_IWUSR:
                raise ItemFailed(f"{path.name} is read-only, and stays as it is")
            if text != held:
                write(path, text)
            self._known |= {book.partial_md5: path} if self._known else {}
        except (OSError, UnicodeDecodeError) as error:
            raise ItemFailed(f"{path.name} stays: {getattr(error, 'strerror', '') or 'it is no UTF-8'}") from error

    def audit(self, book: BookRef, items: Sequence[Item]) -> list[Finding]:
        """What was given and is not in the note any more, as when somebody has removed the file."""
        kept = Note.of(path.read_text("utf-8-sig"), path.name).pieces if (path := self._find(book)) else {}
        told = [item for item in items if not (item.is_tombstone or item.key.endswith(COPY))]
        lost = [item for item in told if not path or (item.kind in LISTED and id_of(item) not in kept)]
        return [Finding("missing", item.kind, book, item.key, "not in the book's note") for item in lost]

    def check(self) -> list[Check]:
        is_fine = self._root.is_dir() and os.access(self._root, os.W_OK)
        return [Check(self.name, is_fine, self.about if is_fine else AWAY.format(self._root))]

    def _find(self, book: BookRef) -> Path | None:
        """The book's note, wherever in the folder it is by now; not in hidden ones, such as a vault's bin."""
        if not self._root.is_dir():
            raise TargetUnavailable(AWAY.format(self._root), maybe_sent=False)
        md5, places = book.partial_md5, [self._known.get(book.partial_md5), *self._places(book)]
        own = next((one for one in places if one and owner_of(one) == md5), None)
        if own or (self._known and md5 not in self._known):
            return own
        notes = sorted(self._root.rglob("*.md"), reverse=True)
        self._known = {owner_of(one): one for one in notes if "/." not in f"/{one.relative_to(self._root).as_posix()}"}
        return self._known.get(md5)

    def _places(self, book: BookRef) -> list[Path]:
        """Where its note is put: at the first of them at which there is no other book's, nor one of the reader's."""
        name, md5 = file_name(book), book.partial_md5
        return [self._root / f"{name}{end}.md" for end in ("", f" ({md5[:8]})", f" ({md5})")]

    def close(self) -> None:
        self._known = {}  # the folder, which may be large, is looked through once a run


@dataclass
class Note:
    """A file in its parts. front: key → its lines; above, below: the reader's own; pieces: by id, chapter and text."""

    front: dict[str, str] = field(default_factory=dict)
    above: str = ""
    below: str = ""
    pieces: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, name: str) -> Note:
        """Raises ItemFailed where a mark is missing: nobody can tell then what is the reader's."""
        front, rest = split(text)
        part = PART.search(rest)
        if len(MARK.findall(rest)) != (2 if part else 0):
            raise ItemFailed(f"{name} has not one begin and one end mark: put back {END!r}, or take out both")
        above, inner, below = (rest[: part.start()], part[1], rest[part.end() :]) if part else (rest, "", "")
        note, chapter = cls(front, above + "\n" * (above[-1:] not in ("", "\n")), below), ""
        for found in PIECE.finditer(inner):
            chapter = found["chapter"] or chapter
            if found["id"]:
                note.pieces[found["id"]] = (chapter if found["text"][0] == ">" else "", found["text"].rstrip())
        return note

    def take(self, item: Item) -> None:
        if item.kind in LISTED and item.is_tombstone:
            self.pieces.pop(id_of(item), None)
        elif item.kind in LISTED:
            self.pieces |= {} if item.key.endswith(COPY) else {id_of(item): piece_of(item)}
        elif item.kind != "progress":
            self.put(item.kind, STATUSES.get(str(item.body.get(item.kind)), item.body.get(item.kind)))
        elif (at := f"{item.occurred_at:%Y-%m-%dT%H:%M:%SZ}") >= self.get("last_read"):  # of several devices the last
            self.put("progress", round(100 * item.body.get("percent", 0), 1))
            self.put("last_read", at)
            self.put("status", self.get("status") or "reading")

    def get(self, name: str) -> str:
        return self.front.get(name, "").partition(":")[2].strip().strip("\"'")

    def put(self, name: str, value: Any) -> None:
        self.front[name] = "" if value is None else f"{name}: {json.dumps(value, ensure_ascii=False)}\n"

    def text(self, book: BookRef, items: Sequence[Item]) -> str:
        told = {"title": one_line(book.title), "authors": [*map(one_line, book.authors)], "isbn": book.isbn}
        for name, value in {ID: book.partial_md5, **told}.items():
            if value:
                self.put(name, value)
        for item in items:
            self.take(item)
        front, part = "".join(self.front.values()), "".join(self._part())
        return f"---\n{front}---\n{self.above}{BEGIN}\n{part}\n{END}\n{self.below}"

    def _part(self) -> Iterator[str]:
        yield f"\n{' · '.join(shown.format(self.get(name)) for name, shown in STANDING.items() if self.get(name))}\n"
        pieces = sorted(self.pieces.items(), key=lambda one: (order(one[1][1]), one[0]))
        chapters = {"": ""}
        for name, (chapter, text) in pieces:
            if name[:2] == "hl":
                chapters[chapter] = chapters.get(chapter, f"\n### {chapter}\n") + f"\n{text}\n\n^{name}\n"
        yield "".join(["\n## Highlights\n", *chapters.values()]) if any(chapters.values()) else ""
        read = [f"{text} ^{name}\n" for name, (_, text) in pieces if name[:2] == "rd"]
        yield "".join(["\n## Reading\n\n", *read]) if read else ""


def order(text: str) -> tuple[int, str]:
    return (int(found[1] or 0), found[2]) if (found := DETAILS.search(text)) else (0, text)


def piece_of(item: Item) -> tuple[str, str]:
    body = item.body
    if item.kind == "session":
        start = datetime.fromisoformat(body.get("start") or item.occurred_at.isoformat()).astimezone()
        told = [f"{100 * body[name]:.1f} %" for name in ("start_percent", "end_percent") if body.get(name) is not None]
        shown = f"- {start:%Y-%m-%d %H:%M} · {round(body.get('duration', 0) / 60)} min · {' → '.join(told)}"
        return ("", shown.removesuffix(" · "))
    page = next((f"Page {one}" for one in (body.get("pageno"), body.get("page")) if isinstance(one, int)), "")
    details = " · ".join(filter(None, (page, escaped(one_line(body.get("datetime"))))))
    marked = lines_of(body.get("text"), "Bookmark: " if item.kind == "bookmark" else "")
    parts = [marked, lines_of(body.get("note"), "**Note:** "), [f"*{details}*"]]
    quoted = "\n>\n".join("\n".join(f"> {line}".rstrip() for line in lines) for lines in parts if lines)
    return (escaped(one_line(body.get("chapter"))), quoted)


def lines_of(text: Any, start: str = "") -> list[str]:
    lines = [escaped(CONTROL.sub(" ", line)) for line in str(text or "").strip().splitlines()]
    return [start + lines[0], *lines[1:]] if lines else []


def escaped(line: str) -> str:
    return AT_START.sub(r"\1\\", ANYWHERE.sub(r"\\\g<0>", line.strip()))


def one_line(text: Any) -> str:
    return " ".join(CONTROL.sub(" ", str(text or "")).split())


def id_of(item: Item) -> str:
    digest = hashlib.sha256(f"{item.kind}/{item.key}".encode()).hexdigest()
    return f"{'rd' if item.kind == 'session' else 'hl'}-{digest[:12]}"


def split(text: str) -> tuple[dict[str, str], str]:
    """The lines of a front matter by key, whatever stands before the first one included, and the text below it."""
    front = FRONT.match(text)
    fields = FIELD.split(front[1] if front else "")
    return {one.partition(":")[0]: one for one in fields if one}, text[front.end() if front else 0 :]


def owner_of(path: Path) -> str:
    """The partial MD5 of the book whose note a file is, empty for another file."""
    text = path.read_bytes().decode("utf-8-sig", "replace") if path.is_file() else ""
    return Note(split(text.replace("\r\n", "\n"))[0]).get(ID)


def file_name(book: BookRef) -> str:
    text = UNFIT.sub(" ", one_line(book.title or PurePosixPath(book.file or "").stem))
    text = unicodedata.normalize("NFC", " ".join(text.split()))[:120].encode()[:180].decode(errors="ignore").strip(". ")
    return f"{text}_" if RESERVED.fullmatch(text) else text or book.partial_md5[:8]


def write(path: Path, text: str) -> None:
    """In one step: whoever reads the file meanwhile, or after a power cut, has it whole."""
    beside = path.with_name(f".{hashlib.sha256(path.name.encode()).hexdigest()[:12]}.tmp")
    with beside.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        beside.chmod(path.stat().st_mode)
    beside.replace(path)
