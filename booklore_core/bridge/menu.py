"""The menu tree, made from actions and settings (design §12)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from booklore_core.actions import all_actions, told_of
from booklore_core.actions.own import LONG_PRESS
from booklore_core.actions.track import track_book
from booklore_core.bridge.setting_menu import MenuEntry, setting_entries
from booklore_core.core import Core
from booklore_core.flows import Action

TOP = (
    "Authentication",
    "What to Sync",
    "Sync Settings",
    "Sync & Cache",
    "Import & Matching",
    "Others",
    "Plugins",
    "Preferences",
    "About",
)
"""The order below Tools → BookLore Sync; what is not named here goes where it says Others."""

EARLY = 100
"""An action with a lower order at the top level comes before all submenus."""


@dataclass
class Branch:
    """A submenu that is being put together."""

    leaves: list[MenuEntry] = field(default_factory=list)
    branches: dict[str, "Branch"] = field(default_factory=dict)

    def add(self, entry: MenuEntry) -> None:
        branch = self
        for name in entry.menu:
            branch = branch.branches.setdefault(name, Branch())
        branch.leaves.append(entry)


def build_menu(core: Core) -> dict[str, Any]:
    """The whole menu as the shim shows it. Makes no network call."""
    with core.database.transaction():
        entries = list(all_entries(core))
        untracked = core.books.untracked()
    root = Branch()
    for entry in entries:
        root.add(entry)
    held = root.branches.pop(LONG_PRESS[0], Branch())
    menu = {
        "items": top_nodes(root),
        "long_press": [of_books(line, untracked) for line in nodes(held, LONG_PRESS)],
        "actions": [{"id": entry.id, "title": entry.dispatcher} for entry in entries if entry.dispatcher],
    }
    return {"version": digest(menu), **menu}


def of_books(line: dict[str, Any], untracked: Sequence[str]) -> dict[str, Any]:
    """A held book's line; that of tracking says what is so of each book, not what a tap may do."""
    if line.get("action") != track_book.name:
        return line
    differs = {"text": "Not tracked", "checked": False}
    return line | {"text": "Tracked", "checked": True, "books": dict.fromkeys(untracked, differs)}


def all_entries(core: Core) -> Iterator[MenuEntry]:
    for action in all_actions(core).values():
        if action.menu is not None:
            yield action_entry(core, action, action.menu)
    yield from setting_entries(core)
    for fault in core.settings.faults():
        yield MenuEntry(f"fault {fault.source} {fault.name}", fault.text, (), enabled=False, order=0)


def action_entry(core: Core, action: Action, menu: tuple[str, ...]) -> MenuEntry:
    """An action's line."""
    checked = action.checked and told_of(core, action, action.checked, False)
    return MenuEntry(
        action.name,
        str(told_of(core, action, action.text, action.name)),
        menu,
        action.name,
        action.args,
        action.help,
        enabled=action.enabled is None or bool(told_of(core, action, action.enabled, True)),
        checked=None if checked is None else bool(checked),
        radio=action.radio,
        dispatcher=action.dispatcher,
        order=action.order,
    )


def top_nodes(root: Branch) -> list[dict[str, Any]]:
    leaves = [(top_rank(one.text, one.order), one.order, one.text, node(one)) for one in root.leaves]
    branches = [(top_rank(one["text"], EARLY), EARLY, one["text"], one) for one in subnodes(root, ())]
    return [line for *_, line in sorted(leaves + branches, key=lambda ranked: ranked[:3])]


def nodes(branch: Branch, path: tuple[str, ...]) -> list[dict[str, Any]]:
    """A submenu's lines in their order, then the submenus in it."""
    lines = [node(entry) for entry in sorted(branch.leaves, key=lambda entry: (entry.order, entry.text))]
    return lines + subnodes(branch, path)


def subnodes(branch: Branch, path: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"id": "/".join((*path, name)), "text": name, "items": nodes(below, (*path, name))}
        for name, below in sorted(branch.branches.items())
    ]


def node(entry: MenuEntry) -> dict[str, Any]:
    """Only the fields that apply."""
    line: dict[str, Any] = {"id": entry.id, "text": entry.text, "enabled": entry.enabled}
    if entry.checked is not None:
        line["checked"] = entry.checked
    if entry.items:
        line["items"] = [node(item) for item in entry.items]
    for name, value in (("radio", entry.radio), ("help", entry.help), ("action", entry.action), ("args", entry.args),
                        ("dispatcher", entry.dispatcher)):  # fmt: skip
        if value:
            line[name] = dict(value) if isinstance(value, Mapping) else value
    return line


def top_rank(name: str, order: int) -> int:
    """Where a line of the top level stands."""
    if name in TOP:
        return TOP.index(name)
    return -1 if order < EARLY else TOP.index("Others")


def digest(menu: Any) -> str:
    """A short version that changes with anything in the menu."""
    return hashlib.sha256(json.dumps(menu, sort_keys=True).encode()).hexdigest()[:12]
