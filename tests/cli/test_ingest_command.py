"""`booklore ingest`."""

import os
import sqlite3
from pathlib import Path

from cli_world import Booklore, Spool

from booklore_core.testing import SampleReader, sample_book, small_epub


def test_spool_is_taken_once(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    reader.read(sample_book())

    first, second = booklore("ingest", spool(), "--json"), booklore("ingest", spool(), "--json")

    assert (first.code, first.json) == (0, {"accepted": 2, "repeated": 0, "rejected": []})
    assert (second.code, second.json) == (0, {"accepted": 0, "repeated": 2, "rejected": []})


def test_people_are_told_how_many_lines_were_taken(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    reader.read(sample_book())

    assert booklore("ingest", spool()).out == "2 lines taken, 0 known already\n"


def test_what_a_pipe_brings_is_not_lost_without_a_word(booklore: Booklore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    ran = booklore("ingest", tmp_path / "pipe")

    assert ran.code == 1
    assert "is a pipe; nothing was taken: give what comes of it to `booklore ingest -`" in ran.err


def test_bad_lines_are_reported_by_their_number_and_good_ones_are_taken(
    booklore: Booklore, reader: SampleReader, tmp_path: Path, home: Path
) -> None:
    good = [line.encode() for line in spool_lines(reader)]
    path = tmp_path / "spool"
    path.write_bytes(b"\n".join([b"", good[0], b"  ", b"no json", b'{"v":1,"id":"\xff\\"}', good[1], b'{"v":2}', b""]))

    ran = booklore("ingest", path, "--json")

    assert ran.code == 1
    assert ran.json["accepted"] == 2
    assert [one["line"] for one in ran.json["rejected"]] == [4, 5, 7]
    assert all(set(one) == {"line", "error"} for one in ran.json["rejected"])
    assert [one["error"].partition(":")[0] for one in ran.json["rejected"]] == ["line", "line", "v"]
    assert "UTF-8" in ran.json["rejected"][1]["error"]
    assert quarantined(home) == 3


def spool_lines(reader: SampleReader) -> list[str]:
    reader.read(sample_book())
    return reader.spool().splitlines()


def quarantined(home: Path) -> int:
    with sqlite3.connect(home / "booklore.sqlite") as database:
        return int(database.execute("SELECT COUNT(*) FROM quarantine").fetchone()[0])


def test_torn_last_line_is_kept_for_the_next_hand_over(
    booklore: Booklore, reader: SampleReader, tmp_path: Path, home: Path
) -> None:
    first, second = spool_lines(reader)
    path = tmp_path / "spool"

    path.write_text(f"{first}\n{second[:50]}")
    torn = booklore("ingest", path, "--json")
    path.write_text(f"{first}\n{second}")
    whole = booklore("ingest", path, "--json")

    assert (torn.code, torn.json) == (0, {"accepted": 1, "repeated": 0, "rejected": []})
    assert "line 2 is torn off" in torn.err
    assert (whole.code, whole.json) == (0, {"accepted": 1, "repeated": 1, "rejected": []})
    assert quarantined(home) == 0


def test_last_line_torn_within_a_letter_is_kept_as_well(booklore: Booklore, tmp_path: Path) -> None:
    path = tmp_path / "spool"
    path.write_bytes('{"v":1,"title":"Žižk'.encode()[:-4])

    assert booklore("ingest", path, "--json").json == {"accepted": 0, "repeated": 0, "rejected": []}


def test_standard_input_is_a_file_too(booklore: Booklore, reader: SampleReader) -> None:
    reader.read(sample_book())

    ran = booklore("ingest", "-", "--json", stdin=reader.spool())

    assert (ran.code, ran.json["accepted"]) == (0, 2)


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(
    booklore: Booklore, reader: SampleReader, tmp_path: Path
) -> None:
    path = tmp_path / "spool"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(spool_lines(reader)).encode() + b"\r\n")

    assert booklore("ingest", path, "--json").json == {"accepted": 2, "repeated": 0, "rejected": []}


def test_of_several_files_each_rejected_line_names_its_own(booklore: Booklore, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text('{"v":bad\n')
    other.write_text('\n{"v":bad too\n')

    ran = booklore("ingest", one, other, "--json")

    assert [(line["file"], line["line"]) for line in ran.json["rejected"]] == [(str(one), 1), (str(other), 2)]


def test_missing_file_is_told_in_one_line_before_anything_is_taken(
    booklore: Booklore, reader: SampleReader, spool: Spool, tmp_path: Path, home: Path
) -> None:
    reader.read(sample_book())

    ran = booklore("ingest", spool(), tmp_path / "nowhere", "--json")

    assert ran.code == 1
    assert ran.out == ""
    assert ran.err == f"booklore: {tmp_path / 'nowhere'}: No such file or directory\n"
    assert not home.exists()


def test_a_folder_stands_for_its_files_in_their_order(booklore: Booklore, reader: SampleReader, tmp_path: Path) -> None:
    first, second = spool_lines(reader)
    third, fourth = spool_lines(reader)[2:]
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "00000002-1.jsonl").write_text(f"{fourth}\n")
    (folder / "00000001-3.jsonl").write_text(f"{first}\n{second}\n{third}\n")
    (folder / "note.txt").write_text("nothing of a reader's")

    ran = booklore("ingest", folder, "--json")

    assert (ran.code, ran.json) == (0, {"accepted": 4, "repeated": 0, "rejected": []})


def test_of_a_folders_files_each_rejected_line_names_its_own(booklore: Booklore, tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text("bad\n")
    (tmp_path / "2.jsonl").write_text("\nbad too\n")

    ran = booklore("ingest", tmp_path, "--json")

    files = [(line["file"], line["line"]) for line in ran.json["rejected"]]
    assert files == [(str(tmp_path / "1.jsonl"), 1), (str(tmp_path / "2.jsonl"), 2)]


def test_a_folder_without_a_spool_is_told(booklore: Booklore, tmp_path: Path) -> None:
    ran = booklore("ingest", tmp_path)

    assert ran.code == 1
    assert ran.err == f"booklore: {tmp_path}: there is no spool file (*.jsonl) in this folder\n"


def test_every_missing_file_is_named(booklore: Booklore, tmp_path: Path) -> None:
    ran = booklore("ingest", tmp_path / "a", tmp_path / "b")

    assert ran.code == 1
    assert f"{tmp_path / 'a'}: No such file" in ran.err and f"{tmp_path / 'b'}: No such file" in ran.err


def test_line_that_never_ends_is_rejected_and_the_next_one_taken(
    booklore: Booklore, reader: SampleReader, tmp_path: Path
) -> None:
    first, second = spool_lines(reader)
    path = tmp_path / "spool"
    path.write_text(f"{first}\n{'x' * (17 * 1024 * 1024)}\n{second}\n")

    ran = booklore("ingest", path, "--json")

    assert ran.json["accepted"] == 2
    assert [one["line"] for one in ran.json["rejected"]] == [2]
    assert "longer than" in ran.json["rejected"][0]["error"]


def test_numbers_go_on_beyond_the_first_thousand_lines(booklore: Booklore, tmp_path: Path) -> None:
    path = tmp_path / "spool"
    path.write_text("\n" * 50 + '{"v":bad\n' + "\n" * 1500 + '{"v":worse\n')

    assert [one["line"] for one in booklore("ingest", path, "--json").json["rejected"]] == [51, 1552]


def test_half_a_letter_in_a_title_does_not_hold_up_the_spool(
    booklore: Booklore, reader: SampleReader, spool: Spool
) -> None:
    reader.read({**sample_book("Dune"), "title": "half a \ud83d letter"})
    reader.read(sample_book("a whole \U0001f600 one"))

    ran = booklore("ingest", spool(), "--json")

    assert (ran.code, ran.json["accepted"]) == (0, 4)
    assert {one["book"] for one in booklore("status", "--json").json["waiting"]} == {
        "half a \ufffd letter",
        "a whole \U0001f600 one",
    }


def test_of_very_many_rejected_lines_the_first_are_listed_and_all_counted(booklore: Booklore, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text('{"v":bad\n' * 700)
    other.write_text('{"v":worse\n' * 1500)

    ran = booklore("ingest", one, other, "--json")

    listed = [(line["file"], line["line"]) for line in ran.json["rejected"]]
    assert ran.code == 1
    assert listed == [(str(one), n) for n in range(1, 701)] + [(str(other), n) for n in range(1, 301)]
    assert ran.err == "booklore: 1200 more lines were rejected, 2200 in all\n"


def test_a_file_that_is_no_spool_is_refused_in_one_line(booklore: Booklore, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("# A title\n\n" + "Some words about it.\n" * 150)

    ran = booklore("ingest", path, "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert f"{path} is no spool file: it tells nothing" in ran.err
    assert not home.exists()


def test_a_book_is_no_spool_either(booklore: Booklore, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "emma.epub"
    path.write_bytes(small_epub("Emma"))

    ran = booklore("ingest", path)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert f"{path} is no spool file" in ran.err
    assert not home.exists()


def test_a_spool_that_ends_in_zeros_is_taken_all_the_same(
    booklore: Booklore, reader: SampleReader, tmp_path: Path
) -> None:
    path = tmp_path / "spool"
    path.write_bytes("\n".join([*spool_lines(reader), ""]).encode() + bytes(512) + b"\n")

    assert booklore("ingest", path, "--json").json["accepted"] == 2


def test_a_spool_whose_beginning_is_damaged_is_taken_all_the_same(
    booklore: Booklore, reader: SampleReader, tmp_path: Path
) -> None:
    path = tmp_path / "spool"
    path.write_text("\n".join(["torn"] * 9 + spool_lines(reader)) + "\n")

    ran = booklore("ingest", path, "--json")

    assert (ran.json["accepted"], len(ran.json["rejected"])) == (2, 9)


def test_files_that_were_joined_with_their_byte_order_marks_are_one_spool(
    booklore: Booklore, reader: SampleReader, tmp_path: Path
) -> None:
    path = tmp_path / "spool"
    path.write_bytes(b"".join(b"\xef\xbb\xbf" + line.encode() + b"\r\n" for line in spool_lines(reader)))

    assert booklore("ingest", path, "--json").json == {"accepted": 2, "repeated": 0, "rejected": []}


def test_what_is_wrong_with_a_line_is_told_in_words(booklore: Booklore, tmp_path: Path) -> None:
    book = '"book":{"partial_md5":"XYZ"}'
    bad = {
        '{"v":1,"id"': "it is no JSON, from character 12 on",
        "[1]": "it is JSON, but no object with the fields of a line",
        '{"id":"a-1"}': "its v is missing, and this program reads lines of version 1",
        '{"v":1,"id":"a-1"}': "its event is missing",
        '{"v":2,"id":"a-1"}': "its v is 2, and this program reads lines of version 1",
        line_of(event='"dance"'): "it tells of the unknown event 'dance'; a newer version may know it",
        line_of(id='""'): "its id is no text of 1 to 200 letters",
        line_of(device="5"): "its device is no text of 1 to 200 letters",
        line_of(at='"today"'): "its at is wrong: expected UTC time such as 2026-11-20T14:00:00Z",
        line_of(event='"book_open"'): "its book is missing",
        line_of(event='"delete"', more=',"book":7'): "its book cannot be read",
        line_of(event='"delete"', more=f",{book}"): "its book.partial_md5 is wrong: expected 32 hex digits",
    }
    path = tmp_path / "spool"
    path.write_text("\n".join(bad) + "\n")

    told = booklore("ingest", path).err.splitlines()

    assert told == [f"booklore: line {number} rejected: {why}" for number, why in enumerate(bad.values(), start=1)]


def line_of(more: str = "", **fields: str) -> str:
    known = {"id": '"a-1"', "event": '"network_connected"', "at": '"2026-11-20T14:00:00Z"', "device": '"a"'}
    told = ",".join(f'"{name}":{value}' for name, value in {**known, **fields}.items())
    return f'{{"v":1,{told}{more}}}'
