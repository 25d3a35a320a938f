"""`booklore demo`: the whole way on sample data, which leaves nothing behind."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from booklore_core.cli.errors import Refused
from booklore_core.cli.output import reserve_stdout, show, show_table

if TYPE_CHECKING:
    from booklore_core.cli.demo_day import Arrival
    from booklore_core.cli.demo_story import Step
    from booklore_core.core import Core
    from booklore_core.testing import BookLoreServer


def demo() -> None:
    """Show the whole way on sample data: e-reader, bridge, core, server. Needs no account, leaves nothing behind."""
    from booklore_core.cli.demo_day import Day, arrived, as_known
    from booklore_core.cli.demo_story import tell
    from booklore_core.testing import BookLoreServer

    reserve_stdout()
    began = time.monotonic()
    with without_proxy(), BookLoreServer("grimmory") as server, core_of(server) as core:
        day = Day(as_known(server), yesterday())
        steps = tell(day, core, server)
        found = arrived(server)
    show_steps(steps)
    show_arrivals(found)
    check(day.expected, found)
    seconds = time.monotonic() - began
    show("", f"{len(day.expected)} sessions read, {len(found)} arrived, each once.")
    show(f"It took {seconds:.1f} s, and nothing is left of it.")


@contextmanager
def without_proxy() -> Iterator[None]:
    """A proxy that this computer may use for the world knows nothing of the servers on its loopback."""
    before = os.environ.get("no_proxy")
    os.environ["no_proxy"] = "127.0.0.1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = before


def yesterday() -> datetime:
    """The morning before: what is read tomorrow would not be believed."""
    return (datetime.now(UTC) - timedelta(days=1)).replace(hour=7, minute=0, second=0, microsecond=0)


@contextmanager
def core_of(server: "BookLoreServer") -> "Iterator[Core]":
    """A core with a home of its own. Nothing of the person's settings, account or other plugins gets in."""
    from booklore_core.core import Core
    from booklore_core.hookspecs import PROJECT
    from booklore_core.storage.places import Places

    account = {"URL": server.url, "USERNAME": server.username, "PASSWORD": server.password}
    with TemporaryDirectory(prefix="booklore-demo-", ignore_cleanup_errors=True) as home:
        environ = {f"{PROJECT.upper()}_{name}": value for name, value in account.items()}
        places = Places(Path(home), f"sqlite:///{home}/booklore.sqlite", Path(home) / "config.toml")
        with closing(Core(places, environ=environ, entry_points=shipped())) as core:
            yield core


def shipped() -> list[EntryPoint]:
    """This project's own plugins: sample data is nothing that a third party's should get to see."""
    from booklore_core.hookspecs import PROJECT
    from booklore_core.plugin_manager import DISTRIBUTION

    return list(distribution(DISTRIBUTION).entry_points.select(group=PROJECT))


def show_steps(steps: "list[Step]") -> None:
    rows = [(step.what, step.lines or "-", "\n".join(step.toasts) or "-") for step in steps]
    show_table(rows, "WHAT THE READER DID", "LINES HANDED OVER#", "WHAT THE E-READER SHOWED")


def show_arrivals(found: "list[Arrival]") -> None:
    rows = [(one.title, one.start, one.end, f"{one.seconds // 60} min {one.seconds % 60:2} s") for one in found]
    show("")
    show_table(rows, "ON THE SERVER", "FROM", "TO", "READ#")


def check(expected: "list[Arrival]", found: "list[Arrival]") -> None:
    """Raises Refused unless exactly what was read arrived."""
    missing = [one for one in expected if one not in found]
    surplus = [one for one in found if one not in expected or found.count(one) > 1]
    if missing or surplus:
        logging.getLogger(__name__).info("missing %s, surplus %s", missing, surplus)
        raise Refused(f"the demo failed: {len(missing)} sessions are missing, {len(surplus)} too many; run it with -v")
