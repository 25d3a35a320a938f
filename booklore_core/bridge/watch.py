"""Whether settings were changed since the last look: by the menu, or by the command line beside the bridge."""

import hmac
import json
import secrets
from typing import Any

from booklore_core.core import Core
from booklore_core.settings import Settings
from booklore_core.storage.secrets import SecretsUnreadable

STORED = "SELECT name, value FROM settings ORDER BY name"


class SettingsWatch:
    """Compares what is stored, the declared secrets included.

    What plugins keep for themselves beside those, such as a login's tokens, is renewed all the time and is no setting.
    Of the secrets only a digest is kept, made anew when their file is another one.
    """

    def __init__(self, core: Core) -> None:
        self._core, self._key = core, secrets.token_bytes(32)
        self._secrets: tuple[Any, str] | None = None
        self._known = self._look()

    def sees_change(self) -> bool:
        """Whether anything differs from the last look."""
        before, self._known = self._known, self._look()
        return bool(before != self._known)

    def _look(self) -> Any:
        file = file_state(self._core)
        if self._secrets is None or self._secrets[0] != file:
            self._secrets = file, secrets_digest(self._core.settings, self._key)
        return self._core.database.rows(STORED), self._secrets[1]


def secrets_digest(settings: Settings, key: bytes) -> str:
    """Changes with the value of any declared secret and with nothing else. A file that cannot be read is told by
    whoever needs what is in it. key: what the digests are made with that are compared."""
    try:
        known = json.dumps({value.name: value.value for value in settings if value.setting.secret})
    except SecretsUnreadable:
        return "unreadable"
    return hmac.new(key, known.encode(), "sha256").hexdigest()


def file_state(core: Core) -> Any:
    """What changes whenever the file of the secrets is replaced; None without one."""
    try:
        found = core.secrets.path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
