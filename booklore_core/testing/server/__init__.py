"""A fake BookLore, Grimmory or by-hash server on loopback that answers as the real ones were recorded."""

from booklore_core.testing.server.booklore_server import BookLoreServer
from booklore_core.testing.server.dialects import DIALECTS, Dialect
from booklore_core.testing.server.faults import FAULTS
from booklore_core.testing.server.library import ServerBook, partial_digest, small_epub
from booklore_core.testing.server.responder import Record

__all__ = ["DIALECTS", "FAULTS", "ServerBook", "BookLoreServer", "Dialect", "Record", "partial_digest", "small_epub"]
