"""Where actions stand below Tools → BookLore Sync (design §12)."""

from booklore_core.settings import PREFERENCES as PREFERENCES
from booklore_core.settings import TRIGGERS as TRIGGERS

AUTHENTICATION = ("Authentication",)
SYNC_AND_CACHE = ("Sync & Cache",)
ADVANCED = (*SYNC_AND_CACHE, "Advanced")
LONG_PRESS = ("Long press",)
"""Actions of this menu appear when a file is held, not in the main menu."""
