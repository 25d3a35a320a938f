"""Settings: where a value comes from, that it keeps its type, and what is said about one that does not fit."""

import pytest

from booklore_core import Setting
from booklore_core.bridge.watch import secrets_digest
from booklore_core.settings import BadSetting, SettingFault, Settings
from booklore_core.storage.database import Database
from booklore_core.storage.preset import preset, read_config
from booklore_core.storage.secrets import Secrets
from booklore_core.storage.since import SYNC
from booklore_core.storage.store import StoredSettings

SHOP = (
    Setting("enabled", bool, True, "Whether the shop works"),
    Setting("pages", int, 5, "Fewest pages", low=1, high=100),
    Setting("share", float, 0.5, "A fraction", low=0, high=1),
    Setting("weight", float, 1.0, "A number without a range"),
    Setting("mode", str, "fast", "How", choices=("fast", "slow")),
    Setting("user", str, "", "Account", env="SHOP_USER"),
    Setting("password", str, "", "Its password", secret=True, env="SHOP_PASSWORD"),
)


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/booklore.sqlite")
    yield database
    database.close()


@pytest.fixture
def make(tmp_path, database):
    """Settings of a shop with a config.toml and an environment."""

    def make(config=None, **environ):
        file = tmp_path / "config.toml"
        if config is not None:
            file.write_text(config, encoding="utf-8")
        settings = Settings(StoredSettings(database), Secrets(tmp_path / "secrets.json"), preset(file, environ))
        settings.declare("sync", SYNC)
        settings.declare("shop", SHOP)
        return settings

    return make


def passed_over(settings, name):
    """What is said about the one value that does not fit; the default holds in its place."""
    (fault,) = settings.faults()
    assert settings[name] == settings.declaration(name).default
    assert fault.name == name
    return fault.text


def test_the_environment_goes_before_the_file_before_the_database_before_the_default(make):
    def source(*arguments, **environ):
        value = make(*arguments, **environ).value("shop.pages")
        return value.source, value.value

    assert source() == ("default", 5)
    make().set("shop.pages", 6)
    assert source() == ("database", 6)
    assert source("[shop]\npages = 7") == ("file", 7)
    assert source(BOOKLORE_SHOP__PAGES="8") == ("env", 8)


def test_what_was_set_is_forgotten_again(make):
    settings = make()
    settings.set("shop.pages", 6)

    assert settings.unset("shop.pages").value == 5


def test_setting_a_value_tells_what_holds_instead(make):
    value = make(BOOKLORE_SHOP__PAGES="8").set("shop.pages", 6)

    assert (value.value, value.source) == (8, "env")


@pytest.mark.parametrize("text", ["00123", "1e5", "0x1F", "true", "inf", " padded ", "ünï", "-", "null"])
def test_a_text_stays_the_text_it_is(make, text):
    settings = make()

    settings.set("shop.user", text)
    settings.set("shop.password", text)

    assert make()["shop.user"] == make()["shop.password"] == text
    assert make(SHOP_USER=text)["shop.user"] == text


@pytest.mark.parametrize(("word", "value"), [("true", True), ("YES", True), (" on ", True), ("1", True)])
def test_words_for_true(make, word, value):
    assert make(BOOKLORE_SHOP__ENABLED=word)["shop.enabled"] is value


@pytest.mark.parametrize("word", ["false", "No", "OFF", "0"])
def test_words_for_false(make, word):
    assert make(BOOKLORE_SHOP__ENABLED=word)["shop.enabled"] is False


def test_a_file_keeps_the_types_of_its_values(make):
    settings = make('[shop]\nenabled = false\npages = 9\nshare = 1\nmode = "slow"')

    assert [settings[f"shop.{name}"] for name in ("enabled", "pages", "share", "mode")] == [False, 9, 1.0, "slow"]


def test_a_file_with_a_byte_order_mark_is_read(make):
    assert make("\ufeff[shop]\npages = 9")["shop.pages"] == 9


def test_an_empty_variable_is_none(make):
    assert make("[shop]\npages = 7", BOOKLORE_SHOP__PAGES="", SHOP_USER="")["shop.pages"] == 7


def test_another_name_for_a_variable_comes_after_the_full_one(make):
    assert make(SHOP_USER="ann")["shop.user"] == "ann"
    assert make(SHOP_USER="ann", BOOKLORE_SHOP__USER="bob")["shop.user"] == "bob"


def test_a_plugin_with_a_hyphen_has_variables_too(make):
    settings = make(BOOKLORE_BOOK_CLUB__SIZE="4")
    settings.declare("book-club", [Setting("size", int, 1, "How many")])

    assert settings["book-club.size"] == 4


@pytest.mark.parametrize("variable", ["SHOP_PASSWORD_FILE", "BOOKLORE_SHOP__PASSWORD_FILE"])
def test_a_secret_may_come_from_a_file(make, tmp_path, variable):
    file = tmp_path / "password"
    file.write_bytes("\ufeff00123\r\n".encode())

    assert make(**{variable: str(file)})["shop.password"] == "00123"


def test_a_secrets_file_that_cannot_be_read_is_named_with_its_variable(make, tmp_path):
    message = passed_over(make(SHOP_PASSWORD_FILE=str(tmp_path / "missing")), "shop.password")

    assert "SHOP_PASSWORD_FILE" in message
    assert "missing" in message


def test_only_secrets_are_read_from_files(make, tmp_path):
    assert make(SHOP_USER_FILE=str(tmp_path / "missing"))["shop.user"] == ""


def test_a_secret_is_never_in_the_database(make, tmp_path, database):
    make().set("shop.password", "correct horse battery")
    make().set("shop.user", "ann")
    database.close()

    content = b"".join(path.read_bytes() for path in tmp_path.glob("booklore.sqlite*"))
    assert b"ann" in content
    assert b"correct horse" not in content


@pytest.mark.parametrize("value", [12345678, ["hunter2"], 3.5, True])
def test_a_secret_is_never_in_an_error(make, value):
    with pytest.raises(BadSetting) as error:
        make().set("shop.password", value)

    assert str(value) not in str(error.value)
    assert "shop.password" in str(error.value)


def test_a_secret_is_never_in_a_log_line_about_its_value(make):
    assert "hunter2" not in repr(make(SHOP_PASSWORD="hunter2").value("shop.password"))


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("pages", "0", "a whole number from 1 to 100"),
        ("pages", "101", "a whole number from 1 to 100"),
        ("pages", "5.5", "a whole number from 1 to 100"),
        ("pages", "many", "a whole number from 1 to 100"),
        ("pages", "9" * 5000, "a whole number from 1 to 100"),
        ("pages", "9" * 400, "a whole number from 1 to 100"),
        ("share", "1.01", "a number from 0 to 1"),
        ("share", "nan", "a number from 0 to 1"),
        ("weight", "nan", "a number"),
        ("weight", "inf", "a number"),
        ("mode", "Fast", "one of fast, slow"),
        ("enabled", "maybe", "true or false"),
        ("enabled", "2", "true or false"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_setting_its_source_and_what_does(make, name, value, fits):
    message = passed_over(make(**{f"BOOKLORE_SHOP__{name.upper()}": value}), f"shop.{name}")

    assert message.startswith(f"shop.{name} (env): expected {fits}")


@pytest.mark.parametrize(
    ("line", "name"),
    [("pages = '7'", None), ("pages = true", "pages"), ("pages = 7.0", "pages"), ("user = 123", "user")]
    + [("mode = ['fast']", "mode"), ("enabled = 1", "enabled"), ("share = 'half'", "share"), ("user.a = 1", "user")],
)
def test_a_value_of_another_type_in_the_file_is_passed_over(make, line, name):
    settings = make(f"[shop]\n{line}")

    if name is None:
        assert settings["shop.pages"] == 7
    else:
        assert passed_over(settings, f"shop.{name}").startswith(f"shop.{name} (file): expected")


def test_a_value_that_does_not_fit_gives_way_to_the_next_source(make):
    make().set("shop.pages", 6)

    settings = make("[shop]\npages = 700", BOOKLORE_SHOP__PAGES="many", BOOKLORE_SHOP__MODE="slow")
    value = settings.value("shop.pages")

    assert (value.value, value.source) == (6, "database")
    assert [(fault.name, fault.source) for fault in value.faults] == [("shop.pages", "env"), ("shop.pages", "file")]
    assert settings["shop.mode"] == "slow"


def test_what_does_not_fit_is_listed_with_what_would(make):
    settings = make(BOOKLORE_SHOP__PAGES="many", BOOKLORE_SYNC__WAKE_DELAY="-1")

    assert settings.faults() == [
        SettingFault(
            "sync.wake_delay",
            "env",
            "sync.wake_delay (env): expected a whole number from 0 to 3600, got '-1'",
        ),
        SettingFault("shop.pages", "env", "shop.pages (env): expected a whole number from 1 to 100, got 'many'"),
    ]
    assert make().faults() == []


def test_a_stored_value_that_fits_no_longer_gives_way_to_the_default(make, database):
    make().set("shop.pages", 6)
    database.run("UPDATE settings SET value = '600'")

    assert passed_over(make(), "shop.pages").startswith("shop.pages (database): expected a whole number")


def test_a_switch_that_is_neither_on_nor_off_leaves_its_plugin_as_it_would_be(make):
    assert make(BOOKLORE_SHOP__ENABLED="maybe").enabled("shop")
    assert not make("[shop]\nenabled = false", BOOKLORE_SHOP__ENABLED="maybe").enabled("shop")


@pytest.mark.parametrize("value", [None, [], {}, b"x"])
@pytest.mark.parametrize("name", ["enabled", "pages", "share", "mode", "user"])
def test_what_is_no_value_is_not_stored(make, name, value):
    settings = make()

    with pytest.raises(BadSetting, match=f"shop.{name}: expected"):
        settings.set(f"shop.{name}", value)

    assert settings.value(f"shop.{name}").source == "default"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"[shop]\npages = 5\npages = = 7", "line 3"),
        (b"[shop]\n\nuser = '\xe9'", "line 3"),
        ("[shop]".encode("utf-16"), "line 1"),
        (b"a = " + b"[" * 100_000, "config.toml"),
    ],
)
def test_a_broken_file_is_told_with_the_line(make, tmp_path, content, line):
    (tmp_path / "config.toml").write_bytes(content)

    with pytest.raises(BadSetting) as error:
        make()

    assert str(tmp_path / "config.toml") in str(error.value)
    assert line in str(error.value)


def test_every_reader_of_the_file_takes_a_byte_order_mark(tmp_path):
    (tmp_path / "config.toml").write_bytes("\ufeff[shop]\r\npages = 9\r\n".encode())

    assert read_config(tmp_path / "config.toml") == {"shop": {"pages": 9}}
    assert read_config(tmp_path / "missing.toml") == {}


def test_a_section_that_is_no_table_is_told(make):
    settings = make("shop = 3")

    assert settings["shop.pages"] == 5
    assert {fault.source for fault in settings.faults()} == {"file"}
    assert "expected a table such as [shop]" in settings.value("shop.pages").faults[0].text


def test_sections_and_settings_that_nobody_declared_are_left_alone(make):
    settings = make("[shop]\ncolour = 'red'\n[elsewhere]\na = 1", BOOKLORE_ELSEWHERE__B="2")

    assert settings["shop.pages"] == 5
    assert "shop.colour" not in settings
    assert not any(value.name.startswith("elsewhere") for value in settings)


@pytest.mark.parametrize("name", ["shop.colour", "elsewhere.pages", "shop", ""])
def test_a_setting_that_there_is_not_is_refused_with_where_to_look(make, name):
    settings = make()

    with pytest.raises(BadSetting, match="booklore config show"):
        settings[name]
    with pytest.raises(BadSetting, match="booklore config show"):
        settings.set(name, 1)


def test_a_section_reaches_its_own_settings_and_others_by_their_full_name(make):
    settings = make()
    shop = settings.section("shop")
    settings.set("shop.pages", 9)

    assert shop["pages"] == 9
    assert shop["sync.wake_delay"] == 15
    assert shop.get("colour", "none") == "none"
    assert shop.get("elsewhere.pages", 3) == 3
    assert shop.get("pages", 3) == 9


def test_a_setting_is_declared_once_and_a_section_whole_or_not_at_all(make):
    settings = make()

    with pytest.raises(BadSetting, match=r"shop\.pages: declared twice"):
        settings.declare("shop", [Setting("new", int, 1, "New"), Setting("pages", int, 1, "Again")])

    assert "shop.new" not in settings


@pytest.mark.parametrize("plugin", ["shop", "unloaded"])
def test_a_plugin_is_switched_off_even_if_it_declared_nothing(make, plugin):
    assert make().enabled(plugin)
    assert not make(f"[{plugin}]\nenabled = false").enabled(plugin)
    assert not make(**{f"BOOKLORE_{plugin.upper()}__ENABLED": "no"}).enabled(plugin)


def test_all_settings_are_listed_as_they_were_declared(make):
    names = [value.name for value in make()]

    assert names[:2] == ["sync.enabled", "sync.manual_only"]
    assert names[-len(SHOP) :] == [f"shop.{setting.name}" for setting in SHOP]


def test_a_plugin_that_is_off_has_a_switch_and_says_how_it_is_used(make):
    settings = make(BOOKLORE_STALL__ENABLED="false")

    settings.declare_switch("stall", "Stall")

    assert settings["stall.enabled"] is False
    assert settings.declaration("stall.enabled").label == "Stall"
    with pytest.raises(BadSetting, match=r"stall\.size: stall is off: `booklore plugins enable stall`"):
        settings["stall.size"]
    assert settings.section("stall").get("size", 3) == 3


def test_a_plugin_that_could_not_be_loaded_says_so_about_its_settings(make):
    settings = make()

    settings.declare_switch("stall")

    with pytest.raises(BadSetting, match=r"stall\.size: stall could not be loaded"):
        settings.set("stall.size", 3)


def test_a_bare_switch_gives_way_to_what_its_plugin_declares(make):
    settings = make()
    settings.declare_switch("stall")

    settings.declare("stall", [Setting("enabled", bool, False, "Own"), Setting("size", int, 1, "How many")])

    assert settings["stall.enabled"] is False
    assert settings["stall.size"] == 1
    with pytest.raises(BadSetting, match="declared twice"):
        settings.declare("stall", [Setting("size", int, 1, "How many")])


def test_the_digest_of_the_secrets_changes_with_them_and_with_nothing_else(make, tmp_path):
    settings, key = make(), b"one"
    before = secrets_digest(settings, key)

    settings.set("shop.pages", 9)
    Secrets(tmp_path / "secrets.json").set("shop/tokens", "a new one")
    assert secrets_digest(settings, key) == before
    settings.set("shop.password", "correct horse")
    assert secrets_digest(settings, key) != before
    settings.unset("shop.password")
    assert secrets_digest(settings, key) == before
    assert secrets_digest(make(), b"another") != before


def test_a_setting_is_read_anew_within_the_transaction_that_changes_it(make, database):
    settings = make()

    with database.writing():
        settings.set("shop.pages", 6)
        assert settings["shop.pages"] == 6
        settings.set("shop.mode", "slow")
        assert (settings["shop.pages"], settings["shop.mode"]) == (6, "slow")

    assert settings.unset("shop.pages").value == 5
