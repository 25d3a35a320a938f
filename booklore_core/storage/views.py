"""The documented tables as SQL views over items and deliveries, so that every query of the manuals runs as printed.

Source: the seed pages, and the columns of the existing plugin's database (lua-plugin-behaviour §2).
"""

from collections.abc import Iterator

DUE = """
SELECT i.id AS item_id, i.kind AS kind, i.book_md5 AS book_md5, i.revision AS revision, s.target AS target,
       d.state AS state, COALESCE(d.retry_count, 0) AS retry_count, d.reason AS reason, d.tried_at AS tried_at,
       COALESCE(d.maybe_sent, 0) AS maybe_sent, d.remote_id AS remote_id
FROM items i
JOIN subscriptions s ON s.kind = i.kind AND s.enabled = 1
    AND (i.created_at >= s.registered_at OR i.occurred_at >= s.since)
LEFT JOIN deliveries d ON d.item_id = i.id AND d.target = s.target
WHERE d.item_id IS NULL OR d.revision < i.revision OR d.state NOT IN ('delivered', 'discarded')
"""
"""What still has to be brought to which target: every reader of the queue reads this one view."""

QUEUED = """
FROM items i
JOIN books b ON b.partial_md5 = i.book_md5
JOIN (SELECT item_id, MAX(retry_count) AS retry_count, MAX(tried_at) AS tried_at FROM due GROUP BY item_id) q
    ON q.item_id = i.id
"""

SENT = """
FROM items i
JOIN books b ON b.partial_md5 = i.book_md5
JOIN (SELECT item_id, MAX(tried_at) AS tried_at, MIN(remote_id) AS remote_id FROM deliveries
      WHERE state = 'delivered' GROUP BY item_id) q
    ON q.item_id = i.id
"""

RETRIES = "q.retry_count AS retry_count, {int:q.tried_at} AS last_retry_at, {int:i.created_at} AS created_at"
MATCH = "(SELECT {id:MIN(m.remote_id)} FROM matches m WHERE m.book_md5 = i.book_md5) AS book_id"

BOOK_TYPE = """CASE WHEN {text:format} IN ('cbz', 'cbr', 'cb7', 'cbt') THEN 'CBX' WHEN {text:format} = 'azw' THEN 'AZW3'
    ELSE COALESCE(UPPER({text:format}), 'EPUB') END AS book_type"""

SESSION = f"""i.book_md5 AS book_hash, {BOOK_TYPE}, {{text:start}} AS start_time, {{text:end}} AS end_time,
    {{int:{{text:duration}}}} AS duration_seconds, 100 * {{real:{{text:start_percent}}}} AS start_progress,
    100 * {{real:{{text:end_percent}}}} AS end_progress,
    100 * ({{real:{{text:end_percent}}}} - {{real:{{text:start_percent}}}}) AS progress_delta,
    {{text:start_position}} AS start_location, {{text:end_position}} AS end_location"""

ANNOTATION_TYPE = "CASE WHEN {text:note} IS NULL THEN 'highlight' ELSE 'note' END"

VIEWS: dict[str, str] = {
    "due": DUE,
    "pending_sessions": f"""SELECT i.id AS id, {MATCH}, {SESSION}, {RETRIES}, b.title AS book_title,
        NULL AS koreader_book_id {QUEUED} WHERE i.kind = 'session'""",
    "pending_annotations": f"""SELECT i.id AS id, b.id AS book_cache_id, {MATCH}, {ANNOTATION_TYPE} AS ann_type,
        {{text:datetime}} AS datetime, i.body AS payload, {RETRIES} {QUEUED} WHERE i.kind = 'annotation'""",
    "pending_ratings": f"""SELECT i.id AS id, b.id AS book_cache_id, {MATCH}, {{int:{{text:stars}}}} * 2 AS rating,
        {RETRIES} {QUEUED} WHERE i.kind = 'rating'""",
    "pending_bookmarks": f"""SELECT i.id AS id, b.id AS book_cache_id, {MATCH}, {{text:datetime}} AS datetime,
        i.body AS payload, {RETRIES} {QUEUED} WHERE i.kind = 'bookmark'""",
    "pending_koreader_progress": f"""SELECT i.id AS id, i.book_md5 AS document,
        {{real:{{text:percent}}}} AS percentage, {{text:position}} AS progress, {{int:i.occurred_at}} AS timestamp,
        {{text:device}} AS device, {{text:device}} AS device_id, {RETRIES} {QUEUED} WHERE i.kind = 'progress'""",
    "pending_deletions": f"""SELECT i.id AS id, i.book_md5 AS file_hash, {{text:file}} AS file_path, b.title AS stem,
        {MATCH}, {RETRIES} {QUEUED} WHERE i.kind = 'deletion'""",
    "historical_sessions": f"""SELECT i.id AS id, 0 AS koreader_book_id, COALESCE(b.title, '') AS koreader_book_title,
        {MATCH}, {SESSION}, {{int:i.created_at}} AS created_at, 1 AS matched, 1 AS synced
        {SENT} WHERE i.kind = 'session'""",
    "synced_annotations": f"""SELECT i.id AS id, b.id AS book_cache_id, {{text:datetime}} AS koreader_datetime,
        {ANNOTATION_TYPE} AS annotation_type, {ANNOTATION_TYPE} AS destination, q.remote_id AS server_id,
        {{int:q.tried_at}} AS synced_at {SENT} WHERE i.kind = 'annotation'""",
    "synced_bookmarks": f"""SELECT i.id AS id, b.id AS book_cache_id, {{text:datetime}} AS datetime,
        q.remote_id AS server_id, {{int:q.tried_at}} AS synced_at {SENT} WHERE i.kind = 'bookmark'""",
    "rating_sync_history": """SELECT i.id AS id, b.id AS book_cache_id, {int:{text:stars}} * 2 AS rating,
        {int:d.tried_at} AS synced_at, CASE WHEN d.state = 'delivered' THEN 'success' ELSE 'error' END AS status,
        d.reason AS error_message
        FROM items i JOIN books b ON b.partial_md5 = i.book_md5 JOIN deliveries d ON d.item_id = i.id
        WHERE i.kind = 'rating' AND d.state <> 'discarded'""",
    "book_cache": """SELECT b.id AS id, f.path AS file_path, b.partial_md5 AS file_hash,
        (SELECT {id:MIN(m.remote_id)} FROM matches m WHERE m.book_md5 = b.partial_md5) AS book_id, b.title AS title,
        b.authors AS author, {int:b.updated_at} AS last_accessed, {int:b.created_at} AS created_at,
        {int:b.updated_at} AS updated_at, NULL AS isbn10, b.isbn AS isbn13, NULL AS hardcover_id,
        b.tracked AS tracking_enabled
        FROM books b LEFT JOIN files f ON f.book_md5 = b.partial_md5""",
}

SQLITE = {
    "text": "json_extract(i.body, '$.{}')",
    "int": "CAST({} AS INTEGER)",
    "real": "CAST({} AS REAL)",
    "id": "CAST({} AS INTEGER)",
}
POSTGRESQL = {
    "text": "(i.body\\:\\:jsonb ->> '{}')",
    "int": "CAST(TRUNC(CAST({} AS NUMERIC)) AS BIGINT)",
    "real": "CAST({} AS DOUBLE PRECISION)",
    "id": "CAST({} AS TEXT)",
}


def view_statements(dialect: str) -> Iterator[tuple[str, str]]:
    """(name, CREATE VIEW statement) of every view, in order. dialect: SQLAlchemy's name."""
    functions = SQLITE if dialect == "sqlite" else POSTGRESQL
    for name, select in VIEWS.items():
        yield name, f"CREATE VIEW {name} AS {expand(select, functions)}"


def expand(sql: str, functions: dict[str, str]) -> str:
    """sql with every {function:argument} written out, innermost first."""
    while "{" in sql:
        start = sql.rindex("{")
        end = sql.index("}", start)
        name, _, argument = sql[start + 1 : end].partition(":")
        sql = sql[:start] + functions[name].replace("{}", argument) + sql[end + 1 :]
    return sql
