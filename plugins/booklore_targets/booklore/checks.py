"""The connection test, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

from booklore_core import Check, Declined
from booklore_targets.booklore.capabilities import read_health, read_version
from booklore_targets.booklore.koreader import provision, read_me
from booklore_targets.booklore.run import Run

CA_FILE = "give its authority's certificate in booklore.ca_file, and `booklore config unset booklore.verify_tls`"

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
FURTHEST = 14 * HOUR
"""Time zones are whole quarters of an hour apart, and no further than this from UTC."""


def check_run(run: Run, afresh: bool) -> Iterator[Check]:
    """What works, from the server to matching; ends at the first thing that nothing works without.

    afresh: log in again, whatever was refused before.
    """
    for name, work, advice in (
        ("server", check_server, "check booklore.url, and that the server runs"),
        ("account", check_new_login if afresh else check_account, "try again later; the server's log tells more"),
    ):
        line = checked(name, work, run, advice, afresh)
        yield line
        if not line.ok:
            return
    if run.connection.is_unverified:
        yield Check("TLS", True, "the server's certificate is not verified: whoever is on the way may listen", CA_FILE)
    yield checked("KOReader account", check_koreader, run, "the reading position cannot be synced without it")
    yield checked("capabilities", lambda run: run.capabilities.text, run)
    yield checked("library", check_library, run, "no book can be matched without it")
    yield checked("matching", describe_matching, run)
    yield checked("time zone", check_zone, run)


def checked(name: str, work: Callable[[Run], str | Check], run: Run, advice: str = "", afresh: bool = False) -> Check:
    try:
        found = work(run)
    except Declined as error:
        return failed(name, error, advice, afresh)
    return found if isinstance(found, Check) else Check(name, True, found)


def failed(name: str, error: Declined, advice: str, afresh: bool) -> Check:
    """The line of what did not work, with what the error itself advises, if it does."""
    advised = getattr(error, "here" if afresh else "advice", "")
    return Check(name, False, getattr(error, "what", error.reason), advised or advice)


def check_server(run: Run) -> str:
    return f"{run.connection.setup.url} answers, version {read_version(run.connection)}"


def check_new_login(run: Run) -> str:
    run.connection.login.start_afresh()
    return check_account(run)


def check_account(run: Run) -> str:
    return f"logged in as {read_me(run.connection)['username']}"


def check_koreader(run: Run) -> str:
    account = provision(run.connection)
    sync = {True: "its sync is on", False: "its sync is OFF", None: "whether its sync is on cannot be told"}
    return f"{account.username} ({account.origin}), {sync[account.sync]}"


def check_library(run: Run) -> Check:
    """How many books the account sees; one that no library is assigned to sees none (contract §17)."""
    me, count = read_me(run.connection), len(run.library.shelf().books)
    libraries, permissions = me.get("assignedLibraries"), me.get("permissions") or {}
    if count:
        return Check("library", True, "1 book is visible" if count == 1 else f"{count:,} books are visible")
    if libraries or libraries is None or permissions.get("admin"):
        return Check("library", True, "no book is visible: the library is empty", "add books on the server, or scan it")
    advice = "an admin assigns one on the server's page, Settings → Users"
    return Check("library", False, "no book is visible: no library is assigned to the account", advice)


def describe_matching(run: Run) -> str:
    if run.capabilities.by_hash:
        return "by digest, asked of the server; else proven on its files"
    return "by digest, proven on the server's files"


def check_zone(run: Run) -> Check:
    """Whether the server counts days as the reader does, whose zone is taken to be this computer's (contract §17)."""
    now = run.connection.now()
    here = datetime.fromtimestamp(now).astimezone().utcoffset() or timedelta()
    there = zone_of(str(read_health(run.connection).get("timestamp")), now)
    if there is None:
        return Check("time zone", True, "the server does not tell its own")
    if abs(there) > FURTHEST:
        detail = f"the server's clock and this computer's differ by {abs(there) / HOUR:,.0f} h"
        return Check("time zone", True, detail, "correct the one that is wrong")
    if there == here:
        return Check("time zone", True, f"{name_of(here)}, on the server as here")
    span, day = night(here - there), "the day before" if there < here else "the next day"
    detail = f"{name_of(there)} on the server, {name_of(here)} here: what is read {span} counts to {day} there"
    return Check("time zone", True, detail, "give the server the reader's zone (TZ of its container)")


def zone_of(local: str, now: float) -> timedelta | None:
    """How far a clock that shows this time is ahead of UTC, None for what is no time or names its zone."""
    try:
        shown = datetime.fromisoformat(local)
    except ValueError:
        return None
    ahead = None if shown.tzinfo else shown - datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
    return ahead and round(ahead / QUARTER) * QUARTER


def name_of(zone: timedelta) -> str:
    return str(timezone(zone))


def night(gap: timedelta) -> str:
    """The hours that belong to another day on a server that is behind by gap, ahead where that is negative."""
    if gap > timedelta():
        return f"between midnight and {datetime.min + gap:%H:%M}"
    return f"between {datetime.min + 24 * HOUR + gap:%H:%M} and midnight"
