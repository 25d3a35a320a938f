"""A `requests.Session` whose failures are delivery errors."""

import itertools
import re
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from booklore_core.targets import ItemFailed, TargetUnavailable

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 35.0
"""Seconds. A BookLore whose database is away answers after 30 s; a shorter limit would not tell (contract §2.6)."""

ANSWER_TIMEOUT = 55.0
"""Seconds for a whole answer, however slowly it trickles in: less than the minute after which a call is given up."""

MAX_BODY = 64 * 1024 * 1024
"""Bytes of an answer's body, unpacked."""

USER_AGENT = f"BookLore-Sync/{version('booklore-sync')}"

CERTIFICATE = ": the TLS certificate was not accepted; set its CA file if it uses a private certificate authority"
NO_TLS = re.compile("WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL|HTTP_REQUEST", re.IGNORECASE)
PLAIN = " speaks no TLS: give its address with http:// if it is at home, or the port at which it speaks https"

CHUNK = 64 * 1024
_sent = itertools.count()
_total = 0


def requests_sent() -> int:
    """How many HTTP requests this process has made through `Client`."""
    return _total


class Client:
    """Sends requests to one base URL. TLS is verified, redirects are refused, answers are bounded in time and size.

    base_url: may hold a path. headers: sent with every request, for an access proxy. ca_file: a private CA bundle;
    verify_tls False switches verification off.
    timeout: seconds for connecting, and between two parts of an answer; answer_timeout: for all of it. max_body: bytes,
    unpacked.
    Raises ItemFailed for a base URL that is none.
    """

    def __init__(
        self, base_url: str, *, headers: Mapping[str, str] | None = None, ca_file: str | None = None,
        verify_tls: bool = True, timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
        answer_timeout: float = ANSWER_TIMEOUT, max_body: int = MAX_BODY,
    ) -> None:  # fmt: skip
        self.base_url = normalize_url(base_url)
        self.timeout, self._answer_timeout, self._max_body = timeout, answer_timeout, max_body
        self.session = requests.Session()
        self.session.auth = unchanged
        self.session.headers.update({"User-Agent": USER_AGENT, **(headers or {})})
        # What the environment says of proxies and CA bundles is asked once, not at every request.
        verify = (ca_file or True) if verify_tls else False
        self._around = self.session.merge_environment_settings(self.base_url, {}, True, verify, None)
        self.session.trust_env = False
        if not verify_tls:  # who asked for it need not be told at every request
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, json: Any = None,
        data: bytes | None = None, params: Mapping[str, Any] | None = None,
    ) -> requests.Response:  # fmt: skip
        """The answer, whatever its status. data: a body as it is, in place of json. Raises TargetUnavailable; its
        maybe_sent is True unless the request certainly never reached the server."""
        global _total
        _total = next(_sent) + 1
        until = time.monotonic() + self._answer_timeout
        try:
            response = self.session.request(
                method, self.base_url + path, headers={"Accept": "application/json", **(headers or {})},
                json=json, data=data, params=params, timeout=self.timeout, allow_redirects=False, **self._around,
            )  # fmt: skip
            with response:
                self._read_body(response, until)
            return response
        except requests.exceptions.SSLError as error:
            fault = PLAIN if NO_TLS.search(str(error)) else CERTIFICATE
            raise TargetUnavailable(f"{self.host}{fault}", False) from error
        except (requests.exceptions.ConnectTimeout, requests.exceptions.InvalidURL) as error:
            raise TargetUnavailable(f"{self.host} does not answer", False) from error
        except requests.exceptions.ConnectionError as error:
            away = why_unreached(error)
            raise TargetUnavailable(f"{self.host} {away or 'hung up'}", not away) from error
        except requests.exceptions.Timeout as error:
            raise TargetUnavailable(f"{self.host} gave no answer within {self.timeout[1]:g} s") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TargetUnavailable(f"{self.host}: the answer was cut off ({type(error).__name__})") from error

    def _read_body(self, response: requests.Response, until: float) -> None:
        """Reads all of it, as requests would do unbounded. Raises TargetUnavailable: what was asked for may be done."""
        parts: list[bytes] = []
        size = 0
        announced = response.headers.get("Content-Length", "")
        while size <= self._max_body and not (announced.isdecimal() and int(announced) > self._max_body):
            part = response.raw.read1(CHUNK, decode_content=True)
            if not part:
                vars(response).update(_content=b"".join(parts), _content_consumed=True)
                return
            parts.append(part)
            size += len(part)
            if time.monotonic() > until:
                raise TargetUnavailable(f"{self.host} took longer than {self._answer_timeout:g} s to answer")
        raise TargetUnavailable(f"{self.host} answers with more than {self._max_body:,} bytes")

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    def close(self) -> None:
        self.session.close()


def unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No authorization but the one given: left to itself, requests puts a .netrc entry in a token's place."""
    return request


def why_unreached(error: BaseException) -> str:
    """What a connection error came from before the request was sent: refused, unknown host, no route; "" for later."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if type(reason).__name__ not in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError"):
        return ""
    is_refused = isinstance(getattr(reason, "__cause__", None), ConnectionRefusedError)
    unknown = ": no such name is known here" if type(reason).__name__ == "NameResolutionError" else ""
    return f"cannot be reached{': nothing listens there' if is_refused else unknown}"


def normalize_url(text: str) -> str:
    """scheme://host[:port][/path] without a slash at the end; http where no scheme is given. Raises ItemFailed for what
    is no address."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        is_one = parts.scheme in ("http", "https") and parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:  # brackets, ports
        parts, is_one = urlsplit(""), False
    if not is_one or parts.hostname in (None, "http", "https") or any(map(str.isspace, text)):
        shown = "…" if "@" in text else text  # there may be a password before the @
        raise ItemFailed(f"{shown!r} is no address such as http://192.168.1.5:6060 or https://books.example.org")
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
