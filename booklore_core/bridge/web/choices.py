"""Settings and plugins, from their declarations: a form for each setting, a switch for each plugin."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from booklore_core.actions.doctor import test_connection
from booklore_core.actions.login import log_in
from booklore_core.actions.plugins import check_plugin, notes_of
from booklore_core.actions.settings import FIXED_BY, choice_name, question_text
from booklore_core.bridge.setting_menu import is_switch, label_of
from booklore_core.bridge.web.asking import Shared, button
from booklore_core.bridge.web.frame import render
from booklore_core.bridge.web.route import PageRoute
from booklore_core.core import Core
from booklore_core.plugin_manager import Plugin
from booklore_core.settings import Value
from booklore_core.targets import AccountTarget, Check

calls = APIRouter(route_class=PageRoute, include_in_schema=False)

WAITING_BY_PLUGIN = """
SELECT s.plugin AS plugin, o.kind AS kind, COUNT(*) AS count FROM owed o
JOIN subscriptions s ON s.target = o.target AND s.kind = o.kind GROUP BY 1, 2
"""

OWN = "General"
"""What the core's own settings stand below."""


@calls.get("/settings")
def settings(request: Request, bridge: Shared, open: str = "") -> Response:  # noqa: A002 the address's
    """Every setting with its value, below the plugin that declares it. open: the one whose settings are shown."""
    core, is_here = bridge.core, request.state.visit.is_here
    with core.database.transaction():
        values, waiting = list(core.settings), waiting_by_plugin(core)
        sections = [section(core, name, values, is_here, waiting.get(name, {})) for name in names_of(values)]
        accounts = [account(core, name) for name, target in core.targets.items() if target.has(AccountTarget)]
        faults = [fault.text for value in values for fault in value.faults]
    sections.sort(key=lambda one: (one["order"], one["label"]))
    told = {"sections": sections, "accounts": accounts, "faults": faults, "test": button(core, test_connection)}
    return render(request, "settings.html", title="Settings", open=open, **told)


def waiting_by_plugin(core: Core) -> dict[str, dict[str, int]]:
    """plugin → kind → how many items wait for its targets."""
    found: dict[str, dict[str, int]] = {}
    for row in core.database.rows(WAITING_BY_PLUGIN):
        found.setdefault(row["plugin"], {})[row["kind"]] = row["count"]
    return found


def names_of(values: Sequence[Value]) -> list[str]:
    return list(dict.fromkeys(value.name.partition(".")[0] for value in values))


def section(core: Core, name: str, values: Sequence[Value], is_here: bool, waiting: dict[str, int]) -> dict[str, Any]:
    """A plugin with its switch and settings; the core's own have none."""
    own = [value for value in values if value.name.startswith(f"{name}.")]
    plugin = core.plugins.plugins.get(name)
    fields = [field(value, is_here) for value in own if plugin is None or not is_switch(value)]
    if plugin is None:
        return {"name": name, "label": OWN, "order": 0, "help": "", "fields": fields, "plugin": None}
    about = plugin_line(core, plugin, next(filter(is_switch, own), None), waiting)
    order = 1 if plugin.is_target else 2
    return {
        "name": name,
        "label": label_of(plugin),
        "order": order,
        "help": plugin.help,
        "fields": fields,
        "plugin": about,
    }


def plugin_line(core: Core, plugin: Plugin, switch: Value | None, waiting: dict[str, int]) -> dict[str, Any]:
    """What there is to tell of a plugin; one that works is not examined, for the doctor does that."""
    is_ill = plugin.enabled and (plugin.module is None or plugin.error or plugin.name in core.derive.failing())
    check = check_plugin(core, plugin) if is_ill else Check(plugin.name, True)
    return {
        "kind": "target" if plugin.is_target else "feature",
        "on": plugin.enabled,
        "fixed": switch is None or switch.source in FIXED_BY,
        "from": f"{plugin.source} {plugin.version}".strip(),
        "fault": "" if check.ok else check.detail,
        "advice": "" if check.ok else check.advice,
        "notes": notes_of(core, plugin) if plugin.enabled else [],
        "waiting": core.kinds.in_words(waiting),
    }


def field(value: Value, is_here: bool) -> dict[str, Any]:
    """A setting as a form shows it: a secret's value is not among it."""
    setting = value.setting
    label, _, about = question_text(value).partition("\n")
    is_local = setting.local and not is_here
    why = f"set by the {FIXED_BY[value.source]}" if value.source in FIXED_BY else ""
    why = why or (f"only at the computer: `booklore config set {value.name}`" if is_local else "")
    return {
        "name": value.name,
        "args": json.dumps({"name": value.name}),
        "label": label,
        "about": about,
        "type": "secret" if setting.secret else setting.type_name,
        "value": ("" if setting.secret else value.value),
        "is_set": bool(value.value),
        "choices": [(choice, choice_name(setting, choice)) for choice in setting.choices],
        "low": setting.low,
        "high": setting.high,
        "why": why,
        "is_default": value.source == "default",
        "default": "" if setting.secret else setting.default,
    }


def account(core: Core, name: str) -> dict[str, Any]:
    """A target that one logs in to."""
    return {
        **button(core, log_in),
        "args": json.dumps({"target": name}),
        "target": name,
        "about": core.targets[name].about,
    }
