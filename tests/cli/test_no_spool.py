"""`booklore ingest` of something that is no spool: it says so, and takes nothing in."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cli_world import Booklore

from booklore_core.testing import small_epub

PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in</body></html>\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(range(256)) * 4


def sqlite_file(folder: Path) -> bytes:
    with closing(sqlite3.connect(folder / "made.sqlite")) as database:
        database.execute("CREATE TABLE page_stat_data (id_book INTEGER)")
        database.commit()
    return (folder / "made.sqlite").read_bytes()


SHORT = {
    "letters": b"hello",
    "line": b"hello\n",
    "table": b"a,b\n1,2\n",
    "object": b'{"a":1}\n',
    "settings": b'-- KOReader\nreturn {\n    ["device"] = {\n        ["id"] = "kobo-1",\n    },\n}\n',
}
"""Files of a few lines, or of none that has an end."""


@pytest.mark.parametrize("kind", ["epub", "jpeg", "sqlite", "html", "empty", "folder", *SHORT])
def test_what_is_no_spool_is_told_and_nothing_of_it_is_taken(booklore: Booklore, tmp_path: Path, kind: str) -> None:
    contents = {"epub": small_epub("Dune"), "jpeg": JPEG, "html": PAGE.encode(), "empty": b"", **SHORT}
    file = tmp_path / f"a {kind}"
    if kind == "folder":
        file.mkdir()
    else:
        file.write_bytes(sqlite_file(tmp_path) if kind == "sqlite" else contents[kind])

    ran = booklore("ingest", file, "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith(f"booklore: {file}")
    assert booklore("quarantine", "list", "--json").json == []


def test_a_spool_of_one_line_that_is_torn_off_waits_for_the_next_hand_over(booklore: Booklore, tmp_path: Path) -> None:
    (tmp_path / "a spool").write_bytes(b'{"v":1,"id":"kobo-1-000001","ev')

    ran = booklore("ingest", tmp_path / "a spool")

    assert (ran.code, ran.out) == (0, "0 lines taken, 0 known already\n")
    assert "line 1 is torn off; it is kept for the next hand-over" in ran.err
