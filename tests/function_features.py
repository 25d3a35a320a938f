"""Features made of functions, and what followed from them."""

import json

from booklore_core import Item, hookimpl


def add_feature(core, name="diary", **hooks):
    """Adds a feature whose hooks are these functions."""
    core.plugins.register(name, type(name, (), {hook: staticmethod(hookimpl(work)) for hook, work in hooks.items()})())
    return core.plugins.plugins[name]


def note(event, key=None, **body):
    """A fact about an event."""
    return Item("note", key or event.id, event.book.ref, body, event.at)


def keys(core, feature="diary"):
    """The facts that a feature made, in the order in which they were taken in; of a line's id only the counter."""
    rows = core.database.rows("SELECT key FROM items WHERE plugin = :feature ORDER BY id", feature=feature)
    return [row["key"].removeprefix("kobo-7f3a-0000") for row in rows]


def bodies(core, feature="diary"):
    rows = core.database.rows("SELECT body FROM items WHERE plugin = :feature ORDER BY id", feature=feature)
    return [json.loads(row["body"]) for row in rows]


def place(core, feature="diary"):
    """How far a feature has come."""
    return core.database.value("SELECT place FROM features WHERE name = :feature", feature=feature)


def switch(core, on, feature="diary"):
    """As a person does in the menu."""
    core.settings.set(f"{feature}.enabled", on)
    core.refresh()
