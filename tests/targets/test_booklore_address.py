"""What lies behind the address: sub-paths, private certificates, proxies, other web sites, and which server it is."""

import http.server
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message

import pytest
from booklore_world import FRESH, TLS, OpenWorld, World, session

from booklore_core import ItemFailed, TargetUnavailable
from booklore_targets.booklore.setup import read_headers


@contextmanager
def web_server(
    status: int, *headers: tuple[str, str], body: bytes = b"", seen: list[Message] | None = None
) -> Iterator[str]:
    """A server that answers everything alike. seen: gets the headers of the requests."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(self.headers)
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("tail", ["", "/", "/api/v1", "/api/koreader/", "/login"])
def test_server_below_a_path_is_reached_however_its_address_is_written(open_world: OpenWorld, tail: str) -> None:
    world = open_world(base_path="/books")

    world.target(URL=world.server.url + tail).deliver(session(), FRESH)

    assert len(world.server.sessions) == 1


def test_private_authority_is_trusted_by_its_file(open_world: OpenWorld, tls: ssl.SSLContext) -> None:
    world = open_world(tls=tls)

    world.target(BOOKLORE__CA_FILE=str(TLS / "ca.pem")).deliver(session(), FRESH)

    assert len(world.server.sessions) == 1


def test_certificate_is_verified_unless_that_is_switched_off(open_world: OpenWorld, tls: ssl.SSLContext) -> None:
    world = open_world(tls=tls)

    with pytest.raises(TargetUnavailable, match="certificate was not accepted") as refusal:
        world.target().deliver(session(), FRESH)
    world.target(BOOKLORE__VERIFY_TLS="false").deliver(session(), FRESH)

    assert not refusal.value.maybe_sent
    assert len(world.server.sessions) == 1


def test_certificate_that_is_not_verified_is_told_once(
    open_world: OpenWorld, tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    world = open_world(tls=tls)
    for minute in (0, 10, 20):
        world.target(BOOKLORE__VERIFY_TLS="false").deliver(session(minute=minute), FRESH)

    assert [one.levelname for one in caplog.records if "not verified" in one.getMessage()] == ["WARNING"]
    assert [str(one.message) for one in recwarn if "Unverified" in str(one.message)] == []
    told = next(line for line in world.targets[-1].check() if line.check == "TLS")
    assert (told.ok, "booklore.ca_file" in told.advice) == (True, True)


@pytest.mark.parametrize("content", [None, "this is no certificate"])
def test_unusable_ca_file_is_named(open_world: OpenWorld, tls: ssl.SSLContext, content: str | None) -> None:
    world = open_world(tls=tls)
    ca_file = world.home / "ca.pem"
    if content:
        ca_file.write_text(content)

    with pytest.raises(TargetUnavailable, match="(?i)ca.file"):
        world.target(BOOKLORE__CA_FILE=str(ca_file)).deliver(session(), FRESH)


@pytest.mark.parametrize("url", ["ftp://example.org", "http://no such", "http://", "http://a:b@books.example.org"])
def test_address_that_is_none_ends_the_run_without_an_attempt(open_world: OpenWorld, url: str) -> None:
    world = open_world()
    with pytest.raises(TargetUnavailable, match="booklore.url") as refusal:
        world.target(URL=url).deliver(session(), FRESH)

    assert not refusal.value.maybe_sent
    assert [fault.name for fault in world.settings.faults()] == ["booklore.url"]


def test_server_that_is_down_is_unavailable(open_world: OpenWorld) -> None:
    world = open_world()
    target = world.target()
    world.server.stop()

    with pytest.raises(TargetUnavailable, match="cannot be reached") as refusal:
        target.deliver(session(), FRESH)

    assert not refusal.value.maybe_sent


@pytest.mark.parametrize("status", [200, 401, 403, 404, 502])
def test_web_page_in_its_place_is_not_booklore(open_world: OpenWorld, status: int) -> None:
    page = web_server(status, ("Content-Type", "text/html"), body=b"<html>Log in</html>")

    with page as url, pytest.raises(TargetUnavailable, match="answers with a web page") as refusal:
        open_world().target(URL=url).deliver(session(), FRESH)

    assert not refusal.value.maybe_sent


def test_other_json_service_is_not_booklore(open_world: OpenWorld) -> None:
    service = web_server(200, ("Content-Type", "application/json"), body=b'{"status": "UP"}')

    with service as url, pytest.raises(TargetUnavailable, match="does not answer as BookLore does"):
        open_world().target(URL=url).deliver(session(), FRESH)


def test_access_proxy_gets_its_headers_which_stay_secret(open_world: OpenWorld) -> None:
    world, seen = open_world(), list[Message]()

    with web_server(403, seen=seen) as url, pytest.raises(TargetUnavailable) as refusal:
        lines = "Access-Id: kobo\n\nAccess-Secret : open sesame\n"
        world.target(URL=url, BOOKLORE__HEADERS=lines).deliver(session(), FRESH)

    assert (seen[0]["Access-Id"], seen[0]["Access-Secret"]) == ("kobo", "open sesame")
    assert "sesame" not in f"{refusal.value}{world.everything_kept()}{world.targets[-1]._open().connection.setup}"


@pytest.mark.parametrize("line", ["no colon", "Two Words: x", "Authorization: Basic x", "X-Auth-Key: x", "Id: naïve"])
def test_line_that_is_no_header_of_a_proxy_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="Name: value"):
        read_headers(line)


@pytest.mark.parametrize("status", [301, 302, 308])
def test_redirect_tells_the_address_to_use_and_gets_no_credentials(open_world: OpenWorld, status: int) -> None:
    location = ("Location", "https://books.example.org/shelf/api/v1/healthcheck?token=1")

    with web_server(status, location) as url, pytest.raises(TargetUnavailable) as refusal:
        open_world().target(URL=url).deliver(session(), FRESH)

    assert "https://books.example.org/shelf, another site" in refusal.value.reason
    assert "token" not in refusal.value.reason


def test_proxy_page_on_a_write_may_have_let_it_through(open_world: OpenWorld) -> None:
    world = open_world()
    world.server.fail("commit_then_html_200", "POST /api/v1/reading-sessions", after=1)  # the first is the probe

    with pytest.raises(TargetUnavailable) as refusal:
        world.target().deliver(session(), FRESH)

    assert refusal.value.maybe_sent


def test_each_server_is_recognised_by_what_it_does(world: World, dialect: str) -> None:
    target = world.target()
    target.deliver(session(), FRESH)

    found = world.store.get("dialect")["found"]

    assert found["family"] == ("grimmory" if "grimmory" in dialect else "booklore")
    assert {found["by_hash"], found["batch"], found["search"]} == {dialect == "custom"}


def test_probing_leaves_nothing_on_the_server(world: World) -> None:
    world.target().check()

    assert not world.server.sessions
    assert [one.path for one in world.server.requests if one.status == 202] == []


def test_server_is_probed_once_for_its_version(stock: World) -> None:
    stock.target().deliver(session(), FRESH)

    stock.target().deliver(session(minute=10), FRESH)

    assert stock.asked("/api/v1/books/by-hash") == 1
    assert stock.asked("/api/v1/healthcheck") == 2


@pytest.mark.parametrize("change", [{"version": "v0.1"}, {"by_hash": True, "version": "v0.1"}])
def test_new_version_is_probed_again(stock: World, change: dict[str, object]) -> None:
    stock.target().deliver(session(), FRESH)
    stored = stock.store.get("dialect")
    found = dict(stored["found"])

    stock.store.set("dialect", {**stored, "found": {**found, **change}})
    stock.target().deliver(session(minute=10), FRESH)

    assert stock.store.get("dialect")["found"] == found


def test_moved_server_is_probed_again(open_world: OpenWorld) -> None:
    stock, image = open_world("booklore"), open_world("custom")
    stock.target().deliver(session(), FRESH)
    assert stock.target().batch_size == 1

    target = stock.target(URL=image.server.url)
    target.deliver(session(), FRESH)

    assert target.batch_size == 100


def test_unclear_answer_to_a_probe_is_asked_again_next_time(open_world: OpenWorld) -> None:
    world = open_world("custom")
    world.server.fail("status:502_html", "POST /api/v1/reading-sessions/batch")

    world.target().deliver(session(), FRESH)
    assert world.store.get("dialect") is None
    world.target().deliver(session(minute=10), FRESH)

    assert world.store.get("dialect")["found"]["batch"]


def test_importing_the_plugin_loads_no_http_library() -> None:
    program = "import sys, booklore_targets.booklore; print({'requests', 'rapidfuzz', 'dataset'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_closed_target_sends_nothing_for_a_call_that_was_given_up(open_world: OpenWorld) -> None:
    world = open_world()
    target = world.target()
    world.server.on_request = lambda record: target.close() if record.path.endswith("/auth/login") else None

    with pytest.raises((TargetUnavailable, ItemFailed)):
        target.deliver(session(), FRESH)

    assert not world.server.sessions
