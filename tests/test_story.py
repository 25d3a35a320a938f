"""A day of reading, from the e-reader to the server and back: the real shim, the real bridge, the real target."""

from pathlib import Path

import pytest
from ereader import EReader

from booklore_core.actions import start
from booklore_core.bridge import pairing, serving
from booklore_core.flows import Request, answer_all
from booklore_core.testing import DIALECTS, BookLoreServer

CAPTURES = Path(__file__).parent / "captures"
LIBRARY = CAPTURES / "server" / "library.json"
PLAIN = (CAPTURES / "epub" / "d01-plain.epub").read_bytes()


@pytest.fixture(params=sorted(DIALECTS))
def server(request):
    with BookLoreServer(dialect=request.param, library=LIBRARY) as server:
        yield server


@pytest.fixture
def core(open_core, server):
    account = {"BOOKLORE_URL": server.url, "BOOKLORE_USERNAME": server.username, "BOOKLORE_PASSWORD": server.password}
    return open_core(plugins=("sessions", "booklore"), **account)


def sent(server):
    """What the server was told about the book, oldest first."""
    names = ("bookId", "bookType", "startTime", "endTime", "durationSeconds", "startProgress", "endProgress")
    return [tuple(session[name] for name in names) for session in sorted(server.sessions, key=lambda row: row["id"])]


def test_a_day_of_reading_reaches_booklore(core, server, tmp_path, clock):
    with serving(core) as bridge:
        code, _ = pairing.new_code(core)
        reader = EReader(tmp_path / "kobo", config={"url": bridge, "code": code})
        reader.put_book("plain.epub", PLAIN)

        # In the morning, on the train, without a network.
        reader.open("plain.epub", pages=40, percent=0.025)
        reader.read(12, seconds=40)
        reader.send("Suspend")
        reader.pass_time(5)
        assert server.sessions == []

        # At home: the device wakes up, finds its Wi-Fi, and everything goes by itself.
        reader.wall += 3600
        reader.connected = True
        reader.send("Resume")
        reader.send("NetworkConnected")
        reader.pass_time(30)
        assert reader.spool("book_open", "page_turns", "book_close") == []
        assert len(server.sessions) == 1
        assert any("1S synced" in toast for toast in reader.toasts())

        # In the evening the server is down. Reading goes on; the session waits, and says so.
        server.stop()
        reader.read(6, seconds=60)
        reader.close()
        reader.pass_time(60)
        assert core.pending() == {"session": 1}

        # The server is back. A person asks for a sync by gesture.
        server.restart()
        reader.send("SyncBooklorePending")
        reader.pass_time(30)

    assert core.pending() == {}
    assert sent(server) == [
        (5, "EPUB", "2026-11-20T15:34:11Z", "2026-11-20T15:42:11Z", 480, 2.5, 32.5),
        (5, "EPUB", "2026-11-20T16:42:46Z", "2026-11-20T16:48:46Z", 360, 32.5, 47.5),
    ]


def test_the_days_spool_carried_over_by_cable_adds_nothing(core, server, tmp_path):
    reader = EReader(tmp_path / "kobo")
    reader.put_book("plain.epub", PLAIN)
    reader.open("plain.epub", pages=40, percent=0.025)
    reader.read(12, seconds=40)
    reader.close()
    lines = reader.spool_bytes().decode().splitlines()

    core.take(lines, "spool")
    core.sync()
    core.take(lines, "the same spool, handed over again")
    answer_all(start(core, "sync_pending", Request()), [])

    assert len(server.sessions) == 1
