"""Secrets that come from files which cannot be read, or hold nothing: file and user are named wherever it matters."""

from pathlib import Path

import pytest
from cli_world import Booklore, Spool

from booklore_core.testing import BookLoreServer, SampleReader, sample_book


@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "nowhere"])
def test_a_password_file_that_tells_no_password_is_named(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, is_there: bool,
) -> None:  # fmt: skip
    file = tmp_path / "password"
    if is_there:
        file.write_text("\n")
    monkeypatch.delenv("BOOKLORE_PASSWORD")
    monkeypatch.setenv("BOOKLORE_PASSWORD_FILE", str(file))
    why = f"{file} is empty" if is_there else f"cannot read {file} as user "
    reader.read(sample_book("Dune"))

    booklore("ingest", spool())

    for command in ("test-connection", "status", "sync", "doctor"):
        ran = booklore(command)
        told = " ".join((ran.out + ran.err).split())
        assert f"BOOKLORE_PASSWORD_FILE: {why}" in told
        assert "no server is set up" not in told and "is missing" not in told


def test_an_empty_file_of_the_database_is_named(
    booklore: Booklore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text("")
    monkeypatch.setenv("BOOKLORE_DATABASE_URL_FILE", str(tmp_path / "url"))

    ran = booklore("sync")

    assert (ran.code, ran.err) == (1, f"booklore: BOOKLORE_DATABASE_URL_FILE: {tmp_path / 'url'} is empty\n")
