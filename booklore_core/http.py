"""A `requests.Session` whose failures are delivery errors."""

import itertools
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from booklore_core.targets import ItemFailed, TargetUnavailable

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 35.0
"""Seconds. A BookLore whose database is away answers after 30 s; a shorter limit would not tell (contract §2.6)."""

MAX_BODY = 64 * 1024 * 1024
_sent = itertools.count()
_total = 0


def requests_sent() -> int:
    """How many HTTP requests this process has made through `Client`."""
    return _total


class Client:
    """Sends requests to one base URL. TLS is verified, redirects are refused, every call has a timeout.

    base_url: may hold a path. ca_file: a private CA bundle; verify_tls False switches verification off.
    Raises ItemFailed for a base URL that is none.
    """

    def __init__(
        self,
        base_url: str,
        *,
        ca_file: str | None = None,
        verify_tls: bool = True,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
    ) -> None:
        self.base_url = normalize_url(base_url)
        self.timeout = timeout
        self.session = requests.Session()
        self.session.mount("https://", HTTPAdapter(max_retries=0))
        self.session.mount("http://", HTTPAdapter(max_retries=0))
        self.session.auth = unchanged
        self._verify = (ca_file or True) if verify_tls else False

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        """The answer, whatever its status. Raises TargetUnavailable; its maybe_sent is True unless the request
        certainly never reached the server."""
        global _total
        _total = next(_sent) + 1
        try:
            return self.session.request(
                method,
                self.base_url + path,
                headers={"Accept": "application/json", **(headers or {})},
                json=json,
                params=params,
                timeout=self.timeout,
                allow_redirects=False,
                verify=self._verify,  # said to the session only, REQUESTS_CA_BUNDLE of the environment would win
            )
        except requests.exceptions.SSLError as error:
            advice = "set its CA file if it uses a private certificate authority"
            raise TargetUnavailable(f"{self.host}: the TLS certificate was not accepted; {advice}", False) from error
        except (requests.exceptions.ConnectTimeout, requests.exceptions.InvalidURL) as error:
            raise TargetUnavailable(f"{self.host} does not answer", False) from error
        except requests.exceptions.ConnectionError as error:
            unsent = is_refused(error)
            raise TargetUnavailable(
                f"{self.host} {'cannot be reached' if unsent else 'hung up'}", not unsent
            ) from error
        except requests.exceptions.Timeout as error:
            raise TargetUnavailable(f"{self.host} gave no answer within {self.timeout[1]:g} s") from error
        except requests.exceptions.RequestException as error:
            raise TargetUnavailable(f"{self.host}: the answer was cut off ({type(error).__name__})") from error

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    def close(self) -> None:
        self.session.close()


def unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No authorization but the one given: left to itself, requests puts a .netrc entry in a token's place."""
    return request


def is_refused(error: BaseException) -> bool:
    """Whether a connection error came before the request was sent: refused, unknown host, no route."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def normalize_url(text: str) -> str:
    """scheme://host[:port][/path] without a slash at the end. Raises ItemFailed for anything else."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ItemFailed(f"{parts.hostname or text!r} is not an http or https address")
    if "@" in parts.netloc:
        raise ItemFailed(f"the address of {parts.hostname} must not hold a user name or password")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def json_answer(response: requests.Response, *keys: str) -> Any:
    """The JSON body of an answer, or None unless it is JSON and, where keys are given, an object holding all of them.

    These servers answer 200 with a web page for an endpoint that does not exist. Source: server contract §2.2.
    """
    if "json" not in response.headers.get("Content-Type", ""):
        return None
    try:
        body = response.json()
    except ValueError:
        return None
    if keys and not (isinstance(body, dict) and all(key in body for key in keys)):
        return None
    return body
