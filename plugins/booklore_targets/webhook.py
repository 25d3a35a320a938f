"""Posts every fact, of whatever kind, as JSON to an address. To copy for a target of your own."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from urllib.parse import urlsplit

from booklore_core import Before, Item, ItemFailed, ItemRejected, Kind, Section, Setting, TargetUnavailable, hookimpl


class Webhook:
    """One address. Who gets a fact twice, as its answer was lost, knows it by the same `Idempotency-Key`."""

    name = "webhook"

    def __init__(self, url: str, secret: str, kinds: Mapping[str, Kind]) -> None:
        self.kinds, self._secret, parts = frozenset(kinds), secret.encode(), urlsplit(url)
        self.address, self._path = f"{parts.scheme}://{parts.netloc}", parts._replace(scheme="", netloc="").geturl()

    def deliver(self, item: Item, before: Before) -> None:
        from booklore_core.http import Client  # not at the top: every start would wait for it

        fact = {"kind": item.kind, "key": item.key, "occurred_at": item.occurred_at.isoformat(), "body": item.body}
        body = json.dumps({**fact, "book": asdict(item.book)}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": item.idempotency_key}
        if self._secret:
            headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        with closing(Client(self.address)) as client:
            answer = client.send("POST", self._path, headers=headers, data=body)
        status, text = answer.status_code, " ".join(answer.text.split())[:200]
        said = f"{client.host} answers {status} {answer.reason}{'' if text[:1] in ('', '<') else f': {text}'}"
        if status > 500 or status in (401, 429) or 300 <= status < 400:
            raise TargetUnavailable(said, maybe_sent=status > 500)
        if status >= 400:  # 500: it fails at this one, and the others shall not wait for it
            raise ItemFailed(said, maybe_sent=True) if status == 500 else ItemRejected(said)


def fit_address(url: str) -> None:
    if url and not re.fullmatch(r"https?://[^/@?#\s]+([/?]\S*)?", url):
        raise ValueError("expected an address such as https://hooks.example.org/reading, without a user name in it")


@hookimpl
def register_settings() -> Iterator[Setting]:
    yield Setting(
        "url", str, "", "Where it is posted", label="Webhook URL", forgets=("secret",), needed=True, fits=fit_address
    )
    yield Setting("secret", str, "", "Signs what is posted (HMAC-SHA256), if set", label="Webhook secret", secret=True)


@hookimpl
def register_targets(settings: Section, kinds: Mapping[str, Kind]) -> Iterator[Webhook]:
    if settings["url"]:
        yield Webhook(settings["url"], settings["secret"], kinds)
