"""What the real KOReader told, through the shim's code and the core, to every server."""

from pathlib import Path

import pytest
from trace_replay import spool_from_trace

from booklore_core.actions.verify import compare
from booklore_core.testing import DIALECTS, BookLoreServer

LIBRARY = Path(__file__).parent / "captures" / "server" / "library.json"

PLAIN, RUBY, PDF = 5, 2, 4
"""The server's ids of the books that were read."""

SESSIONS = [
    # book, start, end, seconds, progress: the recording was quick, so that most pages were shown for less than a
    # second; a stretch with nothing but a jump to the last page is none
    (PLAIN, "2026-11-20T15:34:11Z", "2026-11-20T15:34:16Z", 5, 2.13, 9.38),
    (RUBY, "2026-11-20T15:34:22Z", "2026-11-20T15:34:22Z", 0, 2.78, 8.33),
    (PDF, "2026-11-20T15:34:22Z", "2026-11-20T15:34:23Z", 0, 6.25, 12.5),
]


@pytest.fixture(params=sorted(DIALECTS))
def server(request):
    with BookLoreServer(dialect=request.param, library=LIBRARY) as server:
        yield server


@pytest.fixture
def take_trace(open_core, server, tmp_path):
    """Takes the recorded day in, under some settings, and sends what follows."""

    def take(**settings):
        account = {
            "BOOKLORE_URL": server.url,
            "BOOKLORE_USERNAME": server.username,
            "BOOKLORE_PASSWORD": server.password,
        }
        core = open_core(plugins=("sessions", "booklore"), **account, **settings)
        taken = core.take(spool_from_trace(tmp_path).read_text().splitlines(), "trace")
        assert not taken.rejected
        core.sync()
        return core

    return take


def sent(server):
    names = ("bookId", "startTime", "endTime", "durationSeconds", "startProgress", "endProgress")
    return sorted((tuple(one[name] for name in names) for one in server.sessions), key=lambda row: (row[1], row[0]))


def test_the_recorded_day_arrives_as_its_sessions(take_trace, server):
    core = take_trace(BOOKLORE_SESSIONS__MIN_DURATION="0")

    assert sent(server) == sorted(SESSIONS, key=lambda row: (row[1], row[0]))
    assert core.pending() == {}
    assert compare(core).is_clean


def test_stretches_without_a_page_turn_and_short_ones_are_no_sessions(take_trace, server):
    take_trace()

    assert sent(server) == []


def test_in_pages_mode_only_the_stretch_of_twelve_turns_counts(take_trace, server):
    take_trace(BOOKLORE_SESSIONS__MODE="pages")

    assert sent(server) == [SESSIONS[0]]
