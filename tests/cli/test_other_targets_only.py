"""A set-up without a BookLore server, for whom other targets are enough."""

from pathlib import Path

import pytest
from cli_world import Booklore, Spool

from booklore_core.testing import SampleReader, sample_book


@pytest.fixture
def notes(booklore: Booklore, tmp_path: Path, reader: SampleReader, spool: Spool) -> None:
    (tmp_path / "notes").mkdir()
    booklore("config", "set", "markdown.folder", tmp_path / "notes")
    reader.read(sample_book("Dune"))
    booklore("ingest", spool())


@pytest.mark.usefixtures("notes")
def test_what_is_to_be_done_without_a_server_is_told_and_cures(booklore: Booklore) -> None:
    first, before = booklore("sync"), booklore("doctor")
    step = booklore("status").err

    cure = booklore("plugins", "disable", "booklore", "--discard")
    second, after = booklore("sync"), booklore("doctor")

    told = "run `booklore login`, or `booklore plugins disable booklore` to go without one"
    assert first.code == 3 and told in " ".join(first.err.split())
    assert before.code == 1 and told in " ".join(before.out.split())
    assert "booklore match" not in before.out + step
    assert (cure.code, second.code, after.code) == (0, 0, 0)
