"""The existing plugin's tables of sessions, as SQL views (lua-plugin-behaviour §2)."""

BOOK_TYPE = """CASE WHEN {text:format} IN ('cbz', 'cbr', 'cb7', 'cbt') THEN 'CBX' WHEN {text:format} = 'azw' THEN 'AZW3'
    ELSE COALESCE(UPPER({text:format}), 'EPUB') END AS book_type"""

COLUMNS = f"""id, book_id, book_md5 AS book_hash, {BOOK_TYPE}, {{text:start}} AS start_time, {{text:end}} AS end_time,
    {{int:{{text:duration}}}} AS duration_seconds, 100 * {{real:{{text:start_percent}}}} AS start_progress,
    100 * {{real:{{text:end_percent}}}} AS end_progress,
    100 * ({{real:{{text:end_percent}}}} - {{real:{{text:start_percent}}}}) AS progress_delta,
    {{text:start_position}} AS start_location, {{text:end_position}} AS end_location, created_at"""

VIEWS = {
    "pending_sessions": f"""SELECT {COLUMNS}, retry_count, last_retry_at, book_title, NULL AS koreader_book_id
        FROM pending_items WHERE kind = 'session'""",
    "historical_sessions": f"""SELECT {COLUMNS}, 0 AS koreader_book_id, COALESCE(book_title, '') AS koreader_book_title,
        1 AS matched, 1 AS synced FROM delivered_items WHERE kind = 'session'""",
}
