"""Measures every figure in a process of its own and prints a table; ends with 1 where one falls behind its bar."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import FIGURES, Figure, Measured

AREAS = ("at_rest", "starting", "ingesting", "delivering", "the_past", "places", "growing", "shim", "matching", "years")
TIMEOUT = 1800
ROOT = Path(__file__).parents[2]
SHARED_MEMORY = Path("/dev/shm")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="the figures to measure; all of them without")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--list", action="store_true", help="only list the figures")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "bridge", "targets/cfi")]
    for area in AREAS:
        importlib.import_module(f"tests.benchmarks.{area}")
    if asked.here:
        return measure_here(FIGURES[asked.here])
    unknown = set(asked.names) - set(FIGURES)
    if unknown:
        parser.error(f"no figure is called {', '.join(sorted(unknown))}; --list shows them")
    wanted = [FIGURES[name] for name in asked.names] or list(FIGURES.values())
    if asked.list:
        for one in wanted:
            print(f"{one.name}: {one.about} / {one.beside}, at most {one.bar:g}")  # noqa: T201
        return None
    results = [(one, measure(one)) for one in wanted]
    print(as_json(results)) if asked.json else show(results)  # noqa: T201
    sys.exit(not all(measured and one.holds(measured) for one, measured in results))


def measure(one: Figure) -> Measured | None:
    """In a process of its own, so that none finds warm what another has used. None where it failed."""
    print(f"{one.name} …", file=sys.stderr)  # noqa: T201
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--here", one.name], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        timeout=TIMEOUT,
    )  # fmt: skip
    return Measured(**json.loads(done.stdout.splitlines()[-1])) if done.returncode == 0 else None


def measure_here(one: Figure) -> None:
    where = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="booklore-benchmark-", dir=where) as folder:
        measured = one.measure(Path(folder))
    print(json.dumps(asdict(measured)))  # noqa: T201


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "booklore-sync": version("booklore-sync"),
    }


def as_json(results: list[tuple[Figure, Measured | None]]) -> str:
    figures = {
        one.name: {
            "about": one.about, "beside": one.beside, "bar": one.bar, "ratio": measured and round(measured.ratio, 3),
            "holds": bool(measured and one.holds(measured)), **(asdict(measured) if measured else {}),
        }
        for one, measured in results
    }  # fmt: skip
    return json.dumps({"machine": machine(), "figures": figures}, indent=2)


def show(results: list[tuple[Figure, Measured | None]]) -> None:
    table = Table("figure", "ours", "beside", "limit", "ratio", "bar", "", box=None, pad_edge=False)
    for one, measured in results:
        if measured is None:
            table.add_row(one.about, "failed", one.beside, "", "", f"{one.bar:g}", "FAIL")
            continue
        ours, limit = (f"{value:.3g} {measured.unit}" for value in (measured.ours, measured.limit))
        word = "ok" if measured.ratio <= one.bar else "behind" if one.holds(measured) else "FAIL"
        about = f"{one.about} ({measured.detail})" if measured.detail else one.about
        table.add_row(about, ours, one.beside, limit, f"{measured.ratio:.2f}", f"{one.bar:g}", word)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))


main()
