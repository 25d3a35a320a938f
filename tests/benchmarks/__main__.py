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
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import FIGURES, Figure, Measured

AREAS = ("at_rest", "starting", "ingesting", "delivering", "the_past", "places", "growing", "shim", "matching", "years")
TIMEOUT = 1800
ROOT = Path(__file__).parents[2]
SCALES = ((1, ""), (1e3, "m"), (1e6, "µ"))
SHARED_MEMORY = Path("/dev/shm")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="the figures to measure; all of them without")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--markdown", action="store_true", help="print the table of the README")
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
    if asked.json or asked.markdown:
        print(as_json(results) if asked.json else as_markdown(results, asked.names))  # noqa: T201
    else:
        show(results)
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


def as_markdown(results: list[tuple[Figure, Measured | None]], names: list[str]) -> str:
    """As it stands in the README: the command, the day and the machine, then a line for each figure."""
    command = " ".join(["python -m tests.benchmarks --markdown", *names])
    about = machine()
    versions = f"Python {about['python']}, SQLite {about['sqlite']}, {about['cores']} cores of {about['machine']}"
    head = f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {versions}:"
    rows = ["| figure | ours | beside | ratio | bar |", "|---|---|---|---|---|"]
    return "\n".join([head, "", *rows, *(markdown_row(one, measured) for one, measured in results)])


def markdown_row(one: Figure, measured: Measured | None) -> str:
    if measured is None:
        return f"| {one.about} | failed | {one.beside} | | {bar_of(one)} |"
    ours, limit = spoken(measured.ours, measured.unit), spoken(measured.limit, measured.unit)
    ratio = f"{measured.ratio:.2f}" if measured.ratio <= one.bar else f"**{measured.ratio:.2f}**"
    detail = f" ({measured.detail})" if measured.detail else ""
    beside = one.beside if one.beside[0].isdigit() else f"{one.beside}: {limit}"
    return f"| {one.about}{detail} | {ours} | {beside} | {ratio} | {bar_of(one)} |"


def bar_of(one: Figure) -> str:
    return f"≤ {one.bar:.3g}"


def spoken(value: float, unit: str) -> str:
    """`0.5 µs`, `12 ms`, `3.4 s`, `119 MiB`."""
    if unit != "s" and not unit.startswith("s "):
        return f"{value:.3g} {unit}"
    factor, name = next((one for one in SCALES if value * one[0] >= 1), SCALES[-1])
    return f"{value * factor:.3g} {name}{unit}"


def show(results: list[tuple[Figure, Measured | None]]) -> None:
    table = Table("figure", "ours", "beside", "limit", "ratio", "bar", "", box=None, pad_edge=False)
    for one, measured in results:
        if measured is None:
            table.add_row(one.about, "failed", one.beside, "", "", f"{one.bar:g}", "FAIL")
            continue
        ours, limit = (spoken(value, measured.unit) for value in (measured.ours, measured.limit))
        word = "ok" if measured.ratio <= one.bar else "behind" if one.holds(measured) else "FAIL"
        about = f"{one.about} ({measured.detail})" if measured.detail else one.about
        table.add_row(about, ours, one.beside, limit, f"{measured.ratio:.2f}", f"{one.bar:g}", word)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))


main()
