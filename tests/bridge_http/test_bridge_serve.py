"""`booklore serve` as a program: its first line, its end, and what it says when it cannot begin."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from page_world import Browser

from booklore_core.bridge.serve import OPEN, CannotListen, serving
from booklore_core.core import Core
from booklore_core.pipeline.spool import BadLine
from booklore_core.storage.places import Places
from booklore_core.testing import FakeTarget, SampleReader, sample_book

THREADS = Path("/proc/self/task")
STOPPED = "booklore: stopped; e-readers keep what they write until the bridge is there again"
PROGRAM = """
import sys
import time
from pathlib import Path
from booklore_core.bridge.serve import serve_until_stopped
from booklore_core.storage.places import Places
serve_until_stopped(Places.from_environment({"BOOKLORE_HOME": sys.argv[1]}), sys.argv[2], 0)
"""


def begin(home: Path, host: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(home), host]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not THREADS.exists(), reason="the system does not tell what its threads do")
def test_a_bridge_that_nobody_asks_does_not_wake_up(tmp_path: Path) -> None:
    with closing(Core(Places.from_environment({"BOOKLORE_HOME": str(tmp_path)}))) as core, serving(core) as url:
        dates = [requests.get(f"{url}/v1/health", timeout=5).headers["Date"] for _ in range(2)]
        time.sleep(0.2)
        before = wake_ups("bridge")
        time.sleep(1)

        assert wake_ups("bridge") - before <= 1
    assert all(dates)


def wake_ups(name: str) -> int:
    """How often a thread has gone to sleep."""
    [thread] = [one for one in threading.enumerate() if one.name == name]
    told = (THREADS / str(thread.native_id) / "status").read_text()
    return int(told.split("\nvoluntary_ctxt_switches:")[1].split()[0])


@pytest.mark.parametrize(
    ("host", "number", "warnings"), [("127.0.0.1", signal.SIGTERM, []), ("0.0.0.0", signal.SIGINT, [OPEN])]
)
def test_it_tells_its_address_serves_and_ends_cleanly(
    tmp_path: Path, host: str, number: signal.Signals, warnings: list[str]
) -> None:
    program = begin(tmp_path, host)
    said, url = program.stdout.readline().strip().rsplit(" ", 1)

    page = program.stdout.readline().strip().rsplit(" ", 1)[1]

    health = requests.get(f"{url}/v1/health", timeout=5).json()
    browser = Browser(url)
    browser.get(page[page.index("/", len("http://")) + 1 :])
    if host == "0.0.0.0":
        browser.press("Let me in")
    program.send_signal(number)
    rest, errors = program.communicate(timeout=20)

    assert "How it stands" in browser.text
    assert said == "BookLore Sync bridge on" and url.startswith(f"http://{host}:") and health["ready"]
    assert (program.returncode, rest, errors.splitlines()) == (0, "", [*warnings, STOPPED])


def test_at_its_start_it_catches_up_with_what_an_earlier_process_left(open_core: Any) -> None:
    """Lines that an older version could not take, and lines that no feature was led to."""
    left, reader = open_core(FakeTarget()), SampleReader()
    left.ingest.take(reader.read(sample_book("Dune")), "test", left.clock())
    left.quarantine.put(reader.network(), "test", BadLine("event", "unknown"), left.clock())
    left.database.run("UPDATE quarantine SET version = '0.0'")
    core = open_core(FakeTarget())

    with serving(core):
        until = time.monotonic() + 10
        while not core.pending() and time.monotonic() < until:
            time.sleep(0.01)

    assert core.pending() == {"session": 1}
    assert (core.quarantine.count(), core.event_log.end) == (0, 3)


def test_a_port_in_use_is_told(core: Core) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(CannotListen, match=f"127.0.0.1, port {port}"), serving(core, port):
            pass


def test_an_address_that_is_not_ours_is_told(core: Core) -> None:
    with pytest.raises(CannotListen, match="192.0.2.1"), serving(core, 0, "192.0.2.1"):
        pass


SIGNALLED = """
import os, signal, sys, threading
from booklore_core.bridge.serve import stopping

for moment in range(1, 60):
    left = moment

    def trace(frame, event, argument):
        global left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGTERM)
        return trace

    with stopping() as wait:
        late = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGTERM))
        late.start()
        sys.settrace(trace)
        wait()
        sys.settrace(None)
        late.join()
print("stopped each time")
"""


TO_ANOTHER_THREAD = """
import signal, threading, time
from booklore_core.bridge.serve import stopping

def signal_itself():
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)

with stopping() as wait:
    threading.Thread(target=signal_itself, daemon=True).start()
    wait()
print("stopped")
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="a signal is the process's here")
def test_a_signal_ends_it_whichever_thread_it_comes_to() -> None:
    ran = subprocess.run([sys.executable, "-c", TO_ANOTHER_THREAD], capture_output=True, text=True, timeout=30)

    assert ran.stdout == "stopped\n", ran.stderr


def test_a_signal_ends_it_at_whatever_moment_it_comes() -> None:
    """In the middle of any line that is run while it waits."""
    ran = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True, timeout=60, check=False)

    assert ran.stdout == "stopped each time\n", ran.stderr
