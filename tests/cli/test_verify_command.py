"""`booklore verify`, against servers of all three dialects."""

import time
from collections.abc import Iterator

import pytest
import requests
from cli_world import Booklore, Spool, book_on, in_every_dialect

from booklore_core.testing import BookLoreServer, SampleReader

CLEAN = {"missing": [], "duplicate": [], "overlapping": [], "checked": 2, "unavailable": {}}
SENT = ("startTime", "endTime", "durationSeconds", "startLocation", "endLocation")


BEGAN = time.time()


class Ticking:
    """A server's clock, a second later whenever it is read: two tokens of one second would be one and the same."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def server(dialect: str) -> Iterator[BookLoreServer]:
    with BookLoreServer(dialect, now=Ticking()) as one:
        yield one


@pytest.fixture(autouse=True)
def synced(booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool) -> None:
    for title in ("Dune", "Emma"):
        reader.read(book_on(account, title))
        reader.sleep(900)
    booklore("ingest", spool())
    booklore("sync")


@pytest.fixture
def emptied(synced: None, dialect: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BookLoreServer]:
    """A server of the same library on which nobody has read: as after an old backup was put back."""
    with BookLoreServer(dialect, now=Ticking()) as one:
        monkeypatch.setenv("BOOKLORE_URL", one.url)
        yield one


def repeat_session_of_dune(server: BookLoreServer) -> None:
    """As a client does that never looks."""
    login = {"username": server.username, "password": server.password}
    token = requests.post(f"{server.url}/api/v1/auth/login", json=login, timeout=5).json()["accessToken"]
    row = next(one for one in server.sessions if server.books[one["bookId"]].title == "Dune")
    body = {"bookId": row["bookId"], "bookType": "EPUB", **{name: row[name] for name in SENT}}
    url, bearer = f"{server.url}/api/v1/reading-sessions", {"Authorization": f"Bearer {token}"}
    assert requests.post(url, json=body, headers=bearer, timeout=5).status_code == 202


def test_when_all_is_there_nothing_is_found(booklore: Booklore) -> None:
    ran = booklore("verify", "--json")

    assert (ran.code, ran.json, ran.err) == (0, CLEAN, "")
    assert booklore("verify").out == "2 items compared: 0 missing, 0 duplicate, 0 overlapping\n"


@in_every_dialect
def test_what_the_server_lost_is_missing_and_sent_again_on_request(
    booklore: Booklore, emptied: BookLoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_BOOKLORE__REPEAT_AFTER", "0")  # it was sent a moment ago, not last week
    found, told = booklore("verify", "--json"), booklore("verify")
    resent = booklore("verify", "--resend", "--json")
    booklore("sync")

    assert (found.code, [one["book"] for one in found.json["missing"]]) == (1, ["Dune", "Emma"])
    assert told.err == "booklore: `booklore verify --resend` lets the next sync send again what is missing\n"
    assert (resent.code, resent.json["resent"]) == (1, 2)
    assert len(emptied.sessions) == 2
    assert booklore("verify", "--json").json == CLEAN


@in_every_dialect
def test_what_is_there_twice_is_told_with_advice(booklore: Booklore, account: BookLoreServer) -> None:
    repeat_session_of_dune(account)

    as_json, told = booklore("verify", "--json"), booklore("verify")

    (finding,) = as_json.json["duplicate"]
    assert set(finding) == {"target", "book", "md5", "kind", "key", "detail", "advice"}
    assert (finding["target"], finding["book"], finding["kind"]) == ("booklore", "Dune", "session")
    assert (as_json.code, told.code) == (1, 1)
    assert told.out.endswith("2 items compared: 0 missing, 1 duplicate, 0 overlapping\n")
    assert f"→ {finding['advice']}" in told.out


@pytest.mark.usefixtures("emptied")
def test_advice_for_several_stands_once(booklore: Booklore) -> None:
    told = booklore("verify")

    assert told.out.count("missing ") == 2
    assert told.out.count("→ ") == 1


def test_one_book_alone_is_compared(booklore: Booklore, account: BookLoreServer) -> None:
    repeat_session_of_dune(account)

    ran = booklore("verify", "--book", book_on(account, "Emma")["partial_md5"][:8], "--json")

    assert (ran.code, ran.json) == (0, {**CLEAN, "checked": 1})


def test_book_never_heard_of_is_refused(booklore: Booklore) -> None:
    ran = booklore("verify", "--book", "00ff", "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)


def test_server_out_of_reach_is_no_clean_result(booklore: Booklore, account: BookLoreServer) -> None:
    account.stop()

    ran = booklore("verify", "--json")

    assert (ran.code, list(ran.json["unavailable"]), ran.json["checked"]) == (1, ["booklore"], 0)
    assert "cannot be reached" in ran.err


def test_without_a_target_that_can_be_looked_into_there_is_nothing_to_say(booklore: Booklore) -> None:
    booklore("plugins", "disable", "booklore")

    ran = booklore("verify", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: no enabled target can be looked into; see `booklore plugins list`\n"


def test_a_session_of_a_wrong_match_is_not_missing_after_the_right_one_nor_sent_again(
    booklore: Booklore, account: BookLoreServer
) -> None:
    dune, emma = book_on(account, "Dune"), book_on(account, "Emma")
    number = {book.title: str(book_id) for book_id, book in account.books.items()}
    before = [row["bookId"] for row in account.sessions]
    booklore("match", dune["partial_md5"], number["Emma"])

    found, told = booklore("verify", "--resend", "--json"), booklore("verify")
    booklore("sync")

    assert (found.code, found.json["missing"], found.json["duplicate"], found.json["resent"]) == (0, [], [], 0)
    assert found.json["elsewhere"] == {
        "booklore": [f"Dune: 1 session given to “Dune” ({number['Dune']}), which it is not matched with any more"]
    }
    assert told.err.endswith(f"booklore: {found.json['elsewhere']['booklore'][0]}\n")
    assert [row["bookId"] for row in account.sessions] == before
    assert booklore("verify", "--book", emma["partial_md5"], "--json").json == {**CLEAN, "checked": 1}
