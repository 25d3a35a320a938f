"""Import & Matching: years of past reading out of a file, once, and to the server (seed import-and-matching)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from booklore_core.actions.by_hand import ask_title, match_by_hand
from booklore_core.actions.match import ask_each, match_at
from booklore_core.actions.match import outcome as matching_outcome
from booklore_core.actions.own import IMPORT, action
from booklore_core.actions.sync import outcome
from booklore_core.core import Core
from booklore_core.flows import Confirm, Flow, Request, Result, SendFile
from booklore_core.items import Item, Remark
from booklore_core.kinds import quantity
from booklore_core.pipeline.facts import Facts, batched
from booklore_core.plugin_manager import Plugin
from booklore_core.settings import BadSetting
from booklore_core.targets import MatchingTarget, SearchableTarget

BATCH = 2000
"""How many facts are taken in at once. Who stops in between goes on there the next time."""

STATISTICS = "statistics.sqlite3"
WHICH = f"KOReader keeps its own as `{STATISTICS}` in its settings folder"
SHOWN_REMARKS = 5


def has_imports(core: Core) -> bool:
    return core.database.once("imports", core.outbox.has_imports)


@action(
    "Extract Historical Data", "Reads past reading out of KOReader's statistics. Nothing is counted twice.", order=1,
    menu=IMPORT, params=("path",),
)  # fmt: skip
def extract_history(core: Core, request: Request) -> Flow:
    """Takes in what a file of past reading tells and nobody told yet: years of reading from before this program.

    args: path of the file, which a device sends when it is agreed to; dry_run, to take nothing in. Raises BadSetting at
    the command line without a path.
    """
    given, is_dry = request.args.get("path"), bool(request.args.get("dry_run"))
    if not given and request.device is None:
        raise BadSetting(f"which file of past reading? {WHICH}")
    is_agreed = is_dry or (given and request.device)  # a device was asked before it sent the file
    if not is_agreed and not (yield Confirm("Read the past reading in KOReader's statistics?", default=True)):
        return Result("Nothing was read", ok=False)
    if not given:
        return Result(effects=(SendFile(STATISTICS, extract_history.name),))
    path = Path(str(given))
    end = core.event_log.end
    try:
        plugin, items, remarks = read_past(core, path, request)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Result(reason if path.name in reason else f"{path.name}: {reason}", ok=False)
    told, data = account(core, path, items, remarks)
    if items and not is_dry:
        if not (yield Confirm(f"{told}\nTake them in?", default=True)):
            return Result("Nothing was taken in", ok=False, data=data)
        if core.event_log.end != end:  # what was told live meanwhile counts as it was told
            plugin, items, _ = read_past(core, path, request)
        take_in(core, plugin, items, request)
    for one in () if is_dry else remarks:
        core.derive.remark(plugin, one)
    added = f"{told}\n{'Nothing was taken in' if is_dry else 'They are taken in; the next sync sends them'}"
    return Result(added if items else told, title="Past reading", data={**data, "added": 0 if is_dry else len(items)})


def read_past(core: Core, path: Path, request: Request) -> tuple[Plugin, list[Item], list[Remark]]:
    """What a plugin makes of a file, and which one; books that are not tracked are left out. Raises OSError, and
    ValueError saying what is wrong with it."""
    if path.exists() and not path.is_file():  # a pipe would never end
        raise ValueError(f"{path} is {'a directory' if path.is_dir() else 'no file'}; {WHICH}")
    if not core.plugins.with_hook("import_history"):
        raise ValueError("no plugin that reads past reading is enabled; `booklore plugins list` shows them")
    path.open("rb").close()
    about = {"path": path, "journal": core.journal, "facts": Facts(core.database, core.clock())}
    core.derive.lead()  # what was told live is accounted for first
    found = core.plugins.first(
        "import_history", **about, progress=lambda done, total: request.progress("reading", done, total)
    )
    if found is None:
        raise ValueError(f"no enabled plugin knows this file of past reading; {WHICH}")
    plugin, given = found
    past = core.plugins.guard(plugin, "import_history", lambda: list(given), (ValueError,))
    if past is None:
        raise ValueError(f"{plugin.name} failed at it; `booklore plugins doctor` says where")
    untracked = set(core.books.untracked())
    items = [one for one in past if isinstance(one, Item) and one.book.partial_md5 not in untracked]
    return plugin, items, [one for one in past if isinstance(one, Remark)]


def account(core: Core, path: Path, items: Sequence[Item], remarks: Sequence[Remark]) -> tuple[str, dict[str, object]]:
    """What is new, in words and as data."""
    counts = Counter(item.kind for item in items)
    books, days = {item.book.partial_md5 for item in items}, sorted({item.occurred_at.date() for item in items})
    new = (
        f"{core.kinds.in_words(counts)} of {quantity(len(books), 'book')}, from {days[0]} to {days[-1]}" if days else ""
    )
    lines = [f"New: {new}" if new else f"Nothing is new: what {path.name} tells stands already"]
    lines += [one.text for one in remarks[:SHOWN_REMARKS]]
    lines += [f"and {len(remarks) - SHOWN_REMARKS} more remarks"] if len(remarks) > SHOWN_REMARKS else []
    data = {"new": dict(counts), "books": len(books), "remarks": [one.text for one in remarks]}
    return "\n".join(lines), {**data, "first": str(days[0]) if days else None, "last": str(days[-1]) if days else None}


def take_in(core: Core, plugin: Plugin, items: Sequence[Item], request: Request) -> None:
    done = 0
    for batch in batched(items, BATCH):
        core.put(batch, plugin.name)
        request.progress("taking in", done := done + len(batch), len(items))


@action(
    "Match Historical Sessions", "Sends what is matched, then finds the books that are not.", order=2, menu=IMPORT,
    enabled=has_imports,
)  # fmt: skip
def match_history(core: Core, request: Request) -> Flow:
    """Match Historical Sessions: what is matched is sent; then books are matched, silently where that is certain, the
    others by hand, and what is of each sent at once. args: auto, true for the certain ones only."""
    unavailable = core.sync(progress=request.progress).unavailable
    wanted = {one.md5 for one in core.outbox.imports()}
    found, refused = yield from ask_each(core, MatchingTarget, lambda one: match_at(core, one, request, wanted))
    unavailable |= refused
    lines = [statistics(core), *(f"{name}: {reason}" for name, reason in unavailable.items())]
    return Result("\n".join(lines), title="Historical Session Stats", data=matching_outcome(core, found, unavailable))


@action(
    "View Match Statistics", "How much of your past reading is matched and synced.", order=3, menu=IMPORT,
)  # fmt: skip
def history_stats(core: Core, request: Request) -> Result:
    """View Match Statistics. args: none."""
    return Result(statistics(core), title="Historical Session Stats", data=count_imports(core))


def statistics(core: Core) -> str:
    return "\n".join(f"{name.capitalize()} sessions: {count:,}" for name, count in count_imports(core).items())


def count_imports(core: Core) -> dict[str, int]:
    """total, matched, unmatched, synced (seed import-and-matching)."""
    imports = core.outbox.imports()
    total, synced = sum(one.total for one in imports), sum(one.synced for one in imports)
    matched = sum(one.total for one in imports if one.is_matched)
    return {"total": total, "matched": matched, "unmatched": total - matched, "synced": synced}


@action(
    "Re-sync All Historical", "For when the server's library was reset; nothing is sent that it still has.", order=4,
    menu=IMPORT, enabled=has_imports,
)  # fmt: skip
def resync_history(core: Core, request: Request) -> Flow:
    """Re-sync All Historical: every target is asked for what it was sent of the past, and sent what it does not have.
    A book that it has no more waits for a match. args: none."""
    question = "Ask the server for all of your past reading that was synced, and send what it does not have any more?"
    if not (yield Confirm(question, ok="Re-sync")):
        return Result("Nothing was sent", ok=False)
    count = sum(core.ledger.owe_again(target) for target in core.targets)
    done = outcome(core, core.sync(progress=request.progress))
    is_told = count and not done.data["unavailable"]
    lines = [f"{quantity(count, 'item')} asked for; what is still there is not sent again"] if is_told else []
    return replace(done, message="\n".join([*lines, done.message]), data={**done.data, "asked": count})


@action(
    "Sync Re-matched Sessions", "Sends what had to be matched anew.", order=5, menu=IMPORT, enabled=has_imports,
)  # fmt: skip
def sync_rematched(core: Core, request: Request) -> Result:
    """Sync Re-matched Sessions: sends what waited for its book to be matched anew. args: none."""
    return outcome(core, core.sync(progress=request.progress))


@action(
    "Manual Matching", "One book after the other, by title or id.", order=6, menu=IMPORT,
    enabled=lambda core: core.count_books()["unmatched"] > 0,
)  # fmt: skip
def manual_match(core: Core, request: Request) -> Flow:
    """Manual Matching: every book without a match, one after the other, by a title to search for or an id."""
    found, unavailable = yield from ask_each(
        core, SearchableTarget, lambda one: match_by_hand(core, one, core.books.unmatched(one.name), ask_title)
    )
    lines = [f"{name}: {quantity(count, 'book')} matched" for name, count in found.items()]
    lines += [f"{name}: {reason}" for name, reason in unavailable.items()]
    data = matching_outcome(core, found, unavailable)
    return Result("\n".join(lines) or "No enabled target can be searched", ok=bool(found), data=data)
