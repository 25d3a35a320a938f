"""The connection test, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from booklore_core import Check, Declined
from booklore_targets.booklore.answers import declined
from booklore_targets.booklore.capabilities import read_version
from booklore_targets.booklore.koreader import provision
from booklore_targets.booklore.run import Run

ACCOUNT_ADVICE = "correct it with `booklore login`"


def check_run(run: Run, afresh: bool) -> Iterator[Check]:
    """What works, from the server to matching; ends at the first thing that nothing works without.

    afresh: log in again, whatever was refused before.
    """
    for name, work, advice in (
        ("server", check_server, "check booklore.url, and that the server runs"),
        ("account", check_new_login if afresh else check_account, ACCOUNT_ADVICE),
    ):
        line = checked(name, work, run, advice)
        yield line
        if not line.ok:
            return
    yield checked("KOReader account", check_koreader, run, "progress cannot be synced without it")
    yield checked("capabilities", describe_capabilities, run, "")
    yield checked("matching", describe_matching, run, "")


def checked(name: str, work: Callable[[Run], str], run: Run, advice: str) -> Check:
    try:
        return Check(name, True, work(run))
    except Declined as error:
        return Check(name, False, error.reason, advice)


def check_server(run: Run) -> str:
    return f"{run.connection.setup.url} answers, version {read_version(run.connection)}"


def check_new_login(run: Run) -> str:
    run.connection.login.start_afresh()
    return check_account(run)


def check_account(run: Run) -> str:
    response = run.connection.read("/api/v1/users/me")
    if response.status_code != 200:
        raise declined(response, writing=False)
    return f"logged in as {run.connection.setup.username}"


def check_koreader(run: Run) -> str:
    account = provision(run.connection)
    sync = {True: "its sync is on", False: "its sync is OFF", None: "whether its sync is on cannot be told"}
    return f"{account.username} ({account.origin}), {sync[account.sync]}"


def describe_capabilities(run: Run) -> str:
    return run.capabilities.text


def describe_matching(run: Run) -> str:
    if run.capabilities.by_hash:
        return "by digest, asked of the server; else proven on its files"
    return "by digest, proven on the server's files"
