"""Books that leave the device: the right ones are told, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ereader import BOOKS, EReader

DUNE = f"{BOOKS}/dune.epub"
DUNE_MD5 = "e05f384d9923259355f79a6bf9125710"
LOCATIONS = ["doc", "dir", "hash"]


def read_dune(reader: EReader, name: str = "dune.epub") -> None:
    reader.open(name)
    reader.close()


def on_disk(reader: EReader, file: str = DUNE) -> Path:
    return reader.root / file.lstrip("/")


def told(reader: EReader) -> list[dict[str, Any]]:
    return [line["book"] for line in reader.spool("delete")]


def names(reader: EReader) -> list[str]:
    return sorted(book["file"].removeprefix(f"{BOOKS}/") for book in told(reader))


def select(reader: EReader, *files: str) -> None:
    reader.ko.ui.selected_files = reader.table(dict.fromkeys(files, True))
    reader.ko.ui.deleteSelectedFiles(reader.ko.ui)


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_deleted_book_is_told(reader: EReader, location: str) -> None:
    reader.ko.doc_settings.location = location
    read_dune(reader)
    reader.delete(DUNE)

    (book,) = told(reader)
    assert (book["title"], book["file"], book["pages"]) == ("Dune", DUNE, 100)
    assert book["partial_md5"] == DUNE_MD5
    assert reader.ko.original_calls == 1


@pytest.mark.parametrize("location", LOCATIONS)
def test_the_read_books_of_a_deleted_folder_are_told(reader: EReader, location: str) -> None:
    reader.ko.doc_settings.location = location
    read_dune(reader, "scifi/dune.epub")
    read_dune(reader, "scifi/old/dune.epub")
    read_dune(reader, "scifi2/dune.epub")
    reader.put_book("scifi/unread.epub", b"b book")
    reader.delete(f"{BOOKS}/scifi")

    assert names(reader) == ["scifi/dune.epub", "scifi/old/dune.epub"]
    assert {book["partial_md5"] for book in told(reader)} == {DUNE_MD5}


def test_a_folder_that_was_read_in_before_a_restart_is_told(reader: EReader) -> None:
    read_dune(reader, "scifi/dune.epub")
    reader.restart()
    reader.delete(f"{BOOKS}/scifi")

    assert [(book["title"], book["partial_md5"]) for book in told(reader)] == [("Dune", DUNE_MD5)]


def test_a_folder_with_books_the_shim_never_saw_open_is_told_from_their_sidecars(reader: EReader) -> None:
    old = reader.put_book("old/dune.pdf")
    reader.ko.doc_settings.keep(old, reader.table({"partial_md5_checksum": DUNE_MD5}))
    reader.delete(f"{BOOKS}/old")

    assert [book["partial_md5"] for book in told(reader)] == [DUNE_MD5]


def test_books_that_are_selected_and_deleted_are_told(reader: EReader) -> None:
    read_dune(reader, "one.epub")
    read_dune(reader, "two.epub")
    three = reader.put_book("three.epub")
    select(reader, f"{BOOKS}/one.epub", f"{BOOKS}/two.epub", three)

    assert names(reader) == ["one.epub", "two.epub"]


def test_another_book_at_the_same_path_is_deleted_under_its_own_name(reader: EReader) -> None:
    read_dune(reader)
    reader.put_book("dune.epub", b"b book")
    reader.open()
    reader.close()
    reader.delete(DUNE)

    opened = [line["book"]["partial_md5"] for line in reader.spool("book_open")]
    assert opened[0] == DUNE_MD5 != opened[1]
    assert [book["partial_md5"] for book in told(reader)] == [opened[1]]


@pytest.mark.parametrize("location", ["doc", "dir"])
@pytest.mark.parametrize("how", ["alone", "selected", "with its folder"])
def test_another_book_that_was_never_opened_is_not_taken_for_the_one_before(
    reader: EReader, location: str, how: str
) -> None:
    reader.ko.doc_settings.location = location
    read_dune(reader, "in/dune.epub")
    file = reader.put_book("in/dune.epub", b"b book")  # the same size, and perhaps within the same second
    if how == "selected":
        select(reader, file)
    else:
        reader.delete(file if how == "alone" else f"{BOOKS}/in")

    assert not on_disk(reader, file).exists()
    assert told(reader) == []


def test_a_book_that_koreader_wrote_highlights_into_is_told_under_the_name_it_was_read_under(reader: EReader) -> None:
    reader.open("paper.pdf", paged=True, progress=1)
    file = reader.put_book("paper.pdf", b"a book, with highlights in it")
    reader.close()
    reader.restart()
    reader.delete(file)

    assert [book["partial_md5"] for book in told(reader)] == [DUNE_MD5]


def test_a_book_that_was_gone_before_its_folder_is_not_told(reader: EReader) -> None:
    read_dune(reader, "in/dune.epub")
    reader.put_book("in/other.epub")
    on_disk(reader, f"{BOOKS}/in/dune.epub").unlink()
    reader.delete(f"{BOOKS}/in")

    assert told(reader) == []


def test_a_book_that_could_not_be_deleted_is_not_told(reader: EReader) -> None:
    read_dune(reader)
    reader.lua.execute("os.remove = function() return nil, 'read-only' end")
    reader.delete(DUNE)

    assert told(reader) == []


def test_the_hooks_are_set_once_however_many_instances_there_were(reader: EReader) -> None:
    for _ in range(3):
        read_dune(reader)
    reader.delete(DUNE)

    assert len(told(reader)) == 1
    assert reader.ko.original_calls == 1


def test_a_sidecar_that_cannot_be_read_costs_the_event_and_nothing_else(reader: EReader) -> None:
    read_dune(reader)
    reader.ko.doc_settings.findSidecarFile = reader.lua.eval("function() error('unreadable') end")
    reader.delete(DUNE)

    assert told(reader) == [] and not on_disk(reader).exists()
    assert any("BookLore Sync:" in line for line in reader.log())


def test_a_book_without_a_digest_is_not_told(reader: EReader) -> None:
    reader.delete(reader.put_book("never-opened.epub"))

    assert told(reader) == []


def test_renames_moves_and_copies_are_no_deletions(reader: EReader) -> None:
    read_dune(reader)
    reader.ko.doc_settings.updateLocation(DUNE, DUNE)
    reader.put_book("copy.epub")
    reader.ko.doc_settings.updateLocation(DUNE, f"{BOOKS}/copy.epub", True)
    on_disk(reader).rename(on_disk(reader, f"{BOOKS}/renamed.epub"))
    reader.ko.doc_settings.updateLocation(DUNE, f"{BOOKS}/renamed.epub")

    assert told(reader) == []
    assert reader.ko.original_calls == 3


def test_a_renamed_folder_is_no_deletion_and_its_books_are_told_when_they_go(reader: EReader) -> None:
    read_dune(reader, "in/dune.epub")
    on_disk(reader, f"{BOOKS}/in").rename(on_disk(reader, f"{BOOKS}/out"))
    sidecars = reader.ko.doc_settings.sidecars
    sidecars[f"{BOOKS}/out/dune.epub"], sidecars[f"{BOOKS}/in/dune.epub"] = sidecars[f"{BOOKS}/in/dune.epub"], None
    assert told(reader) == []
    reader.delete(f"{BOOKS}/out")

    assert names(reader) == ["out/dune.epub"]


def test_what_something_else_deletes_is_told_as_it_was_last_open(reader: EReader) -> None:
    read_dune(reader)
    reader.put_book("dune.epub", b"b book")
    read_dune(reader)
    on_disk(reader).unlink()
    reader.ko.doc_settings.updateLocation(DUNE)

    assert [book["partial_md5"] for book in told(reader)] == [reader.spool("book_open")[1]["book"]["partial_md5"]]


def test_what_something_else_deletes_and_the_shim_never_saw_is_told_from_its_sidecar(reader: EReader) -> None:
    reader.ko.doc_settings.keep(f"{BOOKS}/old.pdf", reader.table({"partial_md5_checksum": "a" * 32}))
    reader.ko.doc_settings.updateLocation(f"{BOOKS}/old.pdf")

    assert [book["partial_md5"] for book in told(reader)] == ["a" * 32]


def test_what_is_remembered_of_books_stays_bounded_and_keeps_the_last_ones(reader: EReader) -> None:
    read_dune(reader)
    line = reader.setting("books").read_text().strip()
    many = (line.replace("dune.epub", f"{'x' * 300}{i}.epub") for i in range(1500))
    reader.setting("books").write_text("\n".join([*many, '{"book":torn', line]) + "\n")
    reader.open("emma.epub")
    reader.close()

    *_, last, emma = kept = list(filter(None, reader.setting("books").read_text().split("\n")))
    assert last == line and "emma.epub" in emma and kept[0].startswith('{"book":{')
    assert 128 * 1024 < reader.setting("books").stat().st_size <= 256 * 1024
    reader.put_book("dune.epub", b"b book")
    reader.delete(DUNE)
    assert told(reader) == []


def test_a_book_that_is_opened_again_and_again_is_written_down_once(reader: EReader) -> None:
    for _ in range(20):
        read_dune(reader)

    assert len(reader.setting("books").read_text().strip().splitlines()) == 1


def test_with_sync_off_nothing_is_remembered(reader: EReader) -> None:
    reader.ko.gesture("booklore_toggle_sync")
    read_dune(reader)

    assert not reader.setting("books").exists()
