"""Where actions stand below Tools → BookLore Sync (design §12)."""

AUTHENTICATION = ("Authentication",)
SYNC_AND_CACHE = ("Sync & Cache",)
ADVANCED = (*SYNC_AND_CACHE, "Advanced")
TRIGGERS = ("Sync Settings", "Sync Triggers")
PREFERENCES = ("Preferences",)
LONG_PRESS = ("Long press",)
"""Actions of this menu appear when a file is held, not in the main menu."""
