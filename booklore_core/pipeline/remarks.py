"""Why nothing followed from what the reader or a plugin did: kept for a person, each once."""

import logging
from collections.abc import Sequence
from datetime import datetime

from booklore_core.items import Remark
from booklore_core.storage.database import Database

log = logging.getLogger(__name__)

REMARK = """
INSERT INTO remarks (key, plugin, book_md5, remark, made_at) VALUES (:key, :plugin, :book_md5, :remark, :now)
ON CONFLICT (key) DO NOTHING
"""


def note_remarks(database: Database, plugin: str, remarks: Sequence[Remark], now: datetime) -> None:
    """Within a writing transaction."""
    for one in remarks:
        log.info("%s: %s", plugin, one.text)
    common = {"plugin": plugin, "now": now.timestamp()}
    rows = [
        {**common, "key": f"{plugin}:{one.key}", "remark": one.text, "book_md5": one.book.partial_md5}
        for one in remarks
    ]
    database.run_many(REMARK, rows)
