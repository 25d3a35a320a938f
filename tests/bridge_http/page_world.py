"""A browser as the page sees it, without a screen: it keeps its cookie and sends the forms that it was shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests


@dataclass
class Form:
    """method, action, and the fields that it would send with one of its buttons: [(name, value)]."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


class Forms(HTMLParser):
    """Collects the forms of a view, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._button: dict[str, str] | None = None
        self._select = ""
        self._text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(told["action"]))
        if not self.forms:
            return
        form = self.forms[-1]
        if tag == "input" and (told.get("type") != "checkbox" or "checked" in told):
            form.fields.append((told["name"], told.get("value", "")))
        if tag == "select":
            self._select = told["name"]
        if tag == "option" and "selected" in told:
            form.fields.append((self._select, told["value"]))
        if tag == "button":
            self._button, self._text = told, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            text = " ".join(self._text.split())
            self.forms[-1].buttons.append((text, self._button.get("name", ""), self._button.get("value", "")))
            self._button = None


@dataclass
class Browser:
    """url: of the page. seen: the last answer. headers: sent with every call, as a proxy would."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    seen: requests.Response = field(default_factory=requests.Response)

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self.view = f"{self.url}/"

    def get(self, path: str = "", follow: bool = True) -> requests.Response:
        self.seen = self.session.get(f"{self.url}/{path}", headers=self.headers, timeout=30, allow_redirects=follow)
        self.view = self.seen.url
        return self.seen

    def post(self, path: str, fields: Any, follow: bool = True) -> requests.Response:
        self.seen = self.session.post(
            urljoin(self.view, path), data=fields, headers=self.headers, timeout=30, allow_redirects=follow
        )
        if self.seen.request.method == "GET":
            self.view = self.seen.url
        return self.seen

    def press(self, button: str, /, at: str = "", **typed: str) -> requests.Response:
        """Presses the first button of that text, in a form that leads to `at`; what is typed goes into its fields."""
        for form in Forms(self.seen.text).forms:
            for text, name, value in form.buttons:
                if text == button and at in form.action:
                    given = {one.replace("arg_", "arg."): told for one, told in typed.items()}
                    kept = [(one, told) for one, told in form.fields if one not in given]
                    pressed = [(name, value)] if name else []
                    return self.post(form.action, kept + list(given.items()) + pressed)
        raise AssertionError(f"no button {button!r}; there are {self.buttons}")

    @property
    def buttons(self) -> list[str]:
        return [text for form in Forms(self.seen.text).forms for text, *_ in form.buttons]

    @property
    def text(self) -> str:
        """What a person reads."""
        main = self.seen.text.partition("<main")[2].partition(">")[2].partition("</main>")[0]
        plain = re.sub(r"<[^>]*>", " ", main)
        for code, letter in (("&#34;", '"'), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
            plain = plain.replace(code, letter)
        return " ".join(plain.split())
