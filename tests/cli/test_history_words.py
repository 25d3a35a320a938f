"""What `booklore history …` says in every situation: true, in plain words, with the next step."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import Booklore
from told_thrice import Evening, Reading, write_statistics

from booklore_core.testing import BookLoreServer

SHOWN = [(1_772_395_200 + 60 * number, 60, number + 1) for number in range(20)]


@pytest.fixture
def statistics(tmp_path: Path, server: BookLoreServer) -> Path:
    read = Reading("Dune", server.books[1].partial_md5, "", [Evening(SHOWN, ("", ""))])
    return write_statistics(tmp_path / "statistics.sqlite3", [read])


@pytest.mark.parametrize("words", [("match", "--auto"), ("resync",), ("resync", "--yes"), ("sync-rematched",)])
def test_before_anything_was_extracted_each_says_so_and_how(booklore: Booklore, words: tuple[str, ...]) -> None:
    told = booklore("history", *words)

    assert told.code == 0
    assert "no past reading was taken in yet" in told.err
    assert "booklore history extract FILE" in told.err


def test_resync_says_what_was_looked_for_and_what_became_of_it(
    booklore: Booklore, statistics: Path, account: BookLoreServer
) -> None:
    booklore("history", "extract", statistics)
    never_sent = booklore("history", "resync", "--yes")
    again = booklore("history", "resync", "--yes")
    rows = account._state.sessions
    rows.rows.clear()
    rows._sorted.clear()
    lost = booklore("history", "resync", "--yes")

    assert "nothing of your past reading stood as synced" in never_sent.err
    assert "1 item asked for; what is still there is not sent again" in again.out
    assert (never_sent.code, again.code, lost.code) == (0, 0, 0)
    assert len(account.sessions) == 1


def test_what_waits_for_a_match_names_the_command(booklore: Booklore, tmp_path: Path, account: BookLoreServer) -> None:
    read = Reading("Nowhere", "f" * 32, "", [Evening(SHOWN, ("", ""))])
    booklore("history", "extract", write_statistics(tmp_path / "statistics.sqlite3", [read]))

    matched, rematched = booklore("history", "match", "--auto"), booklore("history", "sync-rematched")

    for told, way in ((matched, "manual-match"), (rematched, "match")):
        assert told.code == 3
        assert f"1 book has no match yet: `booklore history {way}`" in told.err


def test_manual_match_says_when_nobody_is_here_and_when_there_is_nothing_to_match(
    booklore: Booklore, statistics: Path, account: BookLoreServer
) -> None:
    booklore("history", "extract", statistics)
    nobody = booklore("history", "manual-match")
    booklore("history", "match", "--auto")

    told = booklore("history", "manual-match")

    assert (nobody.code, "`booklore match BOOK ID`" in nobody.err, "--answer" in nobody.err) == (1, True, False)
    assert (told.code, "no book is without its match" in told.err) == (0, True)


def test_resync_does_not_say_that_it_has_asked_a_server_that_is_down(
    booklore: Booklore, statistics: Path, account: BookLoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    booklore("history", "extract", statistics)
    booklore("history", "match", "--auto")
    monkeypatch.setenv("BOOKLORE_URL", "http://127.0.0.1:9")

    told = booklore("history", "resync", "--yes")

    assert (told.code, "asked for" in told.out, "cannot be reached" in told.out) == (3, False, True)
