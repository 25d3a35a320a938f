"""An action comes to the same whether its own command, `booklore run` or KOReader starts it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_world import Booklore, Spool, book_on

from booklore_core.actions import start
from booklore_core.core import Core
from booklore_core.flows import Request
from booklore_core.storage.places import Places
from booklore_core.testing import BookLoreServer, SampleReader, answer_all, sample_book

EMMA = sample_book("Emma (Annotated)")
MD5 = EMMA["partial_md5"]
ID = "2"

ACTIONS: dict[str, tuple[Sequence[str], Sequence[str], Request, Sequence[Any]]] = {
    "match_unmatched": (["match"], [], Request(args={"auto": True}), []),
    "match_book": (["match", MD5, ID], ["--book", MD5, "--arg", f"id={ID}"], Request(MD5, {"id": ID}), []),
    "rematch_all": (["rematch"], [], Request(), []),
    "clear_pending": (["clear", "pending", "--kind", "session"], ["--answer", "1"], Request(), [[0]]),
    "clear_synced": (["clear", "synced", "--yes"], ["--answer", "1"], Request(), [[0]]),
    "clear_cache": (["clear", "cache", "--yes"], ["--answer", "y"], Request(), [True]),
    "sync_pending": (["sync"], [], Request(), []),
    "track_book": (["track", MD5, "off"], ["--book", MD5], Request(MD5), []),
}
"""By action: its command, the options of `booklore run`, the request of a dialog and the answers given there."""


@pytest.fixture
def end_with(
    booklore: Booklore, reader: SampleReader, spool: Spool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str, Callable[[], object]], object]:
    """What a way of doing something leaves behind, here and on a server of its own."""

    def run(name: str, way: Callable[[], object]) -> object:
        with BookLoreServer("grimmory") as server:
            monkeypatch.setenv("BOOKLORE_HOME", str(tmp_path / name))
            for key, value in (("URL", server.url), ("USERNAME", server.username), ("PASSWORD", server.password)):
                monkeypatch.setenv(f"BOOKLORE_{key}", value)
            if not reader.lines:
                reader.read(book_on(server, "Dune"))
                reader.sleep(900)
                reader.read(EMMA)
            booklore("ingest", spool())
            booklore("sync")
            way()
            return left_behind(), [(row["bookId"], row["startTime"]) for row in server.sessions]

    return run


def left_behind() -> object:
    core = Core(Places.from_environment())
    try:
        rows = [core.database.rows(f"SELECT * FROM {name}") for name in ("pending_sessions", "historical_sessions")]
        timeless = [[{key: row[key] for key in ("book_hash", "start_time", "book_id")} for row in one] for one in rows]
        return (
            replace(core.status(), targets=(), devices=()),
            core.books.matches("booklore"),
            core.books.is_tracked(MD5),
            timeless,
        )
    finally:
        core.close()


def in_a_dialog(name: str, request: Request, answers: Sequence[Any]) -> None:
    core = Core(Places.from_environment())
    try:
        answer_all(start(core, name, request), answers)
    finally:
        core.close()


@pytest.mark.parametrize("name", ACTIONS)
def test_outcome_is_the_same(
    booklore: Booklore, end_with: Callable[[str, Callable[[], object]], object], name: str
) -> None:
    command, options, request, answers = ACTIONS[name]

    by_command = end_with("command", lambda: booklore(*command))
    by_run = end_with("run", lambda: booklore("run", name.replace("_", "-"), *options))
    by_dialog = end_with("dialog", lambda: in_a_dialog(name, request, answers))

    assert by_command == by_run == by_dialog


def test_every_action_can_be_run_by_its_name(booklore: Booklore) -> None:
    listed = {one["name"] for one in booklore("run", "--json").json}

    assert set(ACTIONS) | {"set_setting", "toggle_sync", "toggle_manual_only", "view_pending"} <= listed


def test_setting_is_changed_by_its_action_too(booklore: Booklore) -> None:
    ran = booklore("run", "set-setting", "--arg", "name=sync.wake_delay", "--arg", "value=30")

    assert (ran.code, booklore("config", "get", "sync.wake_delay").out) == (0, "30\n")
