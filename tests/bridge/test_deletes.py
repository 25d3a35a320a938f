"""Books that leave the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ereader import BOOKS, EReader

DAY = 24 * 3600
DUNE = f"{BOOKS}/dune.epub"


def read_dune(reader: EReader) -> None:
    reader.open()
    reader.close()


def on_disk(reader: EReader, file: str = DUNE) -> Path:
    return reader.root / file.lstrip("/")


def told(reader: EReader) -> list[dict[str, Any]]:
    return [line["book"] for line in reader.spool("delete")]


def look_around(reader: EReader, later: float) -> None:
    reader.wall += later
    reader.ko.file_manager()


def test_a_deleted_book_is_told_before_its_sidecar_is_gone(reader: EReader) -> None:
    read_dune(reader)
    on_disk(reader).unlink()
    reader.ko.doc_settings.updateLocation(DUNE)

    (book,) = told(reader)
    assert (book["title"], book["file"], book["size"]) == ("Dune", DUNE, 6)
    assert book["partial_md5"] == "e05f384d9923259355f79a6bf9125710"
    assert reader.ko.original_calls == 1


def test_the_hook_is_set_once_however_many_instances_there_were(reader: EReader) -> None:
    for _ in range(3):
        read_dune(reader)
    on_disk(reader).unlink()
    reader.ko.doc_settings.updateLocation(DUNE)

    assert len(told(reader)) == 1
    assert reader.ko.original_calls == 1


def test_a_book_the_shim_never_saw_open_is_told_from_its_sidecar(reader: EReader) -> None:
    reader.ko.doc_settings.sidecars[f"{BOOKS}/old.pdf"] = reader.table({"partial_md5_checksum": "a" * 32})
    reader.ko.doc_settings.updateLocation(f"{BOOKS}/old.pdf")

    assert [book["partial_md5"] for book in told(reader)] == ["a" * 32]


def test_a_sidecar_that_cannot_be_read_leaves_the_ledger(reader: EReader) -> None:
    read_dune(reader)
    reader.restart()
    reader.ko.doc_settings.findSidecarFile = reader.lua.eval("function() error('unreadable') end")
    on_disk(reader).unlink()
    reader.ko.doc_settings.updateLocation(DUNE)

    assert [book["title"] for book in told(reader)] == ["Dune"]
    assert reader.ko.original_calls == 1


def test_a_book_without_a_digest_is_not_told(reader: EReader) -> None:
    reader.ko.doc_settings.updateLocation(f"{BOOKS}/never-opened.epub")

    assert told(reader) == []


def test_renames_moves_and_copies_are_no_deletions(reader: EReader) -> None:
    read_dune(reader)
    reader.ko.doc_settings.updateLocation(DUNE, DUNE)
    reader.put_book("copy.epub")
    reader.ko.doc_settings.updateLocation(DUNE, f"{BOOKS}/copy.epub", True)
    on_disk(reader).rename(on_disk(reader, f"{BOOKS}/renamed.epub"))
    reader.ko.doc_settings.updateLocation(DUNE, f"{BOOKS}/renamed.epub")
    look_around(reader, later=0)
    look_around(reader, later=2 * DAY)

    assert told(reader) == []


def test_a_book_that_vanished_over_usb_is_told_after_a_day(reader: EReader) -> None:
    read_dune(reader)
    on_disk(reader).unlink()
    look_around(reader, later=0)
    look_around(reader, later=DAY / 2)
    assert told(reader) == []

    look_around(reader, later=DAY)
    look_around(reader, later=DAY)
    assert [book["title"] for book in told(reader)] == ["Dune"]


def test_a_book_that_was_moved_over_usb_is_found_again(reader: EReader) -> None:
    read_dune(reader)
    on_disk(reader, f"{BOOKS}/shelf").mkdir()
    on_disk(reader).rename(on_disk(reader, f"{BOOKS}/shelf/dune (1).epub"))
    look_around(reader, later=0)
    look_around(reader, later=2 * DAY)

    assert told(reader) == []


def test_a_card_that_is_not_mounted_deletes_nothing(reader: EReader) -> None:
    reader.open("card/dune.epub")
    reader.close()
    on_disk(reader, f"{BOOKS}/card/dune.epub").unlink()
    on_disk(reader, f"{BOOKS}/card").rmdir()
    look_around(reader, later=0)
    look_around(reader, later=2 * DAY)

    assert told(reader) == []


def test_a_book_that_came_back_in_time_is_not_told(reader: EReader) -> None:
    read_dune(reader)
    on_disk(reader).unlink()
    look_around(reader, later=0)
    reader.put_book("dune.epub")
    look_around(reader, later=DAY)
    on_disk(reader).unlink()
    look_around(reader, later=DAY)

    assert told(reader) == []
