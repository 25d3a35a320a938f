"""`booklore config`."""

import tomllib
from pathlib import Path

import pytest
from cli_world import Booklore, in_a_dialog


def test_show_tells_value_default_and_source(booklore: Booklore, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[sync]\nwake_delay = 20\n")
    monkeypatch.setenv("BOOKLORE_SESSIONS__MIN_PAGES", "7")
    booklore("config", "set", "sync.mode", "custom")

    ran = booklore("config", "show", "--json")

    assert (ran.code, list(ran.json)) == (0, ["settings"])
    shown = {one["name"]: (one["value"], one["default"], one["type"], one["source"]) for one in ran.json["settings"]}
    assert shown["sync.wake_delay"] == (20, 15, "int", "file")
    assert shown["sessions.min_pages"] == (7, 5, "int", "env")
    assert shown["sync.mode"] == ("custom", "automatic", "choice", "database")
    assert shown["sessions.min_duration"] == (30, 30, "int", "default")


def test_value_keeps_its_type(booklore: Booklore) -> None:
    assert booklore("config", "set", "sessions.min_duration", "45", "--json").json["value"] == 45
    assert booklore("config", "set", "sync.silent", "yes", "--json").json["value"] is True
    assert booklore("config", "set", "booklore.username", "00123", "--json").json["value"] == "00123"
    assert booklore("config", "get", "sessions.min_duration").out == "45\n"


def test_unset_brings_the_default_back(booklore: Booklore) -> None:
    booklore("config", "set", "sessions.min_duration", "45")

    ran = booklore("config", "unset", "sessions.min_duration", "--json")

    assert (ran.json["value"], ran.json["source"]) == (30, "default")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sync.mode", "sometimes", "expected one of automatic, manual, custom"),
        ("sync.wake_delay", "soon", "expected a whole number from 0 to 3600"),
        ("sync.wake_delay", "4000", "expected a whole number from 0 to 3600"),
        ("sync.silnet", "true", "no such setting"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(booklore: Booklore, name: str, value: str, said: str) -> None:
    ran = booklore("config", "set", name, value, "--json")

    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", [("show",), ("show", "--json"), ("get", "booklore.password"), ("export",)])
def test_secret_is_never_shown(booklore: Booklore, command: tuple[str, ...]) -> None:
    booklore("config", "set", "booklore.password", "-", stdin="open sesame\n")

    ran = booklore("config", *command)

    assert ran.code == 0
    assert "sesame" not in ran.out + ran.err


def test_secret_goes_into_a_file_that_only_its_owner_reads(booklore: Booklore, home: Path) -> None:
    ran = booklore("config", "set", "booklore.password", "-", "--json", stdin="open sesame\n")

    assert ran.json["value"] == "***"
    assert (home / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert b"sesame" not in (home / "booklore.sqlite").read_bytes()


def test_secret_without_a_terminal_says_how_to_give_it(booklore: Booklore) -> None:
    ran = booklore("config", "set", "booklore.password")

    assert ran.code == 1
    assert ran.err == "booklore: booklore.password is missing: give - and the value on standard input\n"


def test_setting_without_a_value_says_what_is_expected(booklore: Booklore) -> None:
    ran = booklore("config", "set", "sync.mode")

    assert (ran.code, ran.err) == (1, "booklore: sync.mode: give a value: one of automatic, manual, custom\n")


def test_value_that_the_environment_shadows_is_stored_and_told(
    booklore: Booklore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_SYNC__MODE", "manual")

    ran = booklore("config", "set", "sync.mode", "custom", "--json")
    monkeypatch.delenv("BOOKLORE_SYNC__MODE")

    assert (ran.code, ran.json["value"], ran.json["source"]) == (0, "manual", "env")
    assert ran.err == "booklore: sync.mode stays as the environment sets it\n"
    assert booklore("config", "get", "sync.mode").out == "custom\n"


def test_export_can_be_taken_over_as_config_toml(
    booklore: Booklore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOOKLORE_PROGRESS__ENABLED")
    booklore("config", "set", "booklore.url", 'http://nas/"quoted"\\ž\x7f')
    booklore("config", "set", "sync.silent", "true")
    booklore("config", "set", "booklore.password", "-", stdin="open sesame\n")

    exported, as_json = booklore("config", "export").out, booklore("config", "export", "--json").json

    assert tomllib.loads(exported) == as_json
    assert as_json == {"booklore": {"url": 'http://nas/"quoted"\\ž\x7f'}, "sync": {"silent": True}}
    (home / "booklore.sqlite").unlink()
    (home / "config.toml").write_text(exported)
    assert booklore("config", "get", "booklore.url").out == 'http://nas/"quoted"\\ž\x7f\n'


def test_config_toml_that_cannot_be_read_is_told_in_one_line(booklore: Booklore, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[sync\n")

    ran = booklore("config", "show")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "config.toml" in ran.err


def test_value_that_does_not_fit_is_told_and_the_others_are_shown(
    booklore: Booklore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[sessions]\nmin_pages = 7\n", encoding="utf-8")
    monkeypatch.setenv("BOOKLORE_SESSIONS__MIN_PAGES", "many")

    ran = booklore("config", "show", "--json")

    shown = {one["name"]: one for one in ran.json["settings"]}
    (fault,) = shown["sessions.min_pages"]["faults"]
    assert (ran.code, shown["sessions.min_pages"]["value"], shown["sync.mode"]["faults"]) == (0, 7, [])
    assert "expected a whole number" in fault
    assert ran.err == f"booklore: {fault}\n"
    assert "sessions.min_duration" in booklore("config", "show").out


def test_names_that_nobody_knows_are_told_with_their_place(
    booklore: Booklore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("nope = 3\n[ghost]\n", encoding="utf-8")
    monkeypatch.setenv("BOOKLORE_SESSIONS__NOPE", "1")

    ran = booklore("config", "show", "--json")

    in_the_file, in_the_environment = ran.err.splitlines()
    assert (ran.code, list(ran.json)) == (0, ["settings"])
    assert str(home / "config.toml") in in_the_file and "ghost, nope" in in_the_file
    assert "BOOKLORE_SESSIONS__NOPE" in in_the_environment


@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "nothing there"])
def test_a_configuration_file_that_is_named_and_is_none_is_told(
    booklore: Booklore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_folder: bool
) -> None:
    file = tmp_path / "named.toml"
    if is_folder:
        file.mkdir()
    monkeypatch.setenv("BOOKLORE_CONFIG", str(file))

    ran = booklore("config", "show")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert str(file) in ran.err


def test_a_folder_in_place_of_config_toml_is_told(booklore: Booklore, home: Path) -> None:
    (home / "config.toml").mkdir(parents=True)

    ran = booklore("config", "show")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert str(home / "config.toml") in ran.err


def test_value_that_does_not_fit_cannot_be_got(booklore: Booklore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKLORE_SYNC__MODE", "sometimes")

    ran = booklore("config", "get", "sync.mode")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "expected one of automatic, manual, custom" in ran.err
    assert booklore("config", "get", "sync.silent").code == 0


def test_secret_of_a_file_that_is_not_there_is_a_fault_of_that_secret_only(
    booklore: Booklore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_PASSWORD_FILE", str(tmp_path / "nowhere"))

    ran = booklore("config", "show", "--json")

    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert "BOOKLORE_PASSWORD_FILE" in ran.err


def test_config_toml_may_begin_with_a_byte_order_mark(booklore: Booklore, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(b"\xef\xbb\xbf[sync]\r\nsilent = true\r\n")

    assert booklore("config", "get", "sync.silent").out == "true\n"
    assert ", 1 setting\n" in booklore("doctor").out


@pytest.mark.parametrize("content", [b"[sync\n", b"[sync]\nsilent = \xff\n"], ids=["no TOML", "no UTF-8"])
def test_file_and_line_of_a_broken_config_toml_are_named(booklore: Booklore, home: Path, content: bytes) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(content)

    for command in (("config", "show"), ("sync",), ("doctor", "--json")):
        ran = booklore(*command)
        told = ran.out + ran.err
        assert ran.code == 1
        assert str(home / "config.toml") in told and "line" in told


def test_setting_the_mode_ends_manual_only_as_in_the_menu(booklore: Booklore) -> None:
    booklore("config", "set", "sync.manual_only", "true")

    booklore("config", "set", "sync.mode", "custom")

    assert booklore("config", "get", "sync.manual_only").out == "false\n"


EXAMPLES = "http://192.168.1.5:6060 or https://books.example.org"
WRONG_ADDRESSES = (
    "ftp://books.example.org",
    "htp://x",
    "http://no such",
    "http:/x",
    "https//x",
    "http:x",
    "http://x:",
    "x:y",
    "x:99999",
    "::1",
    "http://",
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("192.168.1.5:6060", "http://192.168.1.5:6060"),
        ("nas", "http://nas"),
        (" nas/books/ ", "http://nas/books"),
        ("[::1]:6060", "http://[::1]:6060"),
        ("https://nas", "https://nas"),
    ],
)
def test_address_is_completed_and_kept_so(
    booklore: Booklore, monkeypatch: pytest.MonkeyPatch, typed: str, meant: str
) -> None:
    booklore("config", "set", "booklore.url", typed)
    stored = booklore("config", "get", "booklore.url").out
    monkeypatch.setenv("BOOKLORE_URL", typed)
    given = booklore("config", "get", "booklore.url").out

    assert (stored, given) == (f"{meant}\n", f"{meant}\n")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        *((wrong, f"'{wrong}' is no address such as {EXAMPLES}") for wrong in WRONG_ADDRESSES),
        (
            "http://ann:s3cret@books.example.org",
            "the address of books.example.org must not hold a user name or password",
        ),
    ],
)
def test_address_that_is_none_is_refused_and_no_password_in_it_is_shown(
    booklore: Booklore, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    ran = booklore("config", "set", "booklore.url", address)
    monkeypatch.setenv("BOOKLORE_URL", address)
    shown = booklore("config", "show")

    assert (ran.code, ran.out, ran.err) == (1, "", f"booklore: booklore.url: {reason}\n")
    assert "s3cret" not in shown.out + shown.err


@pytest.mark.parametrize("address", ["ann:s3cret@shelf.org", "//ann:s3cret@", "http://ann:s3cret@[::1"])
def test_password_in_what_is_no_address_at_all_is_not_shown_either(
    booklore: Booklore, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    ran = booklore("config", "set", "booklore.url", address)
    monkeypatch.setenv("BOOKLORE_URL", address)
    shown = booklore("config", "show")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "s3cret" not in ran.err + shown.out + shown.err


def test_setting_of_several_lines_is_read_to_its_end(booklore: Booklore) -> None:
    ran = booklore("config", "set", "booklore.headers", "-", stdin="One: 1\nTwo\n")

    assert (ran.code, "booklore.headers: it does not fit" in ran.err) == (1, True)


def test_line_of_a_sync_server_that_is_none_is_named_and_not_shown(booklore: Booklore) -> None:
    lines = "club = https://ada:geheim@sync.example\nattic = https://geheim\n"

    ran = booklore("config", "set", "kosync.servers", "-", stdin=lines)

    assert ran.code == 1
    assert "kosync.servers: line 2: expected NAME = https://USER:PASSWORD@HOST/PATH" in ran.err
    assert "geheim" not in ran.err


DELETE = ("config", "set", "deletions.policy", "delete")


def test_what_a_person_has_to_agree_to_is_refused_where_there_is_none(booklore: Booklore) -> None:
    ran = booklore(*DELETE, "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("booklore: deletions.policy stays unshelve. A book that is deleted on an e-reader is")
    for named in ("all of its files, in every format", "all other readers", "no way back", "Give --yes"):
        assert named in ran.err
    assert booklore("config", "get", "deletions.policy").out == "unshelve\n"


def test_with_yes_it_is_chosen(booklore: Booklore) -> None:
    ran = booklore(*DELETE, "--yes", "--json")

    assert (ran.code, ran.json["value"], ran.err) == (0, "delete", "")
    assert booklore(*DELETE).code == 0  # as it is already
    assert booklore("config", "set", "deletions.policy", "ignore").out == "ignore\n"


@pytest.mark.parametrize(("typed", "value"), [("y\n", "delete"), ("n\n", "unshelve"), ("\n", "unshelve")])
def test_at_a_terminal_a_person_is_asked(booklore: Booklore, typed: str, value: str) -> None:
    code, told = in_a_dialog([*DELETE], ("no way back. Choose it all the same?", typed))

    assert code == (0 if value == "delete" else 1), told
    assert booklore("config", "get", "deletions.policy").out == f"{value}\n"


@pytest.mark.parametrize("source", ["env", "file"])
def test_what_the_owner_wrote_down_counts_as_agreed(
    booklore: Booklore, home: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    if source == "env":
        monkeypatch.setenv("BOOKLORE_DELETIONS__POLICY", "delete")
    else:
        home.mkdir()
        (home / "config.toml").write_text('[deletions]\npolicy = "delete"\n')

    (policy,) = [
        one for one in booklore("config", "show", "--json").json["settings"] if one["name"] == "deletions.policy"
    ]

    assert (policy["value"], policy["source"], policy["faults"]) == ("delete", source, [])
    assert booklore(*DELETE).code == 0
