"""A day of reading, from the e-reader to the server and back: the real shim, the real bridge, the real target."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ereader import EReader

from booklore_core.actions import start
from booklore_core.actions.verify import compare
from booklore_core.bridge import pairing, serving
from booklore_core.flows import Request
from booklore_core.testing import DIALECTS, BookLoreServer, answer_all

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.both_databases
def test_a_day_of_reading_reaches_booklore(core, clock, server, tmp_path):
    def look_at_the_clock():
        clock.now = datetime.fromtimestamp(reader.wall, UTC)

    port, (code, _) = free_port(), pairing.new_code(core)
    reader = EReader(tmp_path / "kobo", config={"url": f"http://127.0.0.1:{port}", "code": code})
    reader.put_book("plain.epub", PLAIN)

    # In the morning, on the train: the core is out of reach, and nobody is told so.
    reader.open("plain.epub", pages=40, percent=0.025)
    reader.read(12, seconds=40)
    reader.send("Suspend")
    reader.pass_time(5)
    assert len(reader.spool("book_open", "page_turns", "book_close")) == 8
    assert reader.toasts() == reader.notices() == []

    # At home the device wakes up, finds its Wi-Fi, and everything goes by itself.
    with serving(core, port):
        reader.spend_asleep(3600)
        look_at_the_clock()
        reader.connected = True
        reader.send("Resume")
        reader.send("NetworkConnected")
        reader.pass_time(30)
        assert reader.spool("book_open", "page_turns", "book_close") == []
        assert len(server.sessions) == 1
        assert any("1 session synced" in notice for notice in reader.notices())

        # In the evening the server is down. Reading goes on; the session waits.
        server.stop()
        reader.read(6, seconds=60)
        look_at_the_clock()
        reader.close()
        reader.pass_time(60)
        assert core.pending() == {"session": 1}

        # The server is back. A person asks for a sync by gesture.
        server.restart()
        reader.send("SyncBooklorePending")
        reader.pass_time(30)

    assert core.pending() == {}
    assert [(one["bookId"], one["bookType"], one["durationSeconds"]) for one in server.sessions] == [
        (5, "EPUB", 480),
        (5, "EPUB", 390),
    ]
    assert [round(one["endProgress"] - one["startProgress"], 2) for one in server.sessions] == [30.0, 15.0]
    assert compare(core).is_clean


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
