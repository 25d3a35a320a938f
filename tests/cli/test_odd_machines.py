"""Machines as people have them: odd folder names, consoles without Unicode, files that Notepad saved."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Booklore, Spool, book_on

from booklore_core.cli import run
from booklore_core.testing import BookLoreServer, SampleReader, sample_book

PASSWORD = "correct horse"


@pytest.mark.parametrize("name", ["100%", "%20b", "a?b=1", "a %41?mode=memory", "what?", "#1", "ü@host:80", "a&b;c"])
def test_whatever_the_data_folder_is_called_the_data_lies_in_it(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, name: str,
) -> None:  # fmt: skip
    above = tmp_path / "above"
    monkeypatch.setenv("BOOKLORE_HOME", str(above / name))
    reader.read(book_on(account, "Dune"))

    booklore("ingest", spool())
    synced = booklore("sync", "--json")

    assert synced.json["delivered"] == {"session": 1}
    assert booklore("status", "--json").json["synced"] == {"session": 1}
    assert [path.name for path in above.iterdir()] == [name]
    assert (above / name / "booklore.sqlite").stat().st_size > 0
    assert booklore("doctor", "--json").code == 0
    assert booklore("reset", "--yes").code == 0
    assert not (above / name / "booklore.sqlite").exists()


def on_a_plain_console(encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-m", "booklore_core", *arguments], capture_output=True, env=environ)


COMMANDS = [
    ("status",), ("status", "--json"), ("match",), ("match", "--json"), ("match", "Zażółć", "1"), ("verify",),
    ("doctor",), ("config", "show"), ("plugins", "list"), ("quarantine", "list"), ("sync",), ("-v", "sync"),
    ("config", "set", "booklore.url", "gęś"), ("ingest", "gęś.jsonl"), ("--help",), ("track", "zz", "off"),
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_console_without_the_letters_of_a_title_shows_question_marks(
    booklore: Booklore, reader: SampleReader, spool: Spool, encoding: str, command: tuple[str, ...]
) -> None:
    reader.read(sample_book("Zażółć gęślą jaźń"))
    booklore("ingest", spool())

    ran = on_a_plain_console(encoding, *command)

    told = ran.stdout + ran.stderr
    assert b"Traceback" not in told
    assert b"Logging error" not in told
    assert told.decode(encoding)
    if "--json" in command:
        assert json.loads(ran.stdout.decode(encoding))


@pytest.mark.parametrize(("encoding", "title"), [("cp1252", b"Za?\xf3?? g??l? ja??"), ("ascii", b"Za???? g??l? ja??")])
def test_status_on_a_plain_console_names_the_book_as_far_as_it_can(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, encoding: str, title: bytes
) -> None:
    reader.read(sample_book("Zażółć gęślą jaźń"))
    booklore("ingest", spool())

    ran = on_a_plain_console(encoding, "status")

    assert ran.returncode == 0
    assert title in ran.stdout


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_password_file_may_begin_with_a_bom_and_end_with_a_line_end(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes,
    end: bytes,
) -> None:  # fmt: skip
    file = tmp_path / "password"
    file.write_bytes(before + account.password.encode() + end)
    monkeypatch.delenv("BOOKLORE_PASSWORD")
    monkeypatch.setenv("BOOKLORE_PASSWORD_FILE", str(file))

    assert booklore("test-connection", "--json").code == 0
    monkeypatch.delenv("BOOKLORE_PASSWORD_FILE")
    assert booklore("login", "--password-file", file, "--json").code == 0


@pytest.mark.parametrize("name", ["BOOKLORE_PASSWORD", "BOOKLORE_KOREADER_PASSWORD", "BOOKLORE_BOOKLORE__PASSWORD"])
def test_every_secret_may_come_from_a_file(
    booklore: Booklore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xef\xbb\xbf correct horse \r\n")
    monkeypatch.setenv(f"{name}_FILE", str(file))
    setting = "booklore.koreader_password" if "KOREADER" in name else "booklore.password"

    shown = {one["name"]: one for one in booklore("config", "show", "--json").json["settings"]}

    assert (shown[setting]["value"], shown[setting]["source"]) == ("***", "env")


@pytest.mark.skipif(os.name != "posix", reason="users by number")
@pytest.mark.parametrize("name", ["BOOKLORE_PASSWORD_FILE", "BOOKLORE_DATABASE_URL_FILE"])
def test_a_secrets_file_that_cannot_be_read_is_told_by_its_name_and_by_who_reads(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("BOOKLORE_PASSWORD")
    monkeypatch.setenv(name, str(tmp_path))

    ran = booklore("doctor")

    assert ran.code == 1
    assert f"{name}: cannot read {tmp_path} as user {os.geteuid()} (" in " ".join((ran.out + ran.err).split())


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_config_saved_by_notepad_is_read_as_meant(booklore: Booklore, home: Path, before: bytes, end: bytes) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(before + end.join([b"[sessions]", b"min_duration = 77", b""]))

    ran = booklore("config", "get", "sessions.min_duration")

    assert (ran.code, ran.out) == (0, "77\n")


BROKEN = {
    "utf-16": "[sessions]\r\nmin_duration = 60\r\n".encode("utf-16"),
    "utf-16-le": "[sessions]\r\nmin_duration = 60\r\n".encode("utf-16-le"),
    "utf-32": "[sessions]\r\nmin_duration = 60\r\n".encode("utf-32"),
    "latin-1": "# Müller\n[sessions]\nmin_duration = 60\n".encode("latin-1"),
}


@pytest.mark.parametrize("command", [("status",), ("sync", "--json"), ("config", "show")], ids=" ".join)
@pytest.mark.parametrize("encoding", BROKEN)
def test_a_config_in_another_encoding_is_told_by_its_name(
    booklore: Booklore, home: Path, encoding: str, command: tuple[str, ...]
) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(BROKEN[encoding])

    ran = booklore(*command)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert str(home / "config.toml") in ran.err
    assert "save it as UTF-8" in ran.err
    assert ("UTF-16" in ran.err) == encoding.startswith("utf")
    assert str(home / "config.toml") in booklore("doctor").out


@pytest.mark.parametrize("content", [PASSWORD.encode("utf-16"), "hörse".encode("latin-1")], ids=["utf-16", "latin-1"])
def test_a_password_file_in_another_encoding_is_told_by_its_name_and_not_by_its_text(
    booklore: Booklore, account: BookLoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    monkeypatch.delenv("BOOKLORE_PASSWORD")
    monkeypatch.setenv("BOOKLORE_PASSWORD_FILE", str(file))

    ran = booklore("doctor")

    assert ran.code == 1
    assert f"BOOKLORE_PASSWORD_FILE: {file}: not a text in UTF-8" in ran.out
    assert "rse" not in ran.out + ran.err


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"]])
def test_the_quick_status_tells_what_cannot_be_read_in_one_line(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    monkeypatch.setenv("BOOKLORE_DATABASE_URL_FILE", str(tmp_path / "nowhere"))

    with pytest.raises(SystemExit) as end:
        run(arguments)

    told = capsys.readouterr()
    assert (end.value.code, told.out, told.err.count("\n")) == (1, "", 1)
    assert f"BOOKLORE_DATABASE_URL_FILE: cannot read {tmp_path / 'nowhere'}" in told.err
