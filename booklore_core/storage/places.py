"""Where things lie: the data folder, the database, the configuration and the secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import platformdirs

CONFIG = "config.toml"


@dataclass(frozen=True)
class Places:
    """home: the data folder. database_url: anything `dataset` takes. config: config.toml, never written."""

    home: Path
    database_url: str
    config: Path

    @property
    def secrets(self) -> Path:
        return self.home / "secrets.json"

    @property
    def database_file(self) -> Path | None:
        return sqlite_file(self.database_url)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Places":
        """BOOKLORE_HOME, BOOKLORE_DATABASE_URL and BOOKLORE_CONFIG, or their defaults."""
        given = os.environ if environ is None else environ
        home = Path(given.get("BOOKLORE_HOME") or platformdirs.user_data_dir("booklore-sync", False)).expanduser()
        url = given.get("BOOKLORE_DATABASE_URL") or sqlite_url(home / "booklore.sqlite")
        return cls(home.absolute(), url, Path(given.get("BOOKLORE_CONFIG") or home / CONFIG).expanduser().absolute())


def sqlite_url(file: Path) -> str:
    """A database file's address; `sqlite_file` is the way back."""
    return "sqlite:///" + str(file.absolute()).translate({ord("%"): "%25", ord("?"): "%3F"})


def sqlite_file(url: str) -> Path | None:
    """The file that a database's address names, None for another database or one in memory."""
    scheme, _, path = url.partition("?")[0].partition(":///")
    is_file = scheme.partition("+")[0] == "sqlite" and path not in ("", ":memory:") and not path.startswith("file:")
    return Path(unquote(path)).absolute() if is_file else None
