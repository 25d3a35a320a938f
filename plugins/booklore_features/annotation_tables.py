"""The existing plugin's tables of highlights and notes, as SQL views (lua-plugin-behaviour §2)."""

TYPE = """CASE WHEN {text:place} = 'in_booklore' THEN 'booklore_note'
    WHEN {text:note} IS NULL THEN 'highlight' ELSE 'in_book_note' END"""

SERVER_ID = "{id:LTRIM(remote_id, 'abcdefghijklmnopqrstuvwxyz-:')} AS server_id"
"""A number there, whatever a target puts before it."""

VIEWS = {
    "pending_annotations": f"""SELECT id, book_cache_id, book_id, {TYPE} AS ann_type, {{text:datetime}} AS datetime,
        body AS payload, retry_count, last_retry_at, created_at FROM pending_items WHERE kind = 'annotation'""",
    "synced_annotations": f"""SELECT id, book_cache_id, {{text:datetime}} AS koreader_datetime,
        {TYPE} AS annotation_type, {TYPE} AS destination, {SERVER_ID}, synced_at
        FROM delivered_items WHERE kind = 'annotation' AND {{text:removed}} IS NULL""",
}
