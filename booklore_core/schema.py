"""Every table and index, declared once, and the way from each schema version to the next.

Times are unix seconds, UTC; flags are 0 or 1; `authors`, `body` and `value` are JSON. {id} and {real} are filled in by
the database module: SQLite and PostgreSQL name them differently.
"""

VERSION_1 = """
CREATE TABLE events (
    id {id}, device TEXT NOT NULL, event_id TEXT NOT NULL, name TEXT NOT NULL, at {real} NOT NULL, ord TEXT NOT NULL,
    book_md5 TEXT, tracked INTEGER NOT NULL, line TEXT NOT NULL, received_at {real} NOT NULL,
    UNIQUE (device, event_id)
);
CREATE INDEX events_in_order ON events (device, ord);
CREATE TABLE kept_aside (
    id {id}, digest TEXT NOT NULL UNIQUE, source TEXT NOT NULL, line TEXT NOT NULL, field TEXT NOT NULL,
    reason TEXT NOT NULL, seen_at {real} NOT NULL
);
CREATE TABLE replays (
    event INTEGER NOT NULL REFERENCES events (id), plugin TEXT NOT NULL, hook TEXT NOT NULL, error TEXT NOT NULL,
    failed_at {real} NOT NULL, PRIMARY KEY (event, plugin, hook)
);
CREATE TABLE remarks (
    key TEXT PRIMARY KEY, plugin TEXT NOT NULL, book_md5 TEXT, remark TEXT NOT NULL, made_at {real} NOT NULL
);
CREATE TABLE devices (
    id TEXT PRIMARY KEY, name TEXT, model TEXT, koreader TEXT, last_seen {real}, token_hash TEXT, waiting INTEGER
);
CREATE TABLE pairings (
    id {id}, salt TEXT NOT NULL, code_hash TEXT NOT NULL, expires_at {real} NOT NULL, used INTEGER NOT NULL
);
CREATE TABLE books (
    id {id}, partial_md5 TEXT NOT NULL UNIQUE, title TEXT, authors TEXT NOT NULL, isbn TEXT, size INTEGER,
    language TEXT, pages INTEGER, tracked INTEGER NOT NULL, stars_known INTEGER NOT NULL, stars INTEGER,
    stars_at {real}, created_at {real} NOT NULL, updated_at {real} NOT NULL
);
CREATE TABLE files (
    id {id}, device TEXT NOT NULL, path TEXT NOT NULL, book_md5 TEXT NOT NULL REFERENCES books (partial_md5),
    size INTEGER, seen_at {real} NOT NULL, UNIQUE (device, path)
);
CREATE INDEX files_of_book ON files (book_md5);
CREATE TABLE matches (
    book_md5 TEXT NOT NULL REFERENCES books (partial_md5), target TEXT NOT NULL, remote_id TEXT NOT NULL,
    how TEXT NOT NULL, sure {real} NOT NULL, title TEXT, matched_at {real} NOT NULL, PRIMARY KEY (book_md5, target)
);
CREATE TABLE items (
    id {id}, kind TEXT NOT NULL, key TEXT NOT NULL, book_md5 TEXT NOT NULL REFERENCES books (partial_md5),
    body TEXT NOT NULL, occurred_at {real} NOT NULL, revision INTEGER NOT NULL, plugin TEXT NOT NULL,
    created_at {real} NOT NULL, updated_at {real} NOT NULL, UNIQUE (kind, key)
);
CREATE INDEX items_of_book ON items (book_md5, kind);
CREATE TABLE deliveries (
    item_id INTEGER NOT NULL REFERENCES items (id), target TEXT NOT NULL, state TEXT NOT NULL,
    revision INTEGER NOT NULL, maybe_sent INTEGER NOT NULL, retry_count INTEGER NOT NULL, remote_id TEXT, reason TEXT,
    tried_at {real} NOT NULL, PRIMARY KEY (item_id, target)
);
CREATE TABLE subscriptions (
    target TEXT NOT NULL, kind TEXT NOT NULL, enabled INTEGER NOT NULL, since {real} NOT NULL,
    registered_at {real} NOT NULL, PRIMARY KEY (target, kind)
);
CREATE TABLE leases (target TEXT PRIMARY KEY, owner TEXT NOT NULL, expires_at {real} NOT NULL);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE plugin_store (plugin TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (plugin, key))
"""

MIGRATIONS = (VERSION_1,)
"""MIGRATIONS[n] brings a database from version n to n + 1. A released one is never edited."""

VERSION = len(MIGRATIONS)
