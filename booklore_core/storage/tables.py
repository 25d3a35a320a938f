"""Plain tables through dataset, with the names of a row's fields checked: dataset drops a misspelt one in silence."""

from collections.abc import Iterable, Mapping, Sequence
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
        with self._database.working(writes=False):
            names = [order_by] if isinstance(order_by, str) else list(order_by)
            self._check([*where, *(name.lstrip("-") for name in names)])
            return [dict(row) for row in self._table.find(order_by=names, _limit=limit, _step=None, **where)]

    def find_one(self, **where: Any) -> dict[str, Any] | None:
        return next(iter(self.find(limit=1, **where)), None)

    def count(self, **where: Any) -> int:
        with self._database.working(writes=False):
            self._check(where)
            return int(self._table.count(**where))

    def insert(self, row: Mapping[str, Any]) -> None:
        with self._database.working(writes=True):
            self._check(row)
            self._table.insert(row)

    def upsert(self, row: Mapping[str, Any], keys: Sequence[str]) -> None:
        """Changes the row with these keys, or adds it; whole, for the transaction takes the write lock first."""
        with self._database.working(writes=True):
            self._check([*row, *keys])
            self._table.upsert(row, keys)

    def update(self, row: Mapping[str, Any], keys: Sequence[str]) -> int:
        """Changes the rows with these keys. Returns how many they are."""
        with self._database.working(writes=True):
            self._check([*row, *keys])
            return int(self._table.update(row, keys, return_count=True))

    def delete(self, **where: Any) -> bool:
        """Removes the rows that fit. Returns whether there were any."""
        with self._database.working(writes=True):
            self._check(where)
            return bool(self._table.delete(**where))

    def _check(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if not self._table.has_column(name)]
        if unknown:
            raise KeyError(f"table {self._table.name} has no column {', '.join(unknown)}")
