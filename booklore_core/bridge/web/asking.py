"""An action on the page: its button, its questions as forms without a script, its outcome on the next view."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from booklore_core.actions import all_actions, owner_of, told_of
from booklore_core.actions.answers import BadAnswer
from booklore_core.actions.own import LONG_PRESS
from booklore_core.actions.settings import set_setting
from booklore_core.bridge.bridge import Bridge
from booklore_core.bridge.dialogs import NoSuchQuestion
from booklore_core.bridge.effects import Effects
from booklore_core.bridge.web.frame import browser_of, go_on, render, tell_effects
from booklore_core.bridge.web.route import PageRoute, form_of
from booklore_core.bridge.workers import Busy
from booklore_core.core import Core
from booklore_core.flows import Action, Question
from booklore_core.flows import Request as Asked
from booklore_core.settings import BadSetting

calls = APIRouter(route_class=PageRoute, include_in_schema=False)
Fields = Annotated[Mapping[str, list[str]], Depends(form_of)]

BACK = re.compile(r"[a-z]{0,12}(?:/[\w:.-]{1,80})?(?:\?[\w=&%.+~-]{0,2000})?(?:#[\w.-]{1,80})?", re.ASCII)
"""Where a form may lead back to: a view of the page."""

TITLE = "SELECT title FROM books WHERE partial_md5 = :md5"

NOT_FROM_HERE = "A file of the computer can be named only from a browser at that computer, or with the command there."
GONE = "This question was answered already, or it was asked too long ago. Ask for the same again where it came up."

MOST_NESTED = 100
"""So many objects and lists the arguments of a button may hold."""

FIELD = "arg."
"""What the names of a form's fields begin with that are an action's arguments."""


def bridge_of(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.bridge
    return bridge


Shared = Annotated[Bridge, Depends(bridge_of)]


def value(fields: Mapping[str, list[str]], name: str, otherwise: str = "") -> str:
    return fields.get(name, [otherwise])[-1]


def back_of(text: str) -> str:
    return text if BACK.fullmatch(text) else ""


@calls.post("/do/{name}")
def do(name: str, request: Request, fields: Fields, bridge: Shared) -> Response:
    """Runs an action; then its first question, or the view that it was asked for at, with what it came to."""
    if name not in all_actions(bridge.core):
        raise HTTPException(404, f"There is no action {name!r}.")
    args, back = args_of(fields), back_of(value(fields, "back"))
    asked = Asked(value(fields, "book") or None, args, speaker(bridge.core, request, name, args))
    try:
        if "path" in args and not request.state.visit.is_here:
            raise BadSetting(NOT_FROM_HERE)
        effects = bridge.begin(browser_of(request), name, asked)
    except (BadSetting, Busy) as error:
        request.app.state.news.tell(request.state.visit.cookie, str(error), ok=False)
        return go_on(request, back)
    return follow(request, effects, back, asked.book)


def args_of(fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """An action's arguments: those that its button carries, and those that a person has typed."""
    told = value(fields, "args", "{}")
    try:
        args = json.loads(told) if told.count("[") + told.count("{") <= MOST_NESTED else None
    except ValueError:
        args = None
    if not isinstance(args, dict):
        raise HTTPException(422, "args: expected a JSON object")
    return args | {name.removeprefix(FIELD): told[-1] for name, told in fields.items() if name.startswith(FIELD)}


def speaker(core: Core, request: Request, name: str, args: Mapping[str, Any]) -> str | None:
    """Who the action is told that asks: nobody's device, but where a setting says where secrets go, and from elsewhere
    where one is of this computer: those are as safe from a browser as from an e-reader."""
    known = str(args.get("name", ""))
    if name != set_setting.name or known not in core.settings:
        return None
    setting = core.settings.declaration(known)
    is_guarded = setting.forgets or (setting.local and not request.state.visit.is_here)
    return browser_of(request) if is_guarded else None


def follow(request: Request, effects: Effects, back: str, book: str | None) -> Response:
    """Where a browser goes after an action's step. book: the one that it was about, which heads its outcome."""
    question = next((effect["id"] for effect in effects if effect["type"] == "question"), None)
    tell_effects(request, [effect for effect in effects if effect["type"] != "question"], title_of(request, book))
    return go_on(request, way_to(question, back, book or "") if question else back)


def title_of(request: Request, book: str | None) -> str:
    core: Core = request.app.state.bridge.core
    return str(core.database.value(TITLE, md5=book) or "") if book else ""


def way_to(question: str, back: str, book: str) -> str:
    return f"ask/{question}?back={quote(back, '')}&book={quote(book, '')}"


@calls.get("/ask/{id}")
def show_question(id: str, request: Request, bridge: Shared, back: str = "", book: str = "") -> Response:  # noqa: A002 the path's
    try:
        question = bridge.question(browser_of(request), id)
    except NoSuchQuestion:
        return question_is_gone(request, back)
    first, _, more = question.text.partition("\n")
    about = {"id": id, "question": question, "first": first, "more": more, "back": back_of(back), "book": book[:80]}
    return render(request, "ask.html", title=first, **about, options=options_of(question))


def options_of(question: Question) -> list[dict[str, Any]]:
    """The options of a question, each with its first line, what stands below it, and whether it is what holds now."""
    chosen, books = getattr(question, "chosen", ()), getattr(question, "books", ())
    covers = [f"covers/{quote(target, '')}/{quote(id_, '')}" for target, id_ in books]
    lines = [option.partition("\n") for option in getattr(question, "options", ())]
    return [
        {"first": first, "more": more, "chosen": index in chosen, "cover": "".join(covers[index : index + 1])}
        for index, (first, _, more) in enumerate(lines)
    ]


@calls.post("/ask/{id}")
def take_answer(id: str, request: Request, fields: Fields, bridge: Shared) -> Response:  # noqa: A002 the path's
    """A person's answer, and the next question or where it all began."""
    browser, back, book = browser_of(request), back_of(value(fields, "back")), value(fields, "book")
    try:
        effects = bridge.go_on(browser, id, answer_of(bridge.question(browser, id), fields))
    except NoSuchQuestion:
        return question_is_gone(request, back)
    except (BadAnswer, Busy) as error:
        request.app.state.news.tell(request.state.visit.cookie, str(error), ok=False)
        return go_on(request, way_to(id, back, book))
    return follow(request, effects, back, book)


def question_is_gone(request: Request, back: str) -> Response:
    """For who comes back to a question: to where it was asked."""
    request.scope.setdefault("state", {})["why"] = GONE
    return render(request, "fault.html", 404, title="Asked no more", text=GONE, back=back_of(back))


def answer_of(question: Question, fields: Mapping[str, list[str]]) -> Any:
    """An answer in the question's own shape; None for cancelled."""
    if "cancel" in fields:
        return None
    if question.kind == "pick":
        return [as_index(one) for one in fields.get("answer", [])]
    if question.kind == "confirm":
        return value(fields, "answer") == "yes"
    if question.kind == "ask":
        return "" if "skip" in fields else value(fields, "answer")
    return as_index(value(fields, "answer"))


def as_index(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text


def button(core: Core, action: Action) -> dict[str, Any]:
    """What a view needs to offer an action: its label as everywhere, and whether it has anything to do."""
    owner = owner_of(core, action.name)
    checked = bool(told_of(core, action, action.checked, False)) if action.checked else None
    return {
        "name": action.name,
        "label": str(told_of(core, action, action.text, action.name)).replace("...", "…"),
        "help": action.help,
        "args": json.dumps(dict(action.args)),
        "params": action.params,
        "enabled": action.enabled is None or bool(told_of(core, action, action.enabled, True)),
        "checked": checked,
        "run": "Run" if checked is None else "Switch off" if checked else "Switch on",
        "plugin": owner.name if owner else "",
        "order": action.order,
    }


@calls.get("/actions")
def actions(request: Request, bridge: Shared) -> Response:
    """Everything that a person can ask for, grouped as in KOReader's menu."""
    core, groups = bridge.core, dict[str, list[dict[str, Any]]]()
    with core.database.transaction():
        for action in all_actions(core).values():
            if action.menu is not None and action.menu != LONG_PRESS:
                groups.setdefault(" › ".join(action.menu) or "General", []).append(button(core, action))
    listed = {name: sorted(buttons, key=lambda one: one["order"]) for name, buttons in sorted(groups.items())}
    return render(request, "actions.html", title="Actions", groups=listed)
