"""Books that leave the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ereader import BOOKS, EReader

DUNE = f"{BOOKS}/dune.epub"


def read_dune(reader: EReader) -> None:
    reader.open()
    reader.close()


def on_disk(reader: EReader, file: str = DUNE) -> Path:
    return reader.root / file.lstrip("/")


def told(reader: EReader) -> list[dict[str, Any]]:
    return [line["book"] for line in reader.spool("delete")]


def test_a_deleted_book_is_told_before_its_sidecar_is_gone(reader: EReader) -> None:
    read_dune(reader)
    on_disk(reader).unlink()
    reader.ko.doc_settings.updateLocation(DUNE)

    (book,) = told(reader)
    assert (book["title"], book["file"], book["pages"]) == ("Dune", DUNE, 100)
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


def test_a_sidecar_that_cannot_be_read_costs_the_event_and_nothing_else(reader: EReader) -> None:
    read_dune(reader)
    reader.ko.doc_settings.findSidecarFile = reader.lua.eval("function() error('unreadable') end")
    on_disk(reader).unlink()
    reader.ko.doc_settings.updateLocation(DUNE)

    assert told(reader) == []
    assert reader.ko.original_calls == 1
    assert any("BookLore Sync:" in line for line in reader.log())


def test_a_file_that_is_still_there_was_not_deleted(reader: EReader) -> None:
    read_dune(reader)
    reader.ko.doc_settings.updateLocation(DUNE)

    assert told(reader) == []


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

    assert told(reader) == []
    assert reader.ko.original_calls == 3
