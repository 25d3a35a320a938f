"""What becomes of what waits for a target that is switched off: the user says."""

import shutil
from pathlib import Path

import pytest
from cli_world import Booklore, Install, Spool, in_a_dialog

from booklore_core.testing import SampleReader, sample_book

BOOKWORM = """
from booklore_core import hookimpl

class Bookworm:
    name, kinds = "bookworm", frozenset({"session"})

    def deliver(self, item, before):
        return None

@hookimpl
def register_targets():
    return [Bookworm()]
"""


@pytest.fixture
def waiting(booklore: Booklore, install: Install, reader: SampleReader, spool: Spool) -> None:
    """A session waits for a target."""
    install("bookworm", BOOKWORM)
    booklore("plugins", "disable", "booklore")
    reader.read(sample_book())
    booklore("ingest", spool())


def delivered(booklore: Booklore) -> int:
    found: dict[str, int] = booklore("sync", "--json").json["delivered"]
    return found.get("session", 0)


def read_on(booklore: Booklore, reader: SampleReader, spool: Spool) -> None:
    reader.wait(3600)
    reader.read(sample_book())
    booklore("ingest", spool())


def test_it_is_kept_for_when_the_target_is_on_again(
    booklore: Booklore, waiting: None, reader: SampleReader, spool: Spool
) -> None:
    off = booklore("plugins", "disable", "bookworm")
    read_on(booklore, reader, spool)
    nothing = booklore("status", "--json").json["pending"]
    booklore("plugins", "enable", "bookworm")

    assert off.out == "bookworm is off; 1 session kept for when it is on again\n"
    assert nothing == {}
    assert delivered(booklore) == 2


def test_it_is_discarded_for_good_when_the_user_says_so(
    booklore: Booklore, waiting: None, reader: SampleReader, spool: Spool
) -> None:
    off = booklore("plugins", "disable", "bookworm", "--discard")
    read_on(booklore, reader, spool)
    booklore("plugins", "enable", "bookworm")
    before = delivered(booklore)
    read_on(booklore, reader, spool)

    assert off.out == "bookworm is off; 1 session discarded\n"
    assert (before, delivered(booklore)) == (0, 1)


def test_what_was_kept_can_still_be_discarded(booklore: Booklore, waiting: None) -> None:
    booklore("plugins", "disable", "bookworm", "--keep")

    booklore("plugins", "disable", "bookworm", "--discard")
    booklore("plugins", "enable", "bookworm")

    assert delivered(booklore) == 0


def test_what_was_discarded_does_not_come_back_with_the_past(
    booklore: Booklore, waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    booklore("plugins", "disable", "bookworm", "--discard")

    monkeypatch.setenv("BOOKLORE_BOOKWORM__SINCE", "all")
    booklore("plugins", "enable", "bookworm")

    assert delivered(booklore) == 0


@pytest.mark.parametrize(("option", "told"), [("--keep", "kept for when it is on again"), ("--discard", "discarded")])
def test_what_was_kept_earlier_is_told_too(booklore: Booklore, waiting: None, option: str, told: str) -> None:
    booklore("plugins", "disable", "bookworm", "--keep")

    again = booklore("plugins", "disable", "bookworm", option)

    assert again.out == f"bookworm is off; 1 session {told}\n"


def test_the_same_is_told_as_data(booklore: Booklore, waiting: None) -> None:
    kept, discarded, nothing = (
        booklore("plugins", "disable", "bookworm", option, "--json").json
        for option in ("--keep", "--discard", "--discard")
    )

    assert (kept["kept"], kept["enabled"]) == ({"session": 1}, False)
    assert (discarded["discarded"], nothing["discarded"]) == ({"session": 1}, {})


@pytest.mark.parametrize("options", [(), ("--keep",), ("--discard",)])
def test_where_nothing_waits_that_is_told(booklore: Booklore, install: Install, options: tuple[str, ...]) -> None:
    install("bookworm", BOOKWORM)

    assert booklore("plugins", "disable", "bookworm", *options).out == "bookworm is off; nothing waits for it\n"


def test_what_is_kept_comes_when_it_is_on_again_however_often_it_was_put_off(booklore: Booklore, waiting: None) -> None:
    for _ in range(3):
        booklore("plugins", "disable", "bookworm", "--keep")
    booklore("plugins", "enable", "bookworm")

    assert delivered(booklore) == 1


def test_it_is_asked_on_a_terminal(booklore: Booklore, waiting: None) -> None:
    code, told = in_a_dialog(["plugins", "disable", "bookworm"], ("waits for bookworm: 1 session?", "2\n"))
    booklore("plugins", "enable", "bookworm")

    assert code == 0, told
    assert "bookworm is off; 1 session discarded" in told
    assert delivered(booklore) == 0


def test_nothing_is_discarded_where_the_switch_cannot_be_set(
    booklore: Booklore, waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_BOOKWORM__ENABLED", "true")

    refused = booklore("plugins", "disable", "bookworm", "--discard")

    assert (refused.code, refused.err) == (
        1,
        "booklore: bookworm.enabled is set by the environment and stays as it is\n",
    )
    assert delivered(booklore) == 1


def test_what_was_kept_is_let_go_after_the_plugin_is_gone(booklore: Booklore, waiting: None, tmp_path: Path) -> None:
    booklore("plugins", "disable", "bookworm", "--keep")
    shutil.rmtree(tmp_path / "site-packages" / "bookworm_plugin-1.2.dist-info")

    gone = booklore("plugins", "disable", "bookworm", "--discard")

    assert (gone.code, gone.out) == (0, "bookworm is off; 1 session discarded\n")
    assert "bookworm" not in booklore("plugins", "list").out
