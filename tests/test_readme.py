"""What the README says is so."""

import re
import threading
import types
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.main import get_command

from booklore_core.cli.app import app
from booklore_core.testing import FakeTarget, SampleReader, sample_book

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_exactly_the_test_command_of_the_readme():
    (command,) = re.findall(r"^\$ (.*\.venv/bin/pytest)$", README, re.MULTILINE)

    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_every_command_that_is_shown_exists():
    root = get_command(app)

    for words in set(re.findall(r"booklore (?:-v+ )?([a-z][a-z-]*)(?: ([a-z-]+))?", README)) - {("_core", "")}:
        known = root.get_command(None, words[0])  # a plugin's action is one, too
        assert known, words
        nested = getattr(known, "commands", None)
        assert not nested or not words[1] or words[1] in nested, words


def test_every_file_that_is_named_exists():
    for name in re.findall(r"`?((?:tests|booklore_core|bridge_lua|plugins)/[\w/.]+\.(?:py|md))", README):
        assert (ROOT / name).is_file(), name


def test_every_test_file_of_the_promises_holds_tests():
    for name in re.findall(r"`(tests/[\w/]+\.py)`", README):
        text = (ROOT / name).read_text()
        assert "def test_" in text or "TestCase" in text, name


@pytest.fixture
def hook():
    """An address that takes everything, and what it got."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.headers["Idempotency-Key"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    got = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()


def test_the_target_works_as_printed(open_core, hook):
    url, got = hook
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "class Posts" in block]
    plugin = types.ModuleType("booklore_posts")
    exec(code, plugin.__dict__)
    core, reader = open_core(BOOKLORE_POSTS__URL=url), SampleReader()
    core.plugins.register("posts", plugin)
    core.refresh()

    reader.read(sample_book("Dune"))
    core.take(reader.lines, "test")
    report = core.sync("posts")

    assert report.total("delivered") == {"session": 1}
    assert len(got) == 1
    assert b'"book": "Dune"' in got[0][1]


def test_the_feature_works_as_printed(open_core):
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "reading_day" in block]
    plugin = types.ModuleType("booklore_reading_days")
    exec(code, plugin.__dict__)
    calendar = FakeTarget("calendar", kinds={"reading_day"})
    core, reader = open_core(calendar), SampleReader()
    core.plugins.register("reading_days", plugin)
    core.refresh()

    reader.read(sample_book("Dune"))
    core.take(reader.lines, "test")

    assert core.kinds.short_counts(core.pending()) == "1Y"
    assert core.database.rows("SELECT * FROM pending_reading_days") == [{"day": "2026-11-20", "book_title": "Dune"}]
    core.sync()
    assert [item.body for item in calendar.received] == [{"day": "2026-11-20"}]
