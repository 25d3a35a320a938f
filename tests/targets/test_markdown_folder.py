"""Where in the folder a book's note is: its name, and how it is found again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from notes_world import DUNE, MD5, give, mark, only

from booklore_core import BookRef, ItemFailed, TargetUnavailable
from booklore_targets.markdown import Markdown


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Books").mkdir()
    return tmp_path / "Books"


@pytest.fixture
def notes(folder: Path) -> Markdown:
    return Markdown(folder)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The notes that were opened."""
    names, is_on = list[str](), [True]

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and is_on and str(arguments[0]).endswith(".md"):
            names.append(Path(str(arguments[0])).name)

    sys.addaudithook(note)  # it cannot be taken away again
    yield names
    is_on.clear()


def test_file_is_found_again_wherever_the_reader_has_put_it(notes: Markdown, folder: Path) -> None:
    give(notes, mark())
    (folder / "sf").mkdir()
    (folder / ".trash").mkdir()
    moved = only(folder).rename(folder / "sf" / "Der Wüstenplanet.md")
    (folder / ".trash" / "Dune.md").write_bytes(moved.read_bytes())

    give(notes, mark("other"), mark("third"))

    assert moved.read_text("utf-8").count("mind-killer") == 3
    assert not (folder / "Dune.md").exists()


def test_folder_is_looked_through_once_a_run(notes: Markdown, folder: Path, opened: list[str]) -> None:
    for number in range(100):
        (folder / f"Mine {number}.md").write_text("my own note", "utf-8")
    books = [BookRef(f"{number:08x}" * 4, "Poems") for number in range(20)]
    opened.clear()

    for book in books:
        give(notes, mark(book=book), mark("two", book=book))
    first, mine = len(opened), [name for name in opened if name.startswith("Mine")]
    notes.close()
    (folder / "sf").mkdir()
    moved = (folder / f"Poems ({books[7].partial_md5[:8]}).md").rename(folder / "sf" / "Verses.md")
    opened.clear()
    give(notes, mark("three", book=books[7]), mark(book=DUNE))

    assert len(mine) == 100
    assert first < 300
    assert moved.read_text("utf-8").count("mind-killer") == 3
    assert len(opened) < 250


def test_file_that_is_moved_during_a_run_is_found(notes: Markdown, folder: Path) -> None:
    give(notes, mark(), mark(book=BookRef("f" * 32, "Emma")))
    moved = (folder / "Emma.md").rename(folder / "Emma by Jane Austen.md")

    give(notes, mark("other", BookRef("f" * 32, "Emma")))
    moved = moved.rename(folder / "Jane Austen, Emma.md")
    give(notes, mark("third", BookRef("f" * 32, "Emma")))

    assert sorted(path.name for path in folder.iterdir()) == ["Dune.md", "Jane Austen, Emma.md"]
    assert moved.read_text("utf-8").count("mind-killer") == 3


def test_books_of_one_title_and_notes_of_the_reader_keep_apart(notes: Markdown, folder: Path) -> None:
    (folder / "Dune.md").write_text("my own note", "utf-8")
    other = BookRef("f" * 32, "Dune")

    for _ in range(2):
        give(notes, mark(), mark(book=other))

    assert sorted(path.name for path in folder.iterdir()) == ["Dune (01234567).md", "Dune (ffffffff).md", "Dune.md"]
    assert (folder / "Dune.md").read_text("utf-8") == "my own note"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ('AC/DC: \\ a * "b" <c> | d?', "AC DC a b c d"),
        ("../../etc/passwd", "etc passwd"),
        ("CON", "CON_"),
        ("nul.txt", "nul.txt_"),
        ("Dune\n\t #1 [x]^", "Dune 1 x"),
        ("...", MD5[:8]),
        (None, MD5[:8]),
        ("Cafe\u0301 砂の惑星 😀 ‏דיונה", "Café 砂の惑星 😀 ‏דיונה"),
        (" trailing. ", "trailing"),
        ("砂" * 300, "砂" * 60),
    ],
)
def test_any_title_makes_a_sound_file_name(notes: Markdown, folder: Path, title: str | None, name: str) -> None:
    give(notes, mark(book=BookRef(MD5, title)), mark("two", book=BookRef(MD5, title)))

    assert [path.name for path in folder.rglob("*")] == [f"{name}.md"]
    assert [path.name for path in folder.parent.iterdir()] == ["Books"]


def test_file_that_was_made_read_only_stays_as_it_is_and_is_told(notes: Markdown, folder: Path) -> None:
    give(notes, mark())
    only(folder).chmod(0o444)
    kept = only(folder).read_bytes()
    give(notes, mark())  # it has that

    with pytest.raises(ItemFailed, match=r"Dune\.md is read-only"):
        give(notes, mark("other"))
    assert only(folder).read_bytes() == kept

    only(folder).chmod(0o640)
    give(notes, mark("other"))
    assert (only(folder).read_text("utf-8").count("mind-killer"), only(folder).stat().st_mode & 0o777) == (2, 0o640)


def test_folder_that_is_away_is_waited_for(tmp_path: Path) -> None:
    notes = Markdown(tmp_path / "mount" / "Books")

    with pytest.raises(TargetUnavailable, match="is not there") as away:
        give(notes, mark())

    assert not away.value.maybe_sent
    assert not (tmp_path / "mount").exists()
    assert [one.ok for one in notes.check()] == [False]
