"""The action *Import from the BookLore plugin*: says what was found, asks, and takes it over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from booklore_core import Confirm, Facts, Flow, Request, Result, SendFile
from booklore_targets.booklore import LUA_DATABASE
from booklore_targets.booklore.lua_plugin.contents import TOLD, Contents, read_contents
from booklore_targets.booklore.lua_plugin.copied_tables import UnusableFile
from booklore_targets.booklore.lua_plugin.known_settings import (
    SettingSteps,
    plan_settings,
    take_settings,
    told_of_settings,
)
from booklore_targets.booklore.lua_plugin.loose_values import counted
from booklore_targets.booklore.lua_plugin.match_check import Checked, check_matches
from booklore_targets.booklore.lua_plugin.takeover import Takeover, Takings

WHICH = f"Which file? The plugin's is called {LUA_DATABASE} and lies in the folder of KOReader's settings."
FROM_HERE = "Take over what the BookLore plugin has kept on this e-reader? You are told what that is before it is done."
SHOWN = 5
"""So many books are named one by one."""


def take_over(core: Any, request: Request) -> Flow:
    """args: path, of the plugin's database, which a device sends when it is agreed to; dry_run, to be told only what
    would be taken over."""
    if not request.args.get("path"):
        return (yield from send_file(request))
    core.derive.lead()  # what was told live is accounted for first
    now = core.clock()
    try:
        contents = read_contents(Path(str(request.args["path"])), now, Facts(core.database, now).books())
    except UnusableFile as error:
        return Result(str(error), ok=False)
    steps = plan_settings(core, contents.settings)
    takeover = Takeover(core, contents, steps)
    takings, matches = takeover.foresee(), len(takeover.wanted_matches())
    text = "\n".join(foreseen(contents, steps, takings, matches))
    if request.args.get("dry_run"):
        return Result(text, data=data_of(contents, steps, takings, Checked(), matches))
    if not (yield Confirm(f"{text}\nTake it over?", ok="Take over")):
        return Result("Nothing was taken over.", ok=False)
    take_settings(core, steps)
    tell = request.progress
    checked = check_matches(core, takeover.wanted_matches(), steps.is_same_library, partial(tell, "Checking matches"))
    takings = takeover.carry_out(checked, partial(tell, "Taking over"))
    text = "\n".join(outcome(steps, takings, checked))
    return Result(text, data=data_of(contents, steps, takings, checked, takings.matched), title="Import")


def send_file(request: Request) -> Flow:
    """Has a device send its file; of this computer's somebody has to say which."""
    if request.device is None:
        return Result(WHICH, ok=False)
    if not (yield Confirm(FROM_HERE, ok="Go on")):
        return Result("Nothing was taken over.", ok=False)
    return Result(effects=(SendFile(LUA_DATABASE, "import_lua_plugin", request.args),))


def foreseen(contents: Contents, steps: SettingSteps, takings: Takings, matches: int) -> Iterator[str]:
    """What was found, what is to become of it, and what not, in lines."""
    found = ", ".join(counted(number, TOLD[table]) for table, number in contents.found.items())
    yield f"{contents.name} (version {contents.version}): {found or 'nothing but settings'}."
    untracked = sum(not rows.book.is_tracked for rows in contents.books.values())
    yield f"{counted(len(contents.books), 'book')}; matches that are to stay: {matches}."
    if untracked:
        yield f"Of {counted(untracked, 'book')} tracking stays off."
    yield from lines_of(takings)
    yield from left_lines(contents)
    yield from told_of_settings(steps)
    if not steps.is_same_library:
        yield "The plugin's server or account is another than here: what it has sent is looked for before it is sent."


def lines_of(takings: Takings, is_news: bool = True) -> Iterator[str]:
    """By kind, what becomes of the facts. Where nothing is news it became of them before, but for what is open."""
    words = {
        "delivered": "{} that the server has already, not sent again",
        "perhaps": "{} that it may have, looked for before they are sent",
        "due": "{} to be sent",
        "asked": "{} that you are asked about first, see `booklore answer`",
        "taken out": "{} made here of the same reading, which the plugin tells of now",
        "twice": "{} sent from here and by the plugin: the server may have that reading twice, and no call "
        "removes a session there; `booklore verify` lists what overlaps",
        "capped": "{} longer than from start to end: what fits is taken",
        "accounted for": "{} whose time is accounted for already",
        "left out": "{} left out, see the remarks in `booklore doctor`",
    }
    for how, text in words.items() if is_news else [("asked", words["asked"])]:
        kinds = [
            (what.removesuffix(f" {how}"), number) for what, number in takings.counts.items() if what.endswith(how)
        ]
        told = ", ".join(counted(number, kind) for kind, number in kinds if number)
        if told:
            yield text.format(told) + "."


def left_lines(contents: Contents) -> Iterator[str]:
    """What cannot be taken over, and what is not, because it is not needed here."""
    left = ", ".join(f"{counted(number, what)} {how}" for (what, how), number in contents.left.items() if number)
    if left:
        yield f"Left out: {left}."
    if contents.untracked:
        names = ", ".join(contents.untracked[:SHOWN]) + (" …" if len(contents.untracked) > SHOWN else "")
        yield f"Tracking was off for books that were never opened; switch it off here once they are: {names}."
    if contents.found.get("pending_koreader_progress"):
        yield "Reading positions that waited are told anew at the next opening of each book."


def outcome(steps: SettingSteps, takings: Takings, checked: Checked) -> Iterator[str]:
    is_news = takings.news or takings.matched or takings.untracked or steps.taken
    yield "Taken over." if is_news else "All of it was taken over before; nothing has changed."
    yield from lines_of(takings, bool(is_news))
    if is_news and any(number for what, number in takings.counts.items() if what.endswith(("due", "perhaps"))):
        yield "The next sync does that: `booklore sync`, or Sync Pending Now on the e-reader."
    if takings.matched:
        yield f"{counted(takings.matched, 'book')} matched as in the plugin."
    yield from list(checked.left_out.values())[:SHOWN]
    if len(checked.left_out) > SHOWN:
        yield f"So it is with {len(checked.left_out) - SHOWN} more; `booklore match` finds their books."
    if checked.reason:
        yield f"The plugin's matches could not be checked: {checked.reason}."
    yield from told_of_settings(steps)


def data_of(
    contents: Contents, steps: SettingSteps, takings: Takings, checked: Checked, matches: int
) -> Mapping[str, Any]:
    """Counts by what; no value of a setting, for some are secrets."""
    facts: dict[str, dict[str, int]] = {}
    for what, number in takings.counts.items():
        kind, _, how = what.partition(" ")
        facts.setdefault(kind, {})[how.replace(" ", "_")] = number
    settings = {"taken": list(steps.taken), "kept": list(steps.kept), "unfit": steps.unfit, "unknown": steps.unknown}
    books = {"found": len(contents.books), "matches": matches, "matches_left_out": checked.left_out}
    left = {" ".join(what): number for what, number in contents.left.items() if number}
    more = {"left_out": left, "news": takings.news}
    return {"version": contents.version, "found": dict(contents.found), "books": books, **facts, **more,
            "settings": settings}  # fmt: skip
