"""`booklore plugins`: what is installed, what it does, and what is wrong with it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import insist, perform
from booklore_core.cli.checks import report
from booklore_core.cli.commands.config import as_text, setting_json
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import show, show_json, show_table

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.flows import Result
    from booklore_core.kinds import Kinds

Name = Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name.")]

app = typer.Typer(no_args_is_help=True, help="List plugins, switch them on and off, find out what ails them.")


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """List the installed plugins."""
    from booklore_core.actions.plugins import known_plugins
    from booklore_core.cli.plugin_view import plugin_json

    with opened() as core:
        entries = [plugin_json(core, plugin) for plugin in known_plugins(core).values()]
        waiting = [core.kinds.in_words(one["waiting"]) or "-" for one in entries]
    if as_json:
        show_json(entries)
        return
    rows = [
        (one["name"], one["kind"], "on" if one["enabled"] else "off", f"{one['source']} {one['version']}",
         waits, one["error"] or "; ".join(one["notes"]) or "-")
        for one, waits in zip(entries, waiting, strict=True)
    ]  # fmt: skip
    show_table(rows, "NAME", "KIND", "STATE", "FROM", "WAITING", "ERROR OR NOTE")


@app.command()
def enable(name: Name, as_json: Json = False) -> None:
    """Switch a plugin on."""
    switch(name, True, as_json)


@app.command()
def disable(
    name: Name,
    discard: Annotated[
        bool | None, typer.Option("--discard/--keep", help="What becomes of what waits for it; asked on a terminal.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Switch a plugin off. What waits for it is kept for when it is on again, or discarded for good."""
    switch(name, False, as_json, discard)


def switch(name: str, on: bool, as_json: bool, discard: bool | None = None) -> None:
    """The switch is set before any plugin is loaded: one that hangs then cannot keep anybody from it."""
    from booklore_core.actions.plugins import known_plugins
    from booklore_core.cli.plugin_view import find_plugin, plugin_json

    with opened(plugins=False) as core:
        gone = known_plugins(core).get(name) if is_installed(name) else find_plugin(core, name)
        result = set_switch(core, name, on, discard)
    with opened() as core:
        here = core.plugins.plugins.get(name) or (replace(gone, enabled=on) if gone else find_plugin(core, name))
        found = {**plugin_json(core, here), **(result.data or {})}
    if as_json:
        show_json(found)
    else:
        told = result.message or ("" if on else "nothing waits for it")
        show(f"{name} is {'on' if found['enabled'] else 'off'}{f'; {told}' if result.ok and told else ''}")
    insist(result)


def is_installed(name: str) -> bool:
    from importlib.metadata import entry_points

    from booklore_core.hookspecs import PROJECT

    return bool(entry_points(group=PROJECT, name=name))


def set_switch(core: "Core", name: str, on: bool, discard: bool | None) -> "Result":
    from booklore_core.settings import ENABLED

    core.settings.declare(name, [ENABLED])  # nobody else has: no plugin is loaded
    return perform(core, "set_setting", args={"name": f"{name}.enabled", "value": on, "discard": discard})


@app.command()
def info(name: Name, as_json: Json = False) -> None:
    """Tell what a plugin is and does."""
    from booklore_core.cli.plugin_view import find_plugin, plugin_details

    with opened() as core:
        settings = [setting_json(value) for value in core.settings if value.name.startswith(f"{name}.")]
        found = {**plugin_details(core, find_plugin(core, name)), "settings": settings}
        kinds = core.kinds
    if as_json:
        show_json(found)
        return
    show_table(fact_rows(found, kinds), "", "")
    if found["settings"]:
        show("")
        rows = [(one["name"], as_text(one["value"]) or "-", one["help"]) for one in found["settings"]]
        show_table(rows, "SETTING", "VALUE", "WHAT IT IS")


def fact_rows(found: dict[str, Any], kinds: "Kinds") -> Iterator[tuple[str, str]]:
    texts: dict[str, Callable[[Any], str]] = {"enabled": lambda on: "yes" if on else "no", "waiting": kinds.in_words}
    for name, value in found.items():
        if name != "settings":
            listed = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
            yield name, (texts[name](value) if name in texts else listed) or "-"


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, such as reading-log.")],
    target: Annotated[bool, typer.Option("--target", help="A place that facts go (the default).")] = False,
    feature: Annotated[bool, typer.Option("--feature", help="It turns events into facts.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to; by default booklore-NAME, here.")] = None,
    as_json: Json = False,
) -> None:
    """Write a package for a new plugin: it can be installed, and its tests pass."""
    from booklore_core.cli.scaffold import write_package

    if target and feature:
        raise typer.BadParameter("a package begins as one of --target and --feature; add the other's hooks to it")
    place = write_package(name, "feature" if feature else "target", folder)
    if as_json:
        show_json({"name": name, "kind": "feature" if feature else "target", "folder": str(place)})
    else:
        show(f"{place} is written. To try it:\n  cd {place}\n  pip install -e '.[test]'\n  pytest")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell which plugins fail, and what waits for them to be mended."""
    with opened() as core:
        result = perform(core, "doctor", args={"only": "plugins"})
    report(result.data, as_json)
