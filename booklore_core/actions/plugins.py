"""What can be told about plugins: which there are, and what is wrong with them."""

from collections.abc import Iterator
from typing import Any

from booklore_core.core import Core
from booklore_core.hookspecs import PROJECT
from booklore_core.kinds import quantity
from booklore_core.pipeline.makers import NOT_ITS_OWN
from booklore_core.pipeline.outbox import CLEAR, OWE
from booklore_core.plugin_manager import Plugin
from booklore_core.storage.counts import as_counts
from booklore_core.targets import AccountTarget, Check

FAILED = """
SELECT kind, target, state = 'unconfirmed' AND retry_count = 1 AS once, COUNT(*) AS count, MAX(reason) AS reason
FROM due WHERE target IN :ids AND state IN ('retrying', 'unconfirmed') AND retry_count > 0 GROUP BY 1, 2, 3
"""
OWED_TO = "SELECT kind, COUNT(*) AS count FROM owed WHERE target IN :ids GROUP BY kind"
MADE_BY = """
SELECT o.kind AS kind, COUNT(DISTINCT o.item_id) AS count FROM owed o JOIN items i ON i.id = o.item_id
WHERE i.plugin = :plugin GROUP BY o.kind
"""
UNDECLARED = """
SELECT DISTINCT kind FROM items WHERE plugin = :plugin AND NOT EXISTS (SELECT 1 FROM kinds
    WHERE name = kind OR name || '_' = SUBSTR(kind, 1, LENGTH(name) + 1))
"""
"""A kind that is named after a declared one, `note_copy` after `note`, is a feature's memory and nobody's to see."""

REFUSED = "SELECT COUNT(*) AS count, MAX(remark) AS remark FROM remarks WHERE SUBSTR(key, 1, LENGTH(:start)) = :start"
NOT_INSTALLED = "is not here: what it should be sent waits; `booklore plugins disable {}` ends that"


def known_plugins(core: Core, and_kept: bool = False) -> dict[str, Plugin]:
    """By name those that are installed, and those that are not any more though something waits for their targets.
    and_kept: those as well that were switched off before, for which something may have been kept."""
    owners = {row["plugin"]: bool(row["enabled"]) for row in core.database.table("subscriptions").find("enabled")}
    gone = {
        name: Plugin(name, "-", "-", enabled=is_on, is_target=True, errors=[NOT_INSTALLED.format(name)] * is_on)
        for name, is_on in owners.items() if name and (is_on or and_kept)
    }  # fmt: skip
    return dict(sorted((gone | core.plugins.plugins).items()))


def targets_of(core: Core, plugin: str) -> list[str]:
    return [name for name, owner in core.outbox.subscribers().items() if owner == plugin]


def count_owed(core: Core, plugin: str) -> dict[str, int]:
    """kind → how many items wait for a plugin's targets."""
    return as_counts(core.database.rows(OWED_TO, ids=targets_of(core, plugin)))


def waiting_for(core: Core, plugin: Plugin) -> dict[str, int]:
    """kind → how many items wait: at a target, those to be taken; of a feature, those it made."""
    if targets_of(core, plugin.name):
        return count_owed(core, plugin.name)
    return as_counts(core.database.rows(MADE_BY, plugin=plugin.name))


def put_away(core: Core, plugin: str, discards: bool) -> dict[str, int]:
    """Keeps what waits for a plugin's targets for when they are on again, or clears it for good; and what was kept for
    them earlier. Returns kind → how many items that are. After a discard they are owed what follows once they are
    there again, and of the past what they ask for."""
    with core.database.writing():
        core.database.run("UPDATE subscriptions SET enabled = 1 WHERE plugin = :plugin", plugin=plugin)
        core.database.run(OWE.format(which="s.plugin = :plugin"), plugin=plugin)
        counts, targets = count_owed(core, plugin), targets_of(core, plugin)
        if discards:
            now = core.clock().timestamp()
            core.database.run(CLEAR.format(which="o.target IN :ids"), ids=targets, now=now)
            core.database.table("subscriptions").delete(plugin=plugin)
        core.outbox.unsubscribe([plugin])
        core.database.run("DELETE FROM owed WHERE target IN :ids", ids=targets)
    return counts


def notes_of(core: Core, plugin: Plugin) -> list[str]:
    """What a person should know of a plugin although it works, as that it has nothing to do yet."""
    notes = [*plugin.notes, *filter(None, [idle_note(core, plugin)])]
    ended = [row["obstacle"] for row in core.database.table("subscriptions").find(plugin=plugin.name, enabled=1)]
    notes += [f"its last run ended early: {reason}" for reason in sorted({*filter(None, ended)})]
    [refused] = core.database.rows(REFUSED, start=f"{plugin.name}:{NOT_ITS_OWN}")
    told = f"it was kept from changing {quantity(refused['count'], 'fact')} of another plugin, such as: "
    return [*notes, told + refused["remark"]] if refused["count"] else notes


def idle_note(core: Core, plugin: Plugin) -> str:
    """What a plugin that works needs before it can do anything; "" where there is nothing of the kind."""
    with core.database.transaction():
        needed = [one for one in core.settings if one.setting.needed and one.name.startswith(f"{plugin.name}.")]
    if plugin not in core.plugins.working or not needed or any(one.value for one in needed):
        return ""
    accounts = [one.name for one in core.targets.values() if one.plugin == plugin.name and one.has(AccountTarget)]
    login = "login" if accounts[:1] == [PROJECT] else f"login --target {''.join(accounts[:1])}"
    way = login if accounts else "config set"
    return f"it does nothing until {' or '.join(one.name for one in needed)} is set: `booklore {way}`"


def check_plugins(core: Core) -> Iterator[Check]:
    """A line per plugin: its errors, and what waits for it. Of a removed one it is told as long as something does."""
    plugins = known_plugins(core)
    yield from (check_plugin(core, plugin) for plugin in plugins.values())
    for name, (count, _) in core.derive.failing().items():
        if name not in plugins:
            advice = "install it again, or leave them: they harm nobody"
            waiting = quantity(count, "event waits", "events wait")
            yield Check(f"plugin {name}", False, f"not installed; {waiting} for it", advice)


def check_plugin(core: Core, plugin: Plugin) -> Check:
    name, origin = f"plugin {plugin.name}", f"{plugin.version} from {plugin.source}"
    count, error = core.derive.failing().get(plugin.name, (0, ""))
    if not plugin.enabled:
        return Check(name, True, f"off, {origin}")
    if plugin.module is None:
        advice = f"update or remove {plugin.source}" if plugin.entry_point else "install it again"
        return Check(name, False, plugin.error or "not loaded", advice)
    if count:
        detail = f"{quantity(count, 'event waits', 'events wait')} for it; the last error: {plugin.error or error}"
        return Check(name, False, detail, f"update {plugin.source}; they are tried again at the next hand-over")
    if plugin.error:
        return Check(name, False, plugin.error, f"update {plugin.source}, or switch the plugin off")
    failed = failed_deliveries(core, plugin)
    if failed:
        deliveries = quantity(sum(row["count"] for row in failed), "delivery", "deliveries")
        detail = f"{deliveries} to it failed, such as: {failed[0]['reason']}"
        return Check(name, False, detail, "they are tried again at the next sync; see `booklore status`")
    undeclared = [row["kind"] for row in core.database.rows(UNDECLARED, plugin=plugin.name)]
    notes = [f"nobody declares its kinds {', '.join(undeclared)}"] if undeclared else []
    advice = "declare them by `register_kinds`, or no label shows them" if undeclared else ""
    return Check(name, True, "; ".join([f"works, {origin}", *notes_of(core, plugin), *notes]), advice)


def failed_deliveries(core: Core, plugin: Plugin) -> list[dict[str, Any]]:
    """Count and reason. What is looked for before it is sent again waits for that, and has not failed before it has."""
    rows = core.database.rows(FAILED, ids=targets_of(core, plugin.name))
    waiting = {(name, kind) for name, target in core.targets.items() for kind in target.looked_for}
    return [row for row in rows if not (row["once"] and (row["target"], row["kind"]) in waiting)]
