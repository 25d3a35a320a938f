"""A home of its own for every test, and the command line as a function."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import databases
import pytest
from cli_world import Booklore, Install, Ran, Spool
from typer.main import get_command
from typer.testing import CliRunner

from booklore_core.cli.app import app
from booklore_core.testing import BookLoreServer, SampleReader

COMMAND = get_command(app)
"""Made once: making every command anew takes longer than most of them run."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("BOOKLORE_")]:
        monkeypatch.delenv(name)
    for name, value in databases.environ_of(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOOKLORE_PROGRESS__ENABLED", "false")  # sessions are enough for what commands do with facts
    return tmp_path / "home"


def exit_code(arguments: list[str]) -> int:
    try:
        COMMAND.main(arguments, prog_name="booklore")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def booklore(home: Path) -> Booklore:
    def run(*arguments: object, stdin: str | bytes = "") -> Ran:
        with CliRunner().isolation(input=stdin) as (out, err, _):
            code = exit_code([str(one) for one in arguments])
            sys.stdout.flush()
            sys.stderr.flush()
            return Ran(code, out.getvalue().decode(), err.getvalue().decode())

    return run


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> str:
    """Of the server; see `in_every_dialect`."""
    return str(getattr(request, "param", "custom"))


@pytest.fixture
def server(dialect: str) -> Iterator[BookLoreServer]:
    with BookLoreServer(dialect) as one:
        yield one


@pytest.fixture
def account(server: BookLoreServer, monkeypatch: pytest.MonkeyPatch) -> BookLoreServer:
    """The server, its account given by the environment."""
    monkeypatch.setenv("BOOKLORE_URL", server.url)
    monkeypatch.setenv("BOOKLORE_USERNAME", server.username)
    monkeypatch.setenv("BOOKLORE_PASSWORD", server.password)
    return server


@pytest.fixture
def reader() -> SampleReader:
    return SampleReader()


@pytest.fixture
def spool(tmp_path: Path, reader: SampleReader) -> Spool:
    def write() -> Path:
        path = tmp_path / "booklorebridge.spool"
        path.write_text(reader.spool())
        return path

    return write


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    folder = tmp_path / "site-packages"
    names: list[str] = []

    def put(name: str, source: str) -> None:
        info = folder / f"{name}_plugin-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[booklore]\n{name} = {name}_module\n")
        (folder / f"{name}_module.py").write_text(source)
        names.append(f"{name}_module")

    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield put
    for name in names:
        sys.modules.pop(name, None)
