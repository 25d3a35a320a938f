"""`booklore config`: shows, sets and exports settings."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import say, show_exactly, show_json, show_table
from booklore_core.cli.terminal import chosen, read_lines, typed_secret
from booklore_core.cli.toml import to_toml

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.settings import Value

HIDDEN = "***"
SOURCES = {"env": "the environment", "file": "config.toml"}

Name = Annotated[str, typer.Argument(metavar="NAME", help="A setting such as sessions.min_duration.")]

app = typer.Typer(no_args_is_help=True, help="Show and change settings.")


@app.command("show")
def show_all(as_json: Json = False) -> None:
    """List all settings, their values and where these come from.

    A value that does not fit is told and passed over, so is a name that nobody knows.
    """
    from booklore_core.actions.doctor import check_environment, check_file

    with opened() as core:
        settings = [setting_json(value) for value in core.settings]
        names = [check_file(core), check_environment(core)]
    if as_json:
        show_json({"settings": settings})
    else:
        rows = [(one["name"], as_text(one["value"]) or "-", one["source"], explanation(one)) for one in settings]
        show_table(rows, "NAME", "VALUE", "SOURCE", "WHAT IT IS")
    for fault in (fault for one in settings for fault in one["faults"]):
        say(fault)
    for check in names:
        if check.advice:
            say(check.detail)


@app.command("get")
def get(name: Name, as_json: Json = False) -> None:
    """Print a setting's value. Ends with 1 when one was given that does not fit."""
    with opened() as core:
        found = setting_json(core.settings.value(name))
    if found["faults"]:
        raise Refused("; ".join(found["faults"]))
    show_one(found, as_json)


@app.command("set")
def set_value(
    name: Name,
    value: Annotated[str | None, typer.Argument(help="- reads it from standard input; a secret is asked for.")] = None,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Store a setting's value."""
    from booklore_core.bridge.standing import note_targets

    with opened() as core:
        wanted = read_value(core, name, value, may_ask=not yes)
        result = perform(core, "set_setting", args={"name": name, "value": wanted}, reply=chosen if yes else None)
        holds = core.settings.value(name)
        if not result.ok and holds.source not in SOURCES:
            raise Refused(f"{result.message} Give --yes to choose it all the same.")
        core.refresh()
        note_targets(core)
    warn_if_shadowed(holds, holds.value != holds.setting.check(wanted, name))
    show_one(setting_json(holds), as_json)


@app.command("unset")
def unset(name: Name, as_json: Json = False) -> None:
    """Forget a stored value: the default holds again."""
    from booklore_core.bridge.standing import note_targets

    with opened() as core:
        holds = core.settings.unset(name)
        core.refresh()
        note_targets(core)
    warn_if_shadowed(holds, holds.source in SOURCES)
    show_one(setting_json(holds), as_json)


@app.command("export")
def export(as_json: Json = False) -> None:
    """Print what differs from the defaults as a config.toml, without secrets."""
    with opened() as core:
        changed = [value for value in core.settings if value.value != value.setting.default]
    sections: dict[str, dict[str, Any]] = {}
    for one in changed:
        if not one.setting.secret:
            section, _, key = one.name.partition(".")
            sections.setdefault(section, {})[key] = one.value
    if as_json:
        show_json(sections)
    else:
        show_exactly(*to_toml(sections))


def setting_json(value: "Value") -> dict[str, Any]:
    """A setting as JSON; a secret's value is hidden."""
    setting = value.setting
    shown = (HIDDEN if value.value else "") if setting.secret else value.value
    return {
        "name": value.name,
        "value": shown,
        "default": setting.default,
        "type": setting.type_name,
        "source": value.source,
        "help": setting.help,
        "choices": list(setting.choices),
        "low": setting.low,
        "high": setting.high,
        "unit": setting.unit,
        "secret": setting.secret,
        "faults": [fault.text for fault in value.faults],
    }


def show_one(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        show_exactly(as_text(found["value"]))


def as_text(value: Any) -> str:
    """A value as `config set` takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def explanation(one: dict[str, Any]) -> str:
    extra = ", ".join(one["choices"]) or one["unit"]
    return f"{one['help']} ({extra})" if extra else str(one["help"])


def read_value(core: "Core", name: str, value: str | None, may_ask: bool) -> str:
    """The value as given, from standard input, or for a secret from a person. Raises BadSetting, Refused."""
    setting = core.settings.declaration(name)
    if value == "-":
        return read_lines()
    if value is not None:
        return value
    if not setting.secret:
        raise Refused(f"{name}: give a value: {setting.expected}")
    return typed_secret(name, "- and the value on standard input", may_ask)


def warn_if_shadowed(holds: "Value", is_shadowed: bool) -> None:
    if is_shadowed:
        say(f"{holds.name} stays as {SOURCES.get(holds.source, holds.source)} sets it")
