"""Logging in at a target: an account is tested before it takes the place of the one that worked before."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from booklore_core.actions.doctor import result_of
from booklore_core.actions.own import action
from booklore_core.actions.settings import GIVEN_IN, shown_name
from booklore_core.core import Core
from booklore_core.flows import Ask, Flow, Question, Request, Result
from booklore_core.hookspecs import PROJECT
from booklore_core.pipeline.gateway import Gateway
from booklore_core.settings import BadSetting, Layer, Value
from booklore_core.storage.store import StoredSettings
from booklore_core.targets import AccountTarget, Check

ACCOUNT = "account"
"""The check that says whether the credentials are good."""

Account = Mapping[str, str]
"""Full name of a setting → value."""


class Missing(BadSetting):
    """A part of the account is not known and nobody may be asked. setting: its full name; name: the end of that."""

    def __init__(self, known: Value) -> None:
        self.setting, self.name = known.name, known.name.partition(".")[2]
        super().__init__(f"{known.setting.label or known.name} is missing")


@action("Log In", "Asks for server and account, tests them and keeps them.", order=40, menu=None)
def log_in(core: Core, request: Request) -> Flow:
    """Log In: asks for what is missing of the account at a target, tests it and keeps it if it is good.

    args: target, by default the one that this program is named after; values, by the name of the target's setting, a
    token in place of name and password; ask, false to ask for nothing. Raises Missing, BadSetting, and Declined when
    the target cannot be asked at all.
    """
    if request.device is not None:
        return Result("Log in on the computer: a device cannot say where passwords go", ok=False)
    name, given = str(request.args.get("target") or PROJECT), request.args.get("values") or {}
    target = account_target(core, name)
    names = target.token_credentials if "token" in given and target.token_credentials else target.credentials
    unknown = next((one for one in given if one not in names), None)
    if unknown:
        raise BadSetting(f"the account at {name} has no {unknown}: expected {', '.join(names)}")
    wanted = yield from complete(core, target, names, given, bool(request.args.get("ask", True)))
    if wanted is None:
        return Result("Nothing was changed", ok=False)
    checks = try_out(core, target, wanted)
    return result_of("Log In", checks, headline(checks))


def account_target(core: Core, name: str) -> Gateway:
    """Raises BadSetting for one that is not there, does not work, or has no account."""
    target = core.targets.get(name)
    if target is None:
        plugin = core.plugins.plugins.get(name)
        if plugin is None:
            raise BadSetting(f"there is no target {name!r}; `booklore plugins list` shows them")
        reason = plugin.error or "it is not enabled"
        raise BadSetting(f"the plugin {name} does not work: {reason}; see `booklore plugins doctor`")
    if not target.has(AccountTarget):
        settings = f"`booklore plugins info {target.plugin}` shows its settings"
        raise BadSetting(f"{name} has no account to log in to; {settings}")
    return target


def complete(
    core: Core, target: Gateway, names: Sequence[str], given: Mapping[str, Any], may_ask: bool
) -> Generator[Question, Any, Account | None]:
    """What is to be stored: what was given, and what a person answers where something is missing. None: cancelled.

    A token is forgotten with the first login without one. Raises BadSetting for what does not fit, before the next
    question.
    """
    wanted: dict[str, str] = {}
    for name in names:
        known = core.settings.value(f"{target.plugin}.{name}")
        if name in given:
            wanted[known.name] = known.setting.check(str(given[name]), known.name)
        elif not (known.value and known.source in GIVEN_IN):
            is_same = all(core.settings[one] == value for one, value in wanted.items())
            answer = yield from ask_for(known, is_same, may_ask)
            if answer is None:
                return None
            if answer or not known.setting.secret:
                wanted[known.name] = known.setting.check(answer, known.name)
    others = (f"{target.plugin}.{name}" for name in target.token_credentials if name not in names)
    return {**{name: "" for name in others if core.settings[name]}, **wanted}


def ask_for(known: Value, is_same: bool, may_ask: bool) -> Generator[Question, Any, str | None]:
    """A person's answer; of a secret that is kept for this very account, "" keeps it. Raises Missing."""
    text, is_secret = shown_name(known.setting), known.setting.secret
    value, is_kept = "" if is_secret else str(known.value), bool(known.value) and (is_same or not is_secret)
    if not may_ask:
        if not is_kept:
            raise Missing(known)
        return value
    if is_secret and is_kept:
        answer = yield Ask(f"{text} (leave it empty to keep it)", secret=True, default="")
    else:
        answer = yield Ask(text, value, secret=is_secret)
    return None if answer is None else str(answer)


def try_out(core: Core, target: Gateway, wanted: Account) -> Sequence[Check]:
    """What a login comes to. Unless it succeeds, the former account is put back.

    Secrets that go elsewhere then are forgotten first: at no time an old password meets a new address.
    """
    moved = [name for name, value in wanted.items() if core.settings[name] != value]
    secrets = {f"{target.plugin}.{key}" for name in moved for key in core.settings.declaration(name).forgets}
    layers = {name: layer(core, name) for name in (*secrets, *wanted)}
    former = {name: kept.get(name) for name, kept in layers.items()}
    checks: Sequence[Check] = ()
    try:
        for name in secrets:
            core.settings.unset(name)
        for name, value in wanted.items():
            store_part(core, name, value)
        checks = target.log_in()
        return checks
    finally:
        if not is_logged_in(checks):
            put_back(layers, former)
        core.refresh()


def layer(core: Core, name: str) -> Layer:
    """Where a part of the account is kept."""
    return core.secrets if core.settings.declaration(name).secret else StoredSettings(core.database)


def store_part(core: Core, name: str, value: str) -> None:
    """Raises BadSetting when environment or config.toml say something else: it would not be the login asked for."""
    holds = core.settings.set(name, value)
    if holds.value != value:
        where = GIVEN_IN[holds.source]
        raise BadSetting(f"{name} is set by {where} to something else; remove it there, or do not give another one")


def put_back(layers: Mapping[str, Layer], former: Mapping[str, Any]) -> None:
    for name, kept in layers.items():
        if former[name] is None:
            kept.remove(name)
        else:
            kept.set(name, former[name])


def is_logged_in(checks: Sequence[Check]) -> bool:
    return any(check.check == ACCOUNT and check.ok for check in checks)


def headline(checks: Sequence[Check]) -> str:
    """The outcome in one line; why it is so stands in the checks."""
    if not is_logged_in(checks):
        return "Not logged in, nothing was changed"
    return "Logged in" if all(check.ok for check in checks) else "Logged in, but not everything works"
