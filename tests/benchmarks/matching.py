"""Books that the server does not have, or has under another name, in a large library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from library_world import LISTING, large_library

from booklore_core.testing import BookLoreServer, SampleReader, sample_book
from tests.benchmarks.delivering import ACCOUNT
from tests.benchmarks.figures import Measured, figure
from tests.benchmarks.ingesting import core_in

LIBRARY, UNMATCHED, MOST = 50_000, 300, 200
OURS = """
import json, sys, time
from pathlib import Path
from booklore_core.core import Core
from booklore_core.storage.places import Places

core = Core(Places.from_environment())
begun = time.perf_counter()
report = core.sync()
took = time.perf_counter() - begun
left = len(core.books.unmatched("booklore"))
core.close()
print(json.dumps([took, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], report.requests, left]))
"""
PLAIN = """
import json, sys, time
import requests

url, path, account = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
with requests.Session() as session:
    token = session.post(url + "/api/v1/auth/login", json=account, timeout=60).json()["accessToken"]
    begun = time.perf_counter()
    books = session.get(url + path, headers={"Authorization": "Bearer " + token}, timeout=300).json()
    print(json.dumps([time.perf_counter() - begun, len(books)]))
"""


def ran(program: str, *arguments: str, **environ: str) -> list[Any]:
    """What a program of its own prints as JSON."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True, check=True)
    return list(json.loads(done.stdout))


@figure("matching", f"matching of {UNMATCHED} books in a library of {LIBRARY:,}", "one listing of it", 1.5)
def matching(folder: Path) -> Measured:
    reader = SampleReader()
    for number in range(UNMATCHED):
        title = f"Collected Works, Volume {number} With Notes" if number % 2 else f"Unknown {number}"
        reader.read(sample_book(title, size=50_000_000 + number))
        reader.sleep(900)
    with BookLoreServer("booklore", {"books": large_library(LIBRARY), "web_login": ACCOUNT}) as server:
        with core_in(folder) as core:
            for name, value in {"url": server.url, **ACCOUNT}.items():
                core.settings.set(f"booklore.{name}", value)
            core.refresh()
            core.take(reader.lines, "test")
        plain = [ran(PLAIN, server.url, LISTING, json.dumps(ACCOUNT)) for _ in range(3)]
        ours = [ran(OURS, BOOKLORE_HOME=str(folder)) for _ in range(3)]
        assert {count for _, count in plain} == {LIBRARY}
    took, memory, requests, left = min(ours)
    detail = f"{int(memory) // 1024} MiB of {MOST} at most, {requests} requests, {UNMATCHED - left} matched"
    return Measured(took, min(plain)[0], detail=detail)
