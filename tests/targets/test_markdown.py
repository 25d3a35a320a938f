"""The folder of notes: what a book's file says, what of it stays the reader's, and what nothing can break."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from notes_world import DUNE, EVENING, FEAR, MD5, give, item, mark, only

from booklore_core import TOMBSTONE, BookRef, Item, ItemFailed
from booklore_core.core import Core
from booklore_core.testing import SampleReader, sample_book
from booklore_targets.markdown import Markdown

ODD = """# 1. *not* _a_ [[link]] `code` <b> $x$ | ~~ ==x== %% <!-- booklore:end --> #tag &amp; ^hl-0123456789ab
---
- so
> q
2. y"""


WRITTEN = """
on hold · 42.8 % · rated 8 of 10

## Highlights

### Book One

> First
>
> *Page 3 · 2026-11-20 13:41:02*

^hl

> Fear is the mind-killer.
>
> **Note:** How true.
> Every time.
>
> *Page 12 · 2026-11-20 13:41:02*

^hl

### Book Two

> Late
>
> *Page 300 · 2026-11-20 13:41:02*

^hl

> Bookmark: in Book Two
>
> *Page 301 · 2026-11-20 13:41:02*

^hl

## Reading

- BEGUN · 35 min · 41.0 % → 42.8 % ^rd

<!-- booklore:end -->
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Books").mkdir()
    return tmp_path / "Books"


@pytest.fixture
def notes(folder: Path) -> Markdown:
    return Markdown(folder)


def stretch(start: str = "2026-11-20T14:00:00Z", book: BookRef = DUNE) -> Item:
    told = {"start": start, "duration": 2100, "start_percent": 0.41, "end_percent": 0.428}
    return item("session", f"kobo:{start}", book, **told)


def front(text: str) -> list[str]:
    return text.split("---\n")[1].splitlines()


def test_note_has_front_matter_highlights_by_chapter_and_reading(notes: Markdown, folder: Path) -> None:
    give(notes, item("rating", rating=8), item("progress", percent=0.428), item("status", status="abandoned"))
    give(
        notes, mark("late", pageno=300, text="Late", chapter="Book Two"), mark(note="How true.\nEvery time."), stretch()
    )
    give(
        notes,
        mark("early", pageno=3, text="First"),
        item("bookmark", "b", **{**FEAR, "text": "in Book Two", "pageno": 301, "chapter": "Book Two"}),
    )

    text = (folder / "Dune.md").read_text("utf-8")

    assert front(text) == [
        f'booklore_id: "{MD5}"',
        'title: "Dune"',
        'authors: ["Frank Herbert"]',
        'isbn: "9780441013593"',
        "rating: 8",
        "progress: 42.8",
        'last_read: "2026-11-20T19:00:00Z"',
        'status: "on hold"',
    ]
    begun = datetime(2026, 11, 20, 14, tzinfo=UTC).astimezone()
    shown = text.partition("-->\n")[2].replace(f"{begun:%Y-%m-%d %H:%M} · 35 min", "BEGUN · 35 min")
    assert re.sub(r"\^(hl|rd)-[0-9a-f]{12}", r"^\1", shown) == WRITTEN


def test_repeats_change_nothing(notes: Markdown, folder: Path) -> None:
    items = [mark(), mark("other", pageno=9), stretch(), item("rating", rating=8), item("progress", percent=0.4)]
    give(notes, *items)
    once, at = only(folder).read_bytes(), only(folder).stat().st_mtime_ns

    give(Markdown(folder), *items, *items)

    assert (only(folder).read_bytes(), only(folder).stat().st_mtime_ns) == (once, at)


def test_edits_and_removals_are_reflected(notes: Markdown, folder: Path) -> None:
    give(notes, mark(), mark("gone", text="Gone"), item("rating", rating=8), stretch())

    give(notes, mark(text="Fear, again", note="new", chapter="Moved"), item("rating", rating=None))
    give(notes, Item("annotation", "gone", DUNE, {**FEAR, **TOMBSTONE}, EVENING))

    text = only(folder).read_text("utf-8")
    assert "Gone" not in text and "mind-killer" not in text and "rating" not in text and "Book One" not in text
    assert "### Moved\n\n> Fear, again\n>\n> **Note:** new\n" in text


def test_note_beside_the_book_is_the_same_highlight(notes: Markdown, folder: Path) -> None:
    give(notes, mark(note="both"), mark("fear/note", note="both"))
    give(notes, Item("annotation", "fear/note", DUNE, TOMBSTONE, EVENING))

    assert only(folder).read_text("utf-8").count("mind-killer") == 1


def test_place_of_the_device_that_read_last_is_told(notes: Markdown, folder: Path) -> None:
    give(notes, item("progress", "a", percent=0.5, minute=9), item("progress", "b", percent=0.2, minute=3))

    assert "progress: 50.0" in front(only(folder).read_text("utf-8"))


def test_removal_of_what_never_was_there_makes_no_file(notes: Markdown, folder: Path) -> None:
    give(notes, Item("annotation", "x", DUNE, TOMBSTONE, EVENING))

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_text_and_front_matter_of_the_reader_survive(notes: Markdown, folder: Path, ends: str) -> None:
    give(notes, mark(), item("rating", rating=8))
    path = only(folder)
    own = path.read_text("utf-8").replace("---\n", "---\n# mine\ntags:\n  - sf # and more\nplot: |\n  a: b\n\n", 1)
    own = own.replace("<!-- booklore:begin", "My view: #spice --- *yes*\n\n<!-- booklore:begin") + "\nAfterwards\n"
    path.write_bytes(own.replace("\n", ends).encode())

    give(Markdown(folder), mark("other", text="Another"), item("rating", rating=3))

    raw = path.read_bytes().decode()
    assert (raw.count("\r\n") == raw.count("\n")) is (ends == "\r\n")
    text = raw.replace("\r\n", "\n")
    assert "# mine\n" in text and "\ntags:\n  - sf # and more\nplot: |\n  a: b\n\n" in text
    assert "---\nMy view: #spice --- *yes*\n\n<!-- booklore:begin" in text
    assert text.endswith("<!-- booklore:end -->\n\nAfterwards\n")
    assert "rating: 3" in front(text) and "> Another\n" in text


def test_file_without_the_part_gets_it_below(notes: Markdown, folder: Path) -> None:
    (folder / "Notes on Dune.md").write_text(f"---\nbooklore_id: {MD5}\n---\nWritten before", "utf-8")

    give(notes, mark())

    text = only(folder).read_text("utf-8")
    assert "---\nWritten before\n<!-- booklore:begin" in text and "mind-killer" in text


@pytest.mark.parametrize("lost", ["begin", "end"])
def test_file_that_lost_a_mark_stays_as_it_is_and_is_told(notes: Markdown, folder: Path, lost: str) -> None:
    give(notes, mark())
    kept = re.sub(rf"<!-- booklore:{lost}.*\n", "", only(folder).read_text("utf-8")) + "mine"
    only(folder).write_text(kept, "utf-8")

    with pytest.raises(ItemFailed, match=r"Dune\.md has not one begin and one end mark"):
        give(notes, mark("other"))

    assert only(folder).read_text("utf-8") == kept


def test_nothing_in_a_text_breaks_the_note(notes: Markdown, folder: Path) -> None:
    title = 'Dune" : {x}\n---\nbooklore_id: "no'
    book = BookRef(MD5, title, ('A "B" C', "x: y"))
    give(notes, mark("odd", book, text=ODD, note=ODD, chapter=ODD), mark("fine", book, pageno=1))
    once = only(folder).read_text("utf-8")

    give(Markdown(folder), mark("odd", book, text=ODD, note=ODD, chapter=ODD), mark("fine", book, pageno=1))

    assert only(folder).read_text("utf-8") == once
    assert len(re.findall(r"^\^hl-", once, re.MULTILINE)) == len(re.findall(r"^### ", once, re.MULTILINE)) == 2
    assert once.count("\n<!-- booklore:end -->\n") == 1
    quoted = once[once.index("> \\# 1.") :].partition("\n^")[0].splitlines()
    assert all(line.startswith(">") for line in quoted if line)
    assert quoted[1:5] == ["> \\---", "> \\- so", "> \\> q", "> 2\\. y"]
    assert 'title: "Dune\\" : {x} --- booklore_id: \\"no"' in front(once)


def test_text_can_be_read_back_from_what_is_written(notes: Markdown, folder: Path) -> None:
    give(notes, mark(text=ODD))

    quoted = re.findall(r"^> (?!\*Page)(.+)$", only(folder).read_text("utf-8"), re.MULTILINE)

    assert "\n".join(re.sub(r"\\([!-/:-@[-`{-~])", r"\1", line) for line in quoted) == ODD


def test_a_year_of_highlights_is_written_in_one_go(notes: Markdown, folder: Path) -> None:
    year = [mark(f"m{number}", pageno=number, text=f"{number} " + "word * " * 400) for number in range(1, 601)]

    for start in range(0, 600, 100):
        notes.deliver_batch(year[start : start + 100])
    notes.deliver_batch([stretch(f"2026-01-01T00:{minute:02}:00Z") for minute in range(60)])

    text = only(folder).read_text("utf-8")
    assert [int(page) for page in re.findall(r"\*Page (\d+)", text)] == list(range(1, 601))
    assert notes.audit(DUNE, year) == []


def test_killed_while_writing_leaves_a_whole_file(notes: Markdown, folder: Path) -> None:
    give(notes, mark())
    program = f"""
import sys; from pathlib import Path; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_markdown import Markdown, mark
notes = Markdown(Path({str(folder)!r})); print("go", flush=True)
for number in range(10**6): notes.deliver_batch([mark(f"m{{number % 40}}", text=f"{{number}} " * 3000)])
"""
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        while only(folder).stat().st_size < 60_000:
            os.sched_yield()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()

        text = only(folder).read_text("utf-8")
        assert text.startswith("---\n") and text.endswith("<!-- booklore:end -->\n")
        give(Markdown(folder), mark(text="after it"))
        assert "after it" in only(folder).read_text("utf-8")


def test_file_that_is_not_utf_8_is_left_alone(notes: Markdown, folder: Path) -> None:
    (folder / "Dune.md").write_bytes(f"---\nbooklore_id: {MD5}\n---\nW\xfcste\n".encode("latin-1"))

    with pytest.raises(ItemFailed, match="no UTF-8"):
        give(notes, mark())


def test_what_is_missing_in_the_folder_is_found_out(notes: Markdown, folder: Path) -> None:
    given = [mark(), stretch(), mark("fear/note"), item("rating", rating=8)]
    give(notes, *given)
    assert notes.audit(DUNE, given) == []

    path = only(folder)
    path.write_text(re.sub(r"^- .*\n", "", path.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    assert [one.kind for one in notes.audit(DUNE, given)] == ["session"]
    path.unlink()
    assert [one.kind for one in notes.audit(DUNE, given)] == ["annotation", "session", "rating"]


def test_reading_becomes_a_note_once_the_folder_is_set(open_core: Callable[..., Core], folder: Path) -> None:
    core = open_core(plugins=("sessions", "progress", "annotations", "markdown"))
    assert "markdown" not in core.targets
    core.settings.set("markdown.folder", str(folder))
    core.refresh()
    reader = SampleReader()

    reader.open(sample_book("Dune"))
    reader.turn(12)
    reader.close(
        annotations=[{"datetime": "2026-11-20 13:41:02", "pos0": "/p[1].0", "pos1": "/p[1].9", "text": "Spice"}]
    )
    core.take(reader.lines, "test")
    report = core.sync()

    assert report.total("delivered") == {"session": 1, "annotation": 1, "progress": 1}
    assert "> Spice\n" in only(folder).read_text("utf-8")
    with pytest.raises(ValueError, match="expected the full path"):
        core.settings.set("markdown.folder", "Books")
