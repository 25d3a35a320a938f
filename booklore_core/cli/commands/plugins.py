"""`booklore plugins`: what is installed, what it does, and what is wrong with it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.checks import report
from booklore_core.cli.commands.config import as_text
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import in_words, say, show, show_json, show_table
from booklore_core.cli.plugin_facts import check_plugins, describe, entry, find_plugin

if TYPE_CHECKING:
    from booklore_core.core import Core

Name = Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name.")]

app = typer.Typer(no_args_is_help=True, help="List plugins, switch them on and off, find out what ails them.")


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """List the installed plugins."""
    with opened() as core:
        entries = [entry(core, plugin) for _, plugin in sorted(core.plugins.plugins.items())]
    if as_json:
        show_json(entries)
        return
    rows = [
        (one["name"], one["kind"], "on" if one["enabled"] else "off", one["version"], one["source"],
         in_words(one["waiting"]), one["error"] or "-")
        for one in entries
    ]  # fmt: skip
    show_table(rows, "NAME", "KIND", "STATE", "VERSION", "SOURCE", "WAITING", "ERROR")


@app.command()
def enable(name: Name, as_json: Json = False) -> None:
    """Switch a plugin on."""
    switch(name, True, as_json)


@app.command()
def disable(name: Name, as_json: Json = False) -> None:
    """Switch a plugin off. What waits for it is kept."""
    switch(name, False, as_json)


def switch(name: str, on: bool, as_json: bool) -> None:
    with opened() as core:
        plugin = find_plugin(core, name)
        holds = set_enabled(core, name, on)
        core.refresh()
        found = entry(core, plugin)
    if holds.value != on:
        say(f"{name}.enabled is set by the {holds.source} and stays {str(holds.value).lower()}")
    if as_json:
        show_json(found)
    else:
        show(f"{name} is {'on' if found['enabled'] else 'off'}")


def set_enabled(core: "Core", name: str, on: bool) -> Any:
    """Stores the switch, also of a plugin that could not be loaded and so declared nothing."""
    from booklore_core.settings import ENABLED, BadSetting

    try:
        core.settings.declaration(f"{name}.enabled")
    except BadSetting:
        core.settings.declare(name, [ENABLED])
    return core.settings.set(f"{name}.enabled", on)


@app.command()
def info(name: Name, as_json: Json = False) -> None:
    """Tell what a plugin is and does."""
    with opened() as core:
        found = describe(core, find_plugin(core, name))
    if as_json:
        show_json(found)
        return
    show_table(lines(found), "", "")
    if found["settings"]:
        show("")
        rows = [(one["name"], as_text(one["value"]) or "-", one["help"]) for one in found["settings"]]
        show_table(rows, "SETTING", "VALUE", "WHAT IT IS")


def lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    texts: dict[str, Callable[[Any], str]] = {"enabled": lambda on: "yes" if on else "no", "waiting": in_words}
    for name, value in found.items():
        if name != "settings":
            listed = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
            yield name, texts[name](value) if name in texts else listed or "-"


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell which plugins fail, and what waits for them to be mended."""
    with opened() as core:
        checks = list(check_plugins(core))
    report(checks, as_json)
