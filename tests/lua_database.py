"""Databases of the Lua plugin, of any of its versions, made row by row. Source: lua-plugin-behaviour §2, §13."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

CACHE = (
    "id INTEGER PRIMARY KEY AUTOINCREMENT, file_path TEXT NOT NULL UNIQUE, file_hash TEXT NOT NULL, book_id INTEGER, "
    "title TEXT, author TEXT, last_accessed INTEGER, created_at INTEGER, updated_at INTEGER"
)
SESSIONS = (
    "id INTEGER PRIMARY KEY AUTOINCREMENT, book_id INTEGER, book_hash TEXT NOT NULL, book_type TEXT DEFAULT 'EPUB', "
    "start_time TEXT NOT NULL, end_time TEXT NOT NULL, duration_seconds INTEGER NOT NULL, start_progress REAL DEFAULT "
    "0, end_progress REAL DEFAULT 0, progress_delta REAL DEFAULT 0, start_location TEXT, end_location TEXT, created_at "
    "INTEGER, retry_count INTEGER DEFAULT 0, last_retry_at INTEGER"
)
HISTORY = (
    "id INTEGER PRIMARY KEY AUTOINCREMENT, koreader_book_id INTEGER NOT NULL, koreader_book_title TEXT NOT NULL, "
    "book_id INTEGER, book_hash TEXT, book_type TEXT DEFAULT 'EPUB', start_time TEXT NOT NULL, end_time TEXT NOT NULL, "
    "duration_seconds INTEGER NOT NULL, start_progress REAL, end_progress REAL, progress_delta REAL, start_location "
    "TEXT, end_location TEXT, created_at INTEGER, matched BOOLEAN DEFAULT 0, synced BOOLEAN DEFAULT 0, "
    "UNIQUE(koreader_book_id, start_time, end_time)"
)
DELETIONS = (
    "id INTEGER PRIMARY KEY, file_hash TEXT NOT NULL UNIQUE, stem TEXT NOT NULL, book_id INTEGER, "
    "retry_count INTEGER DEFAULT 0, created_at INTEGER"
)
MARKS = {
    "synced_annotations": "koreader_datetime TEXT NOT NULL, annotation_type TEXT NOT NULL, destination TEXT, "
    "server_id INTEGER, synced_at INTEGER",
    "pending_annotations": "book_id INTEGER, ann_type TEXT NOT NULL, datetime TEXT NOT NULL, payload TEXT NOT NULL, "
    "retry_count INTEGER DEFAULT 0, last_retry_at INTEGER, created_at INTEGER",
    "synced_bookmarks": "datetime TEXT NOT NULL, server_id INTEGER, synced_at INTEGER",
    "pending_bookmarks": "book_id INTEGER, datetime TEXT NOT NULL, payload TEXT NOT NULL, "
    "retry_count INTEGER DEFAULT 0, last_retry_at INTEGER, created_at INTEGER",
}
RATINGS = {
    "book_metadata": "sdr_path TEXT, rating INTEGER, rating_synced INTEGER DEFAULT 0, created_at INTEGER, "
    "updated_at INTEGER",
    "rating_sync_history": "rating INTEGER NOT NULL, synced_at INTEGER, status TEXT NOT NULL DEFAULT 'success', "
    "error_message TEXT",
    "pending_ratings": "book_id INTEGER, rating INTEGER NOT NULL, retry_count INTEGER DEFAULT 0, "
    "last_retry_at INTEGER, created_at INTEGER",
}
SETTINGS = "key TEXT PRIMARY KEY, value TEXT, updated_at INTEGER"
OF_BOOK = "id INTEGER PRIMARY KEY AUTOINCREMENT, book_cache_id INTEGER NOT NULL, "

NEWEST, OLD_FORK = 21, 9


def schema(version: int, is_fork: bool = False) -> dict[str, str]:
    """Table → its columns. What each version added is known of the most part only."""
    tables = {"book_cache": CACHE, "pending_sessions": SESSIONS, "schema_version": "version INTEGER PRIMARY KEY"}
    if version == 1:
        return {**tables, "match_history": "id INTEGER PRIMARY KEY"}
    tables["book_cache"] += ", isbn10 TEXT, isbn13 TEXT"
    tables["pending_sessions"] += ", book_title TEXT, koreader_book_id INTEGER"
    tables["historical_sessions"] = HISTORY
    if is_fork:
        return {**tables, "pending_deletions": DELETIONS}
    if version >= 14:
        tables["plugin_settings"] = SETTINGS
        prompts = ", pending_rating_prompt INTEGER DEFAULT 0"
        tables |= {name: OF_BOOK + columns for name, columns in {**RATINGS, **MARKS}.items()}
        tables["book_metadata"] += prompts
    if version == NEWEST:
        tables["book_cache"] += ", hardcover_id INTEGER, tracking_enabled INTEGER DEFAULT 1"
        tables["pending_deletions"] = DELETIONS
    return tables


class LuaDatabase:
    """One file. Rows are put in by their columns; those that the version does not have are left out."""

    def __init__(self, path: Path, version: int = NEWEST, is_fork: bool = False) -> None:
        self.path, self.version, self.is_fork = path, version, is_fork
        with closing(sqlite3.connect(path)) as connection, connection:
            for name, columns in schema(version, is_fork).items():
                connection.execute(f"CREATE TABLE {name} ({columns})")
            versions = [(number,) for number in range(1, version + 1)]
            connection.executemany("INSERT INTO schema_version (version) VALUES (?)", versions)

    def put(self, table: str, *rows: dict[str, Any]) -> LuaDatabase:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            known = {column[1] for column in connection.execute(f"PRAGMA table_info({table})")}
            for row in rows:
                fitting = {name: value for name, value in row.items() if name in known}
                names, marks = ", ".join(fitting), ", ".join("?" * len(fitting))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(fitting.values()))
        return self

    def run(self, sql: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(sql)

    def book(self, number: int, md5: str, book_id: int | None = None, **more: Any) -> LuaDatabase:
        row = {"id": number, "file_path": f"/mnt/onboard/{number}.epub", "file_hash": md5, "book_id": book_id}
        return self.put("book_cache", {**row, "tracking_enabled": 1, **more})

    def settings(self, **values: Any) -> LuaDatabase:
        return self.put("plugin_settings", *({"key": key, "value": value} for key, value in values.items()))

    def waiting(self, md5: str, start: str, end: str, seconds: int, **more: Any) -> LuaDatabase:
        return self.put("pending_sessions", {"book_hash": md5, **times(start, end, seconds), **more})

    def sent(self, md5: str, start: str, end: str, seconds: int, **more: Any) -> LuaDatabase:
        """A session that the plugin has sent, and KOReader knows as of its book number 1."""
        about = {"koreader_book_id": 1, "koreader_book_title": "", "book_hash": md5, "matched": 1, "synced": 1}
        return self.put("historical_sessions", {**about, **times(start, end, seconds), **more})


def times(start: str, end: str, seconds: int) -> dict[str, Any]:
    """start, end: such as `2026-03-01 20:00`, in UTC."""
    shown = {"start_time": f"{start.replace(' ', 'T')}:00Z", "end_time": f"{end.replace(' ', 'T')}:00Z"}
    places = {"start_progress": 10.0, "end_progress": 12.5, "start_location": "60", "end_location": "75"}
    return {**shown, "duration_seconds": seconds, **places, "created_at": 1772400000}


def kept_highlight(**more: Any) -> str:
    """What the plugin keeps of a highlight that waits."""
    place = "/body/DocFragment[1]/body/p[3]/text()"
    kept = {
        "ann_type": "highlight",
        "datetime": "2026-03-01 20:10:00",
        "text": "Dune, paragraph 3: the page turns.",
        "note": None,
        "chapter": "Book One",
        "color": "#4ADE80",
        "style": "underline",
        "cfi": "epubcfi(/6/2!/4/6,/1:0,/1:9)",
        "pos0": f"{place}.0",
        "pos1": f"{place}.34",
        "notes_dest": "in_book",
    }
    return json.dumps({**kept, **more})
