"""A history, of segments or of features, as a folder of Parquet files, one a statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import pyarrow.parquet as pq
from kedro.io import AbstractDataset

from customer_segmentation.datasets.pending import filesystem_of
from customer_segmentation.datasets.polars_table import HIDDEN, PolarsTableDataset
from customer_segmentation.errors import UserError
from customer_segmentation.tables.check import require_contract
from customer_segmentation.tables.history import Statement, statement_of, statements_in

if TYPE_CHECKING:
    import pandas as pd

# Rows are sorted by customer, so that a reader of one customer reads one group of each file.
ROWS_IN_GROUP = 20_000
_WRITING = ".writing-"


class HistoryPartsDataset(AbstractDataset[Any, Any]):
    """Appends one file a statement; no file is ever rewritten.

    A file appears whole or not at all. In a run it waits beside the folder until the whole run is
    published (`WholeFilesCatalog`), and then joins the others.

    Args:
        filepath: The folder: a path or a URL that fsspec can open.
        table: Its name in the catalog, whose contract is checked on saving.
        engine: What reads and writes it: `pandas` or `polars`.
        metadata: For plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        table: str,
        engine: Literal["pandas", "polars"] = "pandas",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """The folder need not be there yet."""
        # `WholeFilesCatalog` redirects this name, by which a statement is saved, to where it waits.
        self._filepath = self._folder = filepath
        self._table, self._engine = table, engine
        self.metadata = metadata

    def load(self) -> Any:  # noqa: ANN401 - a table of its engine
        """Every row of every statement.

        Raises:
            UserError: There is none yet.
        """
        if not (statements := self.statements()):
            raise UserError(f"{self._folder}: there is no history yet. Run kedro run.")
        if self._engine == "polars":
            import polars as pl  # noqa: PLC0415 - only staging's extra has it

            return pl.scan_parquet(f"{self._folder}/", glob=False, hidden_file_prefix=HIDDEN)
        return self.rows_of(statements)

    def save(self, data: Any) -> None:  # noqa: ANN401 - a table of any engine
        """Write a statement; a table without rows changes nothing.

        Args:
            data: Rows of one statement, sorted by customer.

        Raises:
            UserError: It breaks the contract.
            ValueError: The rows are of several statements.
        """
        table = nw.from_native(data).lazy()
        statement, *others = [*statements_in(table), None]
        if statement is None:
            return
        if others != [None]:
            message = f"{self._table}: the rows of one save are of several statements"
            raise ValueError(message)
        part = f"{self._filepath}/{statement.part}"
        if self._engine == "polars":
            self._polars(part).save(data)
            return
        require_contract(self._table, table)
        files, path = filesystem_of(part)
        folder, _, name = path.rpartition("/")
        files.makedirs(folder, exist_ok=True)
        written = f"{folder}/{_WRITING}{name}"
        with files.open(written, "wb") as file:
            rows = table.collect("pyarrow").to_native()
            pq.write_table(rows, file, row_group_size=ROWS_IN_GROUP, compression="zstd")
        files.mv(written, path)

    def merge_from(self, waiting: str) -> None:
        """Move the statement that waits to the others; repeating it changes nothing.

        Args:
            waiting: The folder that it waits in.
        """
        files, source = filesystem_of(waiting)
        _, target = filesystem_of(self._folder)
        is_local = "file" in files.protocol
        for path in files.find(source):
            name = path.rpartition("/")[2]
            if not statement_of(name):
                continue
            if is_local:
                files.makedirs(target, exist_ok=True)
                files.mv(path, f"{target}/{name}")
            else:
                # It waits until all is published: after a kill it can be copied again.
                files.cp_file(path, f"{target}/{name}")

    def statements(self) -> list[Statement]:
        """Those that are kept, in the order in which they were recorded."""
        files, folder = filesystem_of(self._folder)
        try:
            paths = files.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        return sorted(filter(None, (statement_of(path.rpartition("/")[2]) for path in paths)))

    def rows(self, statement: Statement) -> Any:  # noqa: ANN401 - a table of its engine
        """The rows of a statement that is kept, sorted by customer."""
        part = f"{self._folder}/{statement.part}"
        return self._polars(part).load() if self._engine == "polars" else _by_pandas(part)

    def rows_of(self, statements: Sequence[Statement]) -> Any:  # noqa: ANN401 - as above
        """The rows of some statements that are kept."""
        if self._engine == "polars":
            import polars as pl  # noqa: PLC0415 - as above

            parts = [f"{self._folder}/{each.part}" for each in statements]
            return pl.scan_parquet(parts, glob=False)
        import pandas as pd  # noqa: PLC0415 - as above

        return pd.concat([self.rows(each) for each in statements], ignore_index=True)

    def _polars(self, part: str) -> PolarsTableDataset:
        return PolarsTableDataset(filepath=part, table=self._table, rows_in_group=ROWS_IN_GROUP)

    def _exists(self) -> bool:
        return bool(self.statements())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._folder, "table": self._table, "engine": self._engine}


def _by_pandas(part: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - only dev reads with it

    files, path = filesystem_of(part)
    with files.open(path, "rb") as file:
        return pd.read_parquet(file)
