"""Reads what the server answers: its five shapes of errors, and what each means for a delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from booklore_core import BookUnmatched, Declined, ItemFailed, ItemRejected, TargetUnavailable

if TYPE_CHECKING:
    from requests import Response

REASON_LENGTH = 300
PAGES = "check it, any proxy before it, and whether this network asks for a login of its own"
COLLISION = "A data conflict occurred"
NO_BOOK = "Book not found"
NO_ACCESS = "not authorized to access this book"
NO_BOOKS = "java.lang.String"
"""What is left of "Book not found" where a call takes several ids (contract §8)."""


def json_body(response: Response) -> object:
    from booklore_core.http import json_answer

    return json_answer(response)


def message(response: Response) -> str | None:
    """The text of an application error, None for every other shape. Source: server contract §2.1."""
    body = json_body(response)
    text = body.get("message") if isinstance(body, dict) else None
    return text if isinstance(text, str) else None


def details(response: Response) -> list[str]:
    """What bean validation complains about, as `field: reason`."""
    body = json_body(response)
    found = body.get("details") if isinstance(body, dict) else None
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def reason(response: Response) -> str:
    """One line for a person: status, message and details."""
    text = " ".join([message(response) or "no reason given", *details(response)])
    return f"the server answers {response.status_code}: {text}"[:REASON_LENGTH]


def is_page(response: Response) -> bool:
    return "html" in response.headers.get("Content-Type", "")


def is_token_refused(response: Response) -> bool:
    """Whether a Bearer call was refused for its token. The application's own 401s ("Sync is disabled …", somebody
    else's shelf) are no credential problem. Source: server contract §2.3."""
    asked_by_proxy = "basic" in response.headers.get("WWW-Authenticate", "").lower()
    return response.status_code == 401 and message(response) is None and not is_page(response) and not asked_by_proxy


def refuse_redirect(response: Response, path: str, host: str) -> None:
    """Raises TargetUnavailable naming the address to use when the server sends elsewhere."""
    if not 300 <= response.status_code < 400:
        return
    parts = urlsplit(response.headers.get("Location", ""))
    place = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path
    address = place.removesuffix(path).rstrip("/")
    is_elsewhere = parts.netloc and parts.hostname != urlsplit(f"//{host}").hostname
    told = f"{host} sends everybody on to {address or 'another address'}"
    doubt = ", another site. A network's or proxy's login page does so; if it is your server," if is_elsewhere else ":"
    raise TargetUnavailable(f"{told}{doubt} set that as the server's address", False)


def unavailable(response: Response, writing: bool) -> TargetUnavailable | None:
    """Why nothing can be had from the server now, None when the answer is the application's own.

    writing: whether the request may have changed something all the same.
    """
    status = response.status_code
    if status == 429:
        return TargetUnavailable("the server asks for a pause (429)", False)
    if is_page(response):
        ill = "the server, or a proxy before it, cannot work now"
        meant = f": {ill}" if status >= 500 else f", not with BookLore; {PAGES}"
        return TargetUnavailable(f"the address answers with a web page ({status}){meant}", writing)
    if status > 500:
        return TargetUnavailable(f"the server cannot work now ({status})", writing)
    if status in (401, 403) and message(response) is None:
        return TargetUnavailable(f"the login does not arrive ({status}); does a proxy ask for its own?", False)
    return None


def declined(response: Response, writing: bool) -> Declined:
    """What an answer other than the expected one means for the item. Source: server contract §2.1, §2.3, §6.

    A 500 is ambiguous for a write: these servers also answer it for requests that they will never take.
    """
    away = unavailable(response, writing)
    status, text = response.status_code, message(response) or ""
    if away:
        return away
    if (status == 404 and NO_BOOK in text) or (status == 403 and NO_ACCESS in text):
        return BookUnmatched(text)
    if status == 400 and NO_BOOKS in text:
        return BookUnmatched("the server has no book of that number any more")
    if status == 400 and text:
        return ItemRejected(reason(response))
    if status >= 500 or status < 300:
        return ItemFailed(reason(response), maybe_sent=writing)
    return ItemFailed(reason(response))


def confirm(response: Response, book_id: str, **written: object) -> None:
    """Raises Declined unless a call for several books says that this one, the only one, has what was written.

    A 200 alone says nothing: a word that the server does not know is taken for none (contract §8).
    """
    from booklore_core.http import json_answer

    told = json_answer(response)
    if response.status_code != 200 or told is None:
        raise declined(response, writing=True)
    one = told[0] if isinstance(told, list) and len(told) == 1 else None
    if not isinstance(one, dict) or not {"bookId": int(book_id), **written}.items() <= one.items():
        raise ItemFailed("the server answers, and does not say that it has taken it", maybe_sent=True)
