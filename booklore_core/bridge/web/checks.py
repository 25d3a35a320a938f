"""Checks: verify, doctor and the connection as the actions that they are, and the last lines of the log."""

from fastapi import APIRouter, Request, Response

from booklore_core.actions.doctor import doctor, test_connection
from booklore_core.actions.status import about
from booklore_core.actions.verify import verify
from booklore_core.bridge.web.asking import Shared, button
from booklore_core.bridge.web.frame import render
from booklore_core.bridge.web.route import PageRoute

calls = APIRouter(route_class=PageRoute, include_in_schema=False)


@calls.get("/checks")
def checks(request: Request, bridge: Shared) -> Response:
    buttons = [button(bridge.core, one) for one in (doctor, test_connection, verify, about)]
    return render(request, "checks.html", title="Checks", buttons=buttons, log=request.app.state.last_lines.newest)
