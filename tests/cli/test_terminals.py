"""What commands show on terminals: words stay whole, rows become blocks, colours are for who wants them."""

import re
from pathlib import Path

import pytest
from cli_world import Booklore, Spool, book_on, shown_at
from rich.cells import cell_len

from booklore_core.cli.layout import Sheet, fold
from booklore_core.testing import BookLoreServer, SampleReader, sample_book

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CRUSOE = (
    "The Life and Strange Surprizing Adventures of Robinson Crusoe, of York, Mariner: Who Lived Eight and Twenty Years"
)
COMMANDS = [
    "status", "sync", "books", "verify", "doctor", "test-connection", "plugins list", "plugins info booklore",
    "plugins doctor", "config show", "quarantine list", "bridge devices", "history stats", "run",
]  # fmt: skip

UNNAMED_IN_BLOCKS = r"-|[A-Z]+|errors?|notes|[\d.:-]+"
"""Names of columns, and what is empty or another number the next time."""


@pytest.fixture
def known(booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, tmp_path: Path) -> None:
    """Books that are matched and such as are not, sent and waiting sessions, a line in quarantine."""
    for book in (book_on(account, "Dune"), sample_book(CRUSOE), sample_book("战争与和平" * 9)):
        reader.read(book)
    booklore("ingest", spool())
    (tmp_path / "strange.jsonl").write_text('{"v":1,"id":"x-1","event":"dance","device":"kobo-1"}\n')
    booklore("ingest", tmp_path / "strange.jsonl")
    booklore("sync")


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\s|]+", CODES.sub("", text)))


@pytest.mark.parametrize("columns", [50, 80])
def test_no_word_of_any_command_is_cut_or_broken(booklore: Booklore, known: None, columns: int) -> None:
    for command in COMMANDS:
        piped = booklore(*command.split())
        _, shown = shown_at(columns, *command.split(), TERM="dumb")

        lines = [line for line in shown.splitlines() if "━" not in line]
        assert [line for line in lines if cell_len(line) > columns and " " in line] == [], command
        whole = {word for word in words(piped.out + piped.err) if len(word) <= 24 and word.isascii()}
        lost = whole - {part for word in words(shown) for part in (word, word.rstrip(":"))}
        assert not {word for word in lost if word not in CRUSOE and not re.fullmatch(UNNAMED_IN_BLOCKS, word)}, command


def test_below_sixty_columns_each_row_is_a_block(booklore: Booklore, known: None) -> None:
    _, shown = shown_at(59, "books", "dune")

    assert shown.split("\n") == [
        "BOOK: Dune – Frank Herbert",
        "MATCHED TO: Dune (1) at booklore, by digest",
        "KNOWN: 1 session",
        f"LAST READ: {shown.rstrip()[-10:]}",
        "",
    ]


def test_blocks_have_a_blank_line_between_them() -> None:
    rows = [["Dune", "matched by its digest", "3"], ["Emma", "-", "12"]]

    assert Sheet(rows, ["BOOK", "WHY", "TRIES#"], 20).lines == [
        "BOOK: Dune", "WHY: matched by its", "digest", "TRIES: 3", "", "BOOK: Emma", "TRIES: 12",
    ]  # fmt: skip


def test_a_mark_names_what_it_is_about_in_a_block() -> None:
    layout = Sheet([["FAIL", "server", "it is asleep\n→ wake it"]], ["", "CHECK", "DETAIL"], 14)

    assert layout.lines == ["FAIL: server", "DETAIL: it is", "asleep", "→ wake it"]


def test_a_number_stays_with_what_it_counts() -> None:
    assert fold("3 sessions, 12 progress updates", 16) == ["3 sessions,", "12 progress", "updates"]


def test_a_long_title_is_shortened_at_a_word_on_a_terminal_and_whole_elsewhere(booklore: Booklore, known: None) -> None:
    _, shown = shown_at(50, "status", TERM="dumb")

    assert "BOOK: The Life and Strange Surprizing Adventures\nof Robinson…\n" in shown
    assert CRUSOE in booklore("status").out


def test_letters_of_two_columns_are_counted_as_two() -> None:
    layout = Sheet([["战争与和平", "1"], ["Emma", "2"]], ["BOOK", "ID#"], 80)

    assert (layout.header, layout.lines) == (["BOOK        ID"], ["战争与和平   1", "Emma         2"])


def test_columns_of_the_environment_go_before_the_terminals(booklore: Booklore, known: None) -> None:
    assert "NAME: sessions" in shown_at(120, "plugins", "list", COLUMNS="50")[1]


def test_ok_and_fail_have_colours_on_a_terminal(booklore: Booklore, known: None) -> None:
    _, shown = shown_at(80, "doctor")

    assert "\x1b[1;31mFAIL\x1b[0m  quarantine  " in shown
    assert "\x1b[32mok\x1b[0m    server  " in shown
    assert "\x1b[1;31mFAIL\x1b[0m: quarantine\n" in shown_at(50, "doctor")[1]


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_who_wants_no_colours_gets_none(booklore: Booklore, known: None, environ: dict[str, str]) -> None:
    colours = re.compile(r"\x1b\[[0-9;]*m")

    for command in ("doctor", "sync", "plugins list"):
        shown = shown_at(80, *command.split(), **environ)[1]
        assert not colours.findall(shown)


def test_pipes_get_no_codes_at_all(booklore: Booklore, known: None) -> None:
    for command in COMMANDS:
        ran = booklore(*command.split())

        assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_bars_questions_and_tables_are_shown_in_any_encoding(booklore: Booklore, known: None, encoding: str) -> None:
    for command in ("sync", "books", "doctor", "status"):
        code, shown = shown_at(50, *command.split(), PYTHONIOENCODING=encoding)

        assert code in (0, 1, 3)
        assert "Error" not in shown and "Traceback" not in shown
