"""Whether an account at a BookOrbit is good, and what is to be done where it is not."""

from __future__ import annotations

import threading

from booklore_core import Check, Declined, Section
from booklore_targets.bookorbit.orbit_connection import API, PLUGIN, KeyRefused, OrbitConnection, SwitchedOff

ACCOUNT = "the name and password are those of the KOReader account in BookOrbit's settings"
SWITCH = "switch it on in BookOrbit's settings, where the KOReader account is"
ADDRESS = "this has to be the address at which BookOrbit opens in a browser, and BookOrbit has to run"
PAST = (
    "it is told what is read from now on; `booklore config set bookorbit.since all` takes all the years along, and "
    "`booklore verify --resend` what another BookOrbit has been told"
)


def try_account(settings: Section) -> list[Check]:
    connection = OrbitConnection(settings, threading.Lock())
    try:
        connection.ask("GET", f"{API}/koreader/users/auth")
        account = Check("account", True, f"{connection.host} knows {settings['username']}")
        told = connection.ask("GET", f"{PLUGIN}/version")
    except KeyRefused as error:
        return [Check("account", False, str(error), ACCOUNT)]
    except SwitchedOff as error:
        return [Check("account", False, str(error), SWITCH)]
    except Declined as error:
        return [Check("bookorbit", False, str(error), ADDRESS)]
    finally:
        connection.close()
    can = ", ".join(map(str, told.get("capabilities") or ())) or "nothing beside the basics"
    return [account, Check("bookorbit", True, f"BookOrbit {told.get('serverVersion')}, which can do {can}")]


def log_in(settings: Section) -> list[Check]:
    """The same, and how what was read before comes along."""
    lines = try_account(settings)
    is_new = all(one.ok for one in lines) and not settings.get("bookorbit.since", "")
    return [*lines, Check("past", True, PAST)] if is_new else lines
