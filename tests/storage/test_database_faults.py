"""A database that cannot be used says why and what to do, and its file is left as it is."""

import random
import sqlite3
import subprocess
import sys

import pytest

from booklore_core.storage.database import Database, DatabaseUnusable
from booklore_core.storage.schema import VERSION

pytestmark = pytest.mark.sqlite_only("its file")

WRITE = "INSERT INTO plugin_store (plugin, key, value) VALUES ('test', :key, :value)"

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""

FILL = """
import resource, signal, sys
from booklore_core.storage.database import Database, DatabaseUnusable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database = Database(sys.argv[1], wal=sys.argv[2] == "wal")
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, limit[1]))
written = 0
try:
    while written < 1000:
        database.run({write!r}, key=f"{{written:04}}", value="x" * 5000)
        written += 1
except DatabaseUnusable as error:
    print(written, error)
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
database.run({write!r}, key="after", value="x")
"""


@pytest.fixture
def file(tmp_path):
    """A file of this program with 200 rows, cleanly closed."""
    file = tmp_path / "booklore.sqlite"
    database = Database(f"sqlite:///{file}")
    database.run_many(WRITE, [{"key": str(number), "value": "x" * 200} for number in range(200)])
    database.close()
    return file


def refusal(file, **options):
    """How opening the file is refused, while it stays as it is."""
    before = file.read_bytes()
    with pytest.raises(DatabaseUnusable) as refused:
        Database(f"sqlite:///{file}", **options)
    assert file.read_bytes() == before
    assert str(file) in str(refused.value)
    return str(refused.value)


def hold(file, seconds):
    """Another program that holds the write lock."""
    program = subprocess.Popen([sys.executable, "-c", HOLD, str(file), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert program.stdout.readline() == "held\n"
    return program


@pytest.mark.parametrize("wal", [True, False])
def test_a_newer_schema_is_refused_with_advice(file, wal):
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO schema_version VALUES (?)", [VERSION + 1])
    connection.close()

    assert "upgrade booklore-sync" in refusal(file, wal=wal)


def test_another_programs_file_is_refused(tmp_path):
    file = tmp_path / "booklore-sync.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE book_cache (id INTEGER)")
    connection.close()

    assert "BOOKLORE_DATABASE_URL" in refusal(file)


@pytest.mark.parametrize("content", [b"\0" * 4096, b"SQLite format 3", random.Random(4).randbytes(20_000)])
def test_something_that_is_no_database_is_refused(tmp_path, content):
    file = tmp_path / "booklore.sqlite"
    file.write_bytes(content)

    assert "move it away or restore a backup" in refusal(file)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_truncated_file_is_refused(file, part):
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * part)])

    assert "the file is damaged" in refusal(file)


def test_a_damaged_page_is_told_when_it_is_read(file):
    content = bytearray(file.read_bytes())
    content[8192:] = random.Random(4).randbytes(len(content) - 8192)
    file.write_bytes(content)

    with pytest.raises(DatabaseUnusable, match="damaged"):
        Database(f"sqlite:///{file}").rows("SELECT * FROM plugin_store")

    assert file.read_bytes() == content


def test_a_folder_in_its_place_is_refused(tmp_path):
    with pytest.raises(DatabaseUnusable, match="check that the folder exists"):
        Database(f"sqlite:///{tmp_path}")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DatabaseUnusable, match="check that the folder exists"):
        Database(f"sqlite:///{tmp_path}/nowhere/booklore.sqlite")


def test_a_file_that_may_only_be_read_is_refused_for_writing(file):
    database = Database(f"sqlite:///{file}?mode=ro&uri=true".replace("sqlite:///", "sqlite:///file:"))

    with pytest.raises(DatabaseUnusable, match="check who may write"):
        database.run(WRITE, key="a", value="1")


def test_a_writer_waits_for_another_program(file):
    other = hold(file, seconds=1)

    Database(f"sqlite:///{file}").run(WRITE, key="a", value="1")

    assert other.wait(30) == 0


def test_a_program_that_holds_the_lock_for_long_is_told_of(file):
    other = hold(file, seconds=20)
    database = Database(f"sqlite:///{file}", busy_timeout=0.1)

    with pytest.raises(DatabaseUnusable, match="another program holds it"):
        database.run(WRITE, key="a", value="1")

    other.kill()
    other.wait(30)
    database.run(WRITE, key="a", value="1")


def test_opening_does_not_wait_for_another_program_that_writes(file):
    other = hold(file, seconds=20)

    database = Database(f"sqlite:///{file}", busy_timeout=0.1)

    assert database.value("SELECT COUNT(*) FROM plugin_store") == 200
    other.kill()
    other.wait(30)


@pytest.mark.parametrize("journal", ["wal", "no wal"])
def test_a_full_disk_loses_nothing_that_was_acknowledged_and_work_goes_on(tmp_path, journal):
    url = f"sqlite:///{tmp_path}/booklore.sqlite"

    done = subprocess.run(
        [sys.executable, "-c", FILL.format(write=WRITE), url, journal], capture_output=True, text=True, check=True
    )

    written, _, reason = done.stdout.partition(" ")
    keys = [row["key"] for row in Database(url).rows("SELECT key FROM plugin_store ORDER BY key")]
    assert int(written) > 10
    assert "nothing that was acknowledged is lost" in reason
    assert keys == [*(f"{number:04}" for number in range(int(written))), "after"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("booklore.sqlite", "not a database address"),
        ("sqlite+nonsense:///booklore.sqlite", "not a database address"),
        ("mysql://localhost/booklore", "expected an address with sqlite:// or postgresql://, got mysql://"),
        ("postgres://localhost/booklore", "expected an address with sqlite:// or postgresql://, got postgres://"),
    ],
)
def test_an_address_that_is_none_is_refused(url, reason):
    with pytest.raises(DatabaseUnusable, match=reason):
        Database(url)
