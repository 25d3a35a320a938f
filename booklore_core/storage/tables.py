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
            return [dict(row) for row in table.find(order_by=names, _limit=limit, _step=None, **flags(where))]

    def find_one(self, **where: Any) -> dict[str, Any] | None:
        return next(iter(self.find(limit=1, **where)), None)

    def count(self, **where: Any) -> int:
        with self._working(False, *where) as table:
            return int(table.count(**flags(where)))

    def upsert(self, row: Mapping[str, Any], keys: Sequence[str]) -> None:
        """Changes the row with these keys, or adds it; whole, for the transaction takes the write lock first."""
        with self._working(True, *row, *keys) as table:
            table.upsert(flags(row), keys)

    def update(self, row: Mapping[str, Any], keys: Sequence[str]) -> int:
        """Changes the rows with these keys. Returns how many they are."""
        with self._working(True, *row, *keys) as table:
            return int(table.update(flags(row), keys, return_count=True))

    def delete(self, **where: Any) -> bool:
        """Removes the rows that fit. Returns whether there were any."""
        with self._working(True, *where) as table:
            return bool(table.delete(**flags(where)))

    @contextmanager
    def _working(self, writes: bool, *columns: str) -> Iterator[dataset.Table]:
        with self._database.working(writes):
            unknown = [name for name in columns if not self._table.has_column(name)]
            if unknown:
                raise KeyError(f"table {self._table.name} has no column {', '.join(unknown)}")
            yield self._table


def flags(row: Mapping[str, Any]) -> dict[str, Any]:
    """row as it is stored: a flag is 0 or 1, which PostgreSQL takes for nothing but a number."""
    return {name: int(value) if isinstance(value, bool) else value for name, value in row.items()}
