"""Secrets: for their owner only, written whole or not at all, by any number of threads and processes."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from booklore_core.storage.database import Database
from booklore_core.storage.secrets import Secrets, SecretsUnreadable
from booklore_core.storage.store import Store

WRITER = """
import sys
from pathlib import Path
from booklore_core.storage.secrets import Secrets
secrets, name = Secrets(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    secrets.set(f"{name}/{number % 20}", {"number": number, "token": "x" * 2000})
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "home" / "secrets.json"


def start_writing(file, name, times):
    arguments = [sys.executable, "-c", WRITER, str(file), name, str(times)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.fixture(params=[0o000, 0o022, 0o377], ids=["lax", "usual", "strict"])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_what_is_written_is_read_by_another_process_and_removed(file):
    Secrets(file).set("shop.password", "00123")

    assert Secrets(file).get("shop.password") == "00123"
    Secrets(file).remove("shop.password")
    Secrets(file).remove("shop.password")
    assert Secrets(file).get("shop.password") is None


def test_nothing_is_read_from_a_file_that_is_not_there(file):
    assert Secrets(file).get("shop.password") is None
    assert not file.parent.exists()


def test_only_the_owner_may_read_whatever_the_umask(file, umask):
    file.parent.mkdir(mode=0o700)
    file.parent.chmod(0o700)

    Secrets(file).set("a", "b")

    assert {mode(path) for path in file.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["secrets.json", "secrets.new", "secrets.lock"])
def test_a_file_that_was_open_to_others_is_closed_to_them(file, name):
    file.parent.mkdir()
    lax = file.with_name(name)
    lax.write_text('{"a": "b"}', encoding="utf-8")
    lax.chmod(0o666)

    Secrets(file).get("a")
    Secrets(file).set("c", "d")

    assert {mode(path) for path in file.parent.iterdir()} == {0o600}


def test_reading_is_enough_to_close_a_file_to_others(file):
    file.parent.mkdir()
    file.write_text('{"a": "b"}', encoding="utf-8")
    file.chmod(0o644)

    assert Secrets(file).get("a") == "b"
    assert mode(file) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b'["hunter2"]', b"null", b"\xff\xfe", b'{"a": "hunter2"', b"[" * 100_000]
)
def test_a_damaged_file_is_refused_and_kept(file, content):
    file.parent.mkdir()
    file.write_bytes(content)

    for use in (
        lambda: Secrets(file).get("a"),
        lambda: Secrets(file).set("a", "b"),
        lambda: Secrets(file).remove("a"),
    ):
        with pytest.raises(SecretsUnreadable) as refused:
            use()
        assert str(file) in str(refused.value)
        assert "log in again" in str(refused.value)
        assert "hunter2" not in str(refused.value)

    assert file.read_bytes() == content


def test_a_folder_in_its_place_is_refused(file):
    file.mkdir(parents=True)

    with pytest.raises(SecretsUnreadable):
        Secrets(file).get("a")


def test_what_is_no_json_leaves_the_file_as_it_is(file):
    Secrets(file).set("a", "b")

    with pytest.raises(TypeError):
        Secrets(file).set("c", object())

    assert json.loads(file.read_text(encoding="utf-8")) == {"a": "b"}


def test_threads_and_processes_lose_nothing(file):
    programs = [start_writing(file, f"process {number}", 40) for number in range(2)]

    def write(name):
        for number in range(20):
            Secrets(file).set(f"{name}/{number}", number)

    threads = [threading.Thread(target=write, args=[f"thread {number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [program.wait(60) for program in programs] == [0, 0]
    assert len(json.loads(file.read_text(encoding="utf-8"))) == (2 + 4) * 20


def test_a_writer_that_is_killed_leaves_a_whole_file(file):
    Secrets(file).set("kept", "00123")

    for wait in range(10):
        program = start_writing(file, "killed", 1_000_000)
        program.stdout.readline()
        try:
            program.wait(0.002 * wait)
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGKILL)
        program.wait(30)
        program.stdout.close()

        assert json.loads(file.read_text(encoding="utf-8"))["kept"] == "00123"

    Secrets(file).set("after", 1)
    assert Secrets(file).get("kept") == "00123"


def test_a_plugin_has_a_compartment_of_its_own(file, tmp_path):
    database = Database(f"sqlite:///{tmp_path}/booklore.sqlite")
    shop, library = (Store(database, name, Secrets(file)).secrets for name in ("shop", "library"))

    shop.set("token", {"access": "x"})

    assert shop.get("token") == {"access": "x"}
    assert library.get("token", "none") == "none"
    library.remove("token")
    assert shop.get("token") == {"access": "x"}
    shop.remove("token")
    assert shop.get("token") is None
    database.close()
