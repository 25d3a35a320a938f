"""A reader whose past KOReader's statistics know, and another program that has sent some of it."""

from __future__ import annotations

from lua_world import LuaClient
from told_thrice import Evening, Reading, lua_sessions, write_statistics

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import answer_all

WHOLE = [(1_772_395_200 + 60 * number, 60, number + 1) for number in range(20)]
"""Twenty pages of a minute each."""


def set_up(world):
    for name in ("url", "username", "password"):
        world.core.settings.set(f"booklore.{name}", getattr(world.server, name))
    world.core.refresh()
    world.elsewhere = getattr(world, "elsewhere", None) or LuaClient(world.server)


def reset(world):
    """As after `booklore reset`: nothing is known any more."""
    home = world.core.places.home
    world.core.close()
    world.cores.append(world.open_core(plugins=("sessions", "history", "booklore"), home=f"{home.name}-anew"))
    set_up(world)


def extract(world, *read):
    """Takes KOReader's statistics of these evenings in. read: the pages of each."""
    dune = Reading("Dune", world.book("Dune").partial_md5, "", [Evening(list(shown), ("", "")) for shown in read])
    path = write_statistics(world.folder / f"statistics-{len(world.cores)}-{len(read)}.sqlite3", [dune])
    return act(world, "extract_history", True, True, path=str(path))


def act(world, name, *answers, **args):
    return answer_all(start(world.core, name, Request(args=args)), answers)


def send_elsewhere(world, *read):
    """As the Lua plugin sends what it has made of statistics."""
    for shown in read:
        for row in lua_sessions(shown):
            world.elsewhere.send_session(world.book("Dune"), row)


def on_server(world):
    return sorted(row["durationSeconds"] for row in world.server.sessions)


def statistics_of(folder, server, *titles):
    """KOReader's statistics of books of a server, each read once."""
    books = [next(one for one in server.books.values() if one.title == title) for title in titles]
    shown = [[(at + 7200 * number, seconds, page) for at, seconds, page in WHOLE] for number in range(len(books))]
    told = [
        Reading(book.title, book.partial_md5, "", [Evening(pages, ("", ""))])
        for book, pages in zip(books, shown, strict=True)
    ]
    return write_statistics(folder / f"statistics-of-{len(titles)}.sqlite3", told)
