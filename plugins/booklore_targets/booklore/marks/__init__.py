"""Highlights, notes and bookmarks on the server: where each belongs, which row it has, and how that is kept."""
