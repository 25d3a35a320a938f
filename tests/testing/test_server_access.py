"""Who gets in where: tokens and their age, libraries, permissions, and the KOReader account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from one_clock import Clock

from booklore_core.testing.server import BookLoreServer, partial_digest, small_epub


def log_in(server: BookLoreServer, username: str = "admin", password: str = "adminadmin") -> requests.Response:
    account = {"username": username, "password": password}
    return requests.post(f"{server.url}/api/v1/auth/login", json=account, timeout=5)


def call(server: BookLoreServer, method: str, path: str, token: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    return requests.request(method, server.url + path, headers=headers, timeout=5, **options)


@pytest.mark.parametrize(("dialect", "hours"), [("booklore", 10), ("grimmory", 2), ("custom", 10)])
def test_an_access_token_lives_as_long_as_the_dialect_says(dialect: str, hours: int, clock: Clock) -> None:
    with BookLoreServer(dialect, now=clock) as server:
        token = log_in(server).json()["accessToken"]
        assert len(token.split(".")) == 3

        clock.seconds += hours * 3600 - 1
        assert call(server, "GET", "/api/v1/users/me", token).status_code == 200

        clock.seconds += 1
        assert call(server, "GET", "/api/v1/users/me", token).status_code == 401


def test_the_lock_after_bad_passwords_ends_a_quarter_of_an_hour_after_the_first(clock: Clock) -> None:
    with BookLoreServer(now=clock) as server:
        for _ in range(5):
            assert log_in(server, password="wrong").status_code == 400
            clock.seconds += 60
        assert log_in(server).status_code == 429

        clock.seconds += 15 * 60 - 5 * 60
        assert log_in(server).status_code == 200


def test_a_refresh_token_can_be_made_to_expire_with_the_rest(clock: Clock) -> None:
    with BookLoreServer(now=clock) as server:
        refresh = {"refreshToken": log_in(server).json()["refreshToken"]}

        server.expire_tokens(refresh_too=True)

        assert requests.post(f"{server.url}/api/v1/auth/refresh", json=refresh, timeout=5).status_code == 400


def test_a_changed_password_refuses_the_old_one() -> None:
    with BookLoreServer() as server:
        server.change_password("admin", "new")

        assert log_in(server).status_code == 400
        assert log_in(server, password="new").status_code == 200


@pytest.mark.parametrize("dialect", ["booklore", "grimmory", "custom"])
def test_a_reader_sees_the_books_of_assigned_libraries_only(dialect: str) -> None:
    with BookLoreServer(dialect) as server:
        hidden = server.add_book(small_epub("Hidden"), "hidden.epub", title="Hidden", library_id=2)
        server.add_user("reader2", "secret", libraries=[1])
        token = log_in(server, "reader2", "secret").json()["accessToken"]

        listed = call(server, "GET", "/api/v1/books", token).json()
        assert hidden.id not in [book["id"] for book in listed]
        assert listed[0]["primaryFile"]["fileName"] == "dune.epub"
        assert call(server, "GET", f"/api/v1/books/{hidden.id}", token).status_code == 403
        assert call(server, "GET", f"/api/v1/books/{hidden.id}/content", token).status_code == 404
        assert call(server, "GET", "/api/v1/books/1/download", token).status_code == 403
        assert call(server, "GET", "/api/v1/books/1/content", token).status_code == 200


def test_an_admin_without_the_library_finds_no_book_by_digest() -> None:
    with BookLoreServer("custom") as server:
        token = log_in(server).json()["accessToken"]
        path = f"/api/v1/books/by-hash/{server.books[1].partial_md5}"
        assert call(server, "GET", path, token).json()["id"] == 1

        server.assign_libraries("admin", [])

        assert call(server, "GET", path, token).status_code == 404
        assert call(server, "GET", "/api/v1/books/1", token).status_code == 200


def test_a_koreader_account_is_made_with_its_sync_off() -> None:
    with BookLoreServer(koreader_account=None) as server:
        token = log_in(server).json()["accessToken"]
        assert call(server, "GET", "/api/v1/koreader-users/me", token).status_code == 404

        account = {"username": "kobo", "password": "pw"}
        made = call(server, "PUT", "/api/v1/koreader-users/me", token, json=account).json()
        assert (made["username"], made["syncEnabled"]) == ("kobo", False)
        assert call(server, "PATCH", "/api/v1/koreader-users/me/sync?enabled=true", token).status_code == 204
        assert call(server, "GET", "/api/v1/koreader-users/me", token).json()["syncEnabled"] is True


def test_a_rewritten_book_is_unknown_by_its_old_digest() -> None:
    with BookLoreServer("custom") as server:
        token = log_in(server).json()["accessToken"]
        old = server.books[1].partial_md5
        content = small_epub("Dune, with a new cover")

        rewritten = server.rewrite_book(1, content)

        assert rewritten.partial_md5 == partial_digest(content) != old
        assert call(server, "GET", f"/api/v1/books/by-hash/{old}", token).status_code == 404
        assert call(server, "GET", f"/api/v1/books/by-hash/{rewritten.partial_md5}", token).json()["id"] == 1
        assert call(server, "GET", "/api/v1/books/1/content", token).content == content


def test_a_removed_book_takes_its_sessions_along_and_its_id_is_not_used_again() -> None:
    with BookLoreServer() as server:
        book = server.add_book(small_epub("Gone"), "gone.epub", title="Gone")
        token = log_in(server).json()["accessToken"]
        times = {"startTime": "2026-02-22T14:00:00Z", "endTime": "2026-02-22T14:10:00Z", "durationSeconds": 600}
        session = {"bookId": book.id, "bookType": "EPUB", **times}
        assert call(server, "POST", "/api/v1/reading-sessions", token, json=session).status_code == 202

        server.remove_book(book.id)

        assert server.sessions == []
        assert call(server, "POST", "/api/v1/reading-sessions", token, json=session).status_code == 404
        assert server.add_book(small_epub("Next"), "next.epub").id == book.id + 1


@pytest.mark.parametrize(("dialect", "status"), [("booklore", 404), ("grimmory", 404), ("custom", 404)])
def test_a_book_whose_file_is_missing_is_listed_and_cannot_be_read(dialect: str, status: int) -> None:
    library = {"books": [{"title": "Lost", "fileName": "lost.epub", "md5": "0" * 32, "file": "no/such/lost.epub"}]}
    with BookLoreServer(dialect, library) as server:
        token = log_in(server).json()["accessToken"]

        assert call(server, "GET", "/api/v1/books", token).json()[0]["metadata"]["title"] == "Lost"
        assert call(server, "GET", "/api/v1/books/1/content", token).status_code == status


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("bytes=-4", b"6789"), ("bytes=8-", b"89"), ("bytes=2-3", b"23"), ("bytes=0-99", b"0123456789")],
)
def test_a_range_gives_exactly_its_bytes(asked: str, expected: bytes) -> None:
    with BookLoreServer() as server:
        book = server.add_book(b"0123456789", "digits.epub")
        token = log_in(server).json()["accessToken"]

        answer = call(server, "GET", f"/api/v1/books/{book.id}/content", token, headers={"Range": asked})

        assert (answer.status_code, answer.content) == (206, expected)


@pytest.mark.parametrize(
    ("dialect", "kind"), [("booklore", "application/epub+zip"), ("grimmory", "multipart/byteranges; boundary=")]
)
def test_several_ranges_at_once_are_not_to_be_relied_on(dialect: str, kind: str) -> None:
    with BookLoreServer(dialect) as server:
        book = server.add_book(b"0123456789", "digits.epub")
        token = log_in(server).json()["accessToken"]

        asked = {"Range": "bytes=0-1,4-5"}
        answer = call(server, "GET", f"/api/v1/books/{book.id}/content", token, headers=asked)

        assert answer.headers["Content-Type"].startswith(kind)


def test_five_thousand_books_are_listed_whole() -> None:
    facts = {"authors": ["A"], "fileSizeKb": 900, "bookType": "EPUB"}
    books = [{"title": f"Book {number}", "md5": f"{number:032x}", **facts} for number in range(1, 5001)]
    with BookLoreServer("booklore", {"books": books}) as server:
        token = log_in(server).json()["accessToken"]

        listed = call(server, "GET", "/api/v1/books", token).json()

    assert len(listed) == 5000
    assert listed[-1]["metadata"]["title"] == "Book 5000"


def test_a_server_under_a_path_answers_only_there() -> None:
    with BookLoreServer(base_path="/books") as server:
        assert server.url.endswith("/books")
        assert requests.get(f"{server.url}/api/v1/healthcheck", timeout=5).json()["data"]["status"] == "UP"

        outside = requests.get(server.url.removesuffix("/books") + "/api/v1/healthcheck", timeout=5)
        assert outside.status_code == 404


@pytest.mark.parametrize("dialect", ["booklore", "grimmory", "grimmory-3.5", "custom"])
def test_without_the_permission_there_is_no_koreader_account_to_see_or_make(dialect: str) -> None:
    with BookLoreServer(dialect) as server:
        server.add_user("reader2", "secret", libraries=[1])
        token = log_in(server, "reader2", "secret").json()["accessToken"]
        account = {"username": "kobo", "password": "pw"}

        assert call(server, "GET", "/api/v1/koreader-users/me", token).status_code == 403
        assert call(server, "PUT", "/api/v1/koreader-users/me", token, json=account).status_code == 403

        server.permit("reader2", ["sync_koreader"])
        assert call(server, "GET", "/api/v1/koreader-users/me", token).status_code == 404
        assert call(server, "PUT", "/api/v1/koreader-users/me", token, json=account).status_code == 200


def test_a_koreader_name_that_is_another_s_is_a_data_conflict() -> None:
    with BookLoreServer() as server:
        server.add_user("reader2", "secret", permissions=["sync_koreader"])
        token = log_in(server, "reader2", "secret").json()["accessToken"]

        taken = {"username": "READER", "password": "pw"}
        answer = call(server, "PUT", "/api/v1/koreader-users/me", token, json=taken)

        assert (answer.status_code, answer.json()["message"].split(".")[0]) == (400, "A data conflict occurred")


def test_a_reader_without_a_library_sees_an_empty_list_and_no_refusal() -> None:
    with BookLoreServer() as server:
        server.add_user("reader2", "secret")
        token = log_in(server, "reader2", "secret").json()["accessToken"]

        answer = call(server, "GET", "/api/v1/books", token)

        assert (answer.status_code, answer.json()) == (200, [])


def test_where_single_sign_on_is_forced_only_admins_have_passwords_and_tokens_are_renewed(clock: Clock) -> None:
    with BookLoreServer(now=clock) as server:
        server.add_user("reader2", "secret", libraries=[1])
        server.single_sign_on_only = True

        refused = log_in(server, "reader2", "secret")
        assert (refused.status_code, refused.json()["message"][:23]) == (403, "Local login is disabled")
        assert log_in(server).status_code == 200
        told = requests.get(f"{server.url}/api/v1/public-settings", timeout=5).json()
        assert (told["oidcEnabled"], told["oidcForceOnlyMode"]) == (True, True)

        given = {"refreshToken": server.sign_on("reader2")}
        clock.seconds += 180
        renewed = requests.post(f"{server.url}/api/v1/auth/refresh", json=given, timeout=5)
        assert renewed.status_code == 200
        assert call(server, "GET", "/api/v1/books/1", renewed.json()["accessToken"]).status_code == 200


def test_the_health_check_tells_the_server_s_own_time_without_its_zone(clock: Clock) -> None:
    with BookLoreServer(now=clock) as server:
        server.zone_hours = 5.5

        told = requests.get(f"{server.url}/api/v1/healthcheck", timeout=5).json()["timestamp"]

    assert datetime.fromisoformat(told) == datetime.fromtimestamp(clock.seconds + 5.5 * 3600, UTC).replace(tzinfo=None)


def test_a_rewritten_book_keeps_its_id_and_addition_date_under_another_name(clock: Clock) -> None:
    with BookLoreServer("booklore", now=clock) as server:
        token = log_in(server).json()["accessToken"]
        clock.seconds += 3600
        book = server.add_book(small_epub("Late"), "late.epub", title="Late")
        before = call(server, "GET", f"/api/v1/books/{book.id}", token).json()
        assert before["addedOn"] > call(server, "GET", "/api/v1/books/1", token).json()["addedOn"]

        clock.seconds += 3600
        server.rewrite_book(book.id, small_epub("Later"), title="Later", file_name="later.epub")

        after = call(server, "GET", f"/api/v1/books/{book.id}", token).json()
        assert (after["id"], after["addedOn"]) == (before["id"], before["addedOn"])
        assert (after["metadata"]["title"], after["primaryFile"]["fileName"]) == ("Later", "later.epub")


@pytest.mark.parametrize(
    ("dialect", "status"), [("booklore", 500), ("custom", 500), ("grimmory", 200), ("grimmory-3.5", 200)]
)
def test_a_file_in_two_libraries_is_a_500_by_its_digest_or_the_newest_book(dialect: str, status: int) -> None:
    with BookLoreServer(dialect) as server:
        first = server.books[1]
        newest = server.add_book(first.read() or b"", "dune-again.epub", title="Dune", library_id=2)
        token = log_in(server).json()["accessToken"]
        key = {"x-auth-user": "reader", "x-auth-key": "a902712c764e53ab81dca368897bb7d7"}
        pushed = {"document": first.partial_md5, "percentage": 0.5, "progress": "x"}

        answer = requests.put(f"{server.url}/api/koreader/syncs/progress", json=pushed, headers=key, timeout=5)

        assert answer.status_code == status
        moved = call(server, "GET", f"/api/v1/books/{newest.id}", token).json()
        assert ("koreaderProgress" in moved) == (status == 200)
        assert "koreaderProgress" not in call(server, "GET", "/api/v1/books/1", token).json()
