"""Plain tables through dataset, with the names of a row's fields checked: dataset drops a misspelt one in silence."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dataset

if TYPE_CHECKING:
    from booklore_core.storage.database import Database


class Table:
    """One table of the declared schema. Raises KeyError for a column that it has not."""

    def __init__(self, database: "Database", table: dataset.Table) -> None:
        self._database, self._table = database, table

    def find(self, order_by: str | Sequence[str] = (), limit: int | None = None, **where: Any) -> list[dict[str, Any]]:
        """The rows that fit where, a list standing for any of its values; `-name` orders downwards."""
        names = [order_by] if isinstance(order_by, str) else list(order_by)
        with self._working(False, *where, *(name.lstrip("-") for name in names)) as table:
            return [dict(row) for row in table.find(order_by=names, _limit=limit, _step=None, **stored(where))]

    def find_one(self, **where: Any) -> dict[str, Any] | None:
        return next(iter(self.find(limit=1, **where)), None)

    def count(self, **where: Any) -> int:
        with self._working(False, *where) as table:
            return int(table.count(**stored(where)))

    def upsert(self, row: Mapping[str, Any], keys: Sequence[str]) -> None:
        """Changes the row with these keys, or adds it; whole, for the transaction takes the write lock first."""
        with self._working(True, *row, *keys) as table:
            table.upsert(stored(row), keys)

    def update(self, row: Mapping[str, Any], keys: Sequence[str]) -> int:
        """Changes the rows with these keys. Returns how many they are."""
        with self._working(True, *row, *keys) as table:
            return int(table.update(stored(row), keys, return_count=True))

    def delete(self, **where: Any) -> bool:
        """Removes the rows that fit. Returns whether there were any."""
        with self._working(True, *where) as table:
            return bool(table.delete(**stored(where)))

    @contextmanager
    def _working(self, writes: bool, *columns: str) -> Iterator[dataset.Table]:
        with self._database.working(writes):
            unknown = [name for name in columns if not self._table.has_column(name)]
            if unknown:
                raise KeyError(f"table {self._table.name} has no column {', '.join(unknown)}")
            yield self._table


def stored(row: Mapping[str, Any]) -> dict[str, Any]:
    """row as both databases take it: to PostgreSQL a flag is no number, and no text has a NUL in it."""
    return {name: plain(value) for name, value in row.items()}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    return int(value) if isinstance(value, bool) else value
