"""BookLore Sync core."""
