"""Kinds as plugins declare them, with the tables of the manual, and one that nobody ever heard of."""

from booklore_core import Kind
from booklore_core.testing import FakePlugin

QUEUE = "retry_count, last_retry_at, created_at"
TYPE = "CASE WHEN {text:note} IS NULL THEN 'highlight' ELSE 'note' END"

RATING = Kind(
    "rating",
    "R",
    "rating",
    "ratings",
    10,
    {
        "pending_ratings": f"""SELECT id, book_cache_id, book_id, {{int:{{text:stars}}}} * 2 AS rating, {QUEUE}
            FROM pending_items WHERE kind = 'rating'""",
        "rating_sync_history": """SELECT id, book_cache_id, {int:{text:stars}} * 2 AS rating, synced_at,
            'success' AS status, NULL AS error_message FROM delivered_items WHERE kind = 'rating'""",
    },
    "Rating sync history",
    30,
)
ANNOTATION = Kind(
    "annotation",
    "A",
    "annotation",
    "annotations",
    20,
    {
        "pending_annotations": f"""SELECT id, book_cache_id, book_id, {TYPE} AS ann_type, {{text:datetime}} AS datetime,
            body AS payload, {QUEUE} FROM pending_items WHERE kind = 'annotation'""",
        "synced_annotations": f"""SELECT id, book_cache_id, {{text:datetime}} AS koreader_datetime,
            {TYPE} AS annotation_type, {TYPE} AS destination, remote_id AS server_id, synced_at
            FROM delivered_items WHERE kind = 'annotation'""",
    },
    label_rank=20,
)
BOOKMARK = Kind(
    "bookmark",
    "B",
    "bookmark",
    "bookmarks",
    30,
    {
        "pending_bookmarks": f"""SELECT id, book_cache_id, book_id, {{text:datetime}} AS datetime, body AS payload,
            {QUEUE} FROM pending_items WHERE kind = 'bookmark'""",
        "synced_bookmarks": """SELECT id, book_cache_id, {text:datetime} AS datetime, remote_id AS server_id, synced_at
            FROM delivered_items WHERE kind = 'bookmark'""",
    },
    label_rank=40,
)
PROGRESS = Kind(
    "progress",
    "P",
    "progress",
    "progress",
    40,
    {
        "pending_koreader_progress": f"""SELECT id, book_md5 AS document, {{real:{{text:percent}}}} AS percentage,
            {{text:position}} AS progress, occurred_at AS timestamp, {{text:device}} AS device,
            {{text:device}} AS device_id, {QUEUE} FROM pending_items WHERE kind = 'progress'"""
    },
    label_rank=50,
)
DELETION = Kind(
    "deletion",
    "D",
    "deletion",
    "deletions",
    90,
    {
        "pending_deletions": f"""SELECT id, book_md5 AS file_hash, {{text:file}} AS file_path, book_title AS stem,
            book_id, {QUEUE} FROM pending_items WHERE kind = 'deletion'"""
    },
)
STREAKS = {"streaks": "SELECT key FROM pending_items WHERE kind = 'streak'"}
STREAK = Kind("streak", "K", "streak", "streaks", views=STREAKS)
KINDS = (RATING, ANNOTATION, BOOKMARK, PROGRESS, DELETION, STREAK)


def declare(core, *kinds):
    """A plugin declares kinds, by default all of these."""
    core.plugins.register("kinds", FakePlugin(kinds=kinds or KINDS))
    core.refresh()
    return core
