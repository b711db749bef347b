"""The gold tables and the consents that audiences are counted over, as they are now."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

import fsspec

from customer_segmentation.audiences.definition import Choices
from customer_segmentation.audiences.fields import FEATURES, LIFETIME, SEGMENTS
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.serving.bundle import file_state
from customer_segmentation.serving.paced import Paced
from customer_segmentation.serving.settings import Settings
from customer_segmentation.serving.stored import StoredTable

if TYPE_CHECKING:
    from customer_segmentation.audiences.counting import Customers
    from customer_segmentation.campaigns.consent import Statements

Columns = tuple[tuple[str, tuple[str, ...]], ...]
_CONSENTS = "SEGMENTATION_CONSENTS"


class StoredCustomers:
    """Follows the gold tables: they are read anew where one of them has changed.

    Args:
        settings: They say where the tables are.
    """

    def __init__(self, settings: Settings) -> None:
        self._memory = settings.audience_memory
        places = {
            SEGMENTS: settings.segments,
            FEATURES: settings.features,
            LIFETIME: settings.lifetime_value,
        }
        self._tables = {name: StoredTable(place) for name, place in places.items()}
        self._choosing = Lock()
        self._wanted: Columns = ()
        self._look: Paced[tuple[str, Customers]] | None = None
        self._last: tuple[Columns, str, Customers] | None = None

    def current(self, choices: Choices) -> tuple[str, Customers]:
        """A text that changes when the tables do, and the customers.

        A stream changes them each second: reading them takes at most a tenth of the time.

        Args:
            choices: The fields that may be asked for.

        Raises:
            FileNotFoundError: No batch run has stored answers yet.
            UserError: They cannot be read, or take more memory than is allowed.
            ModuleNotFoundError: DuckDB is not installed.
        """
        wanted = _columns_of(choices)
        with self._choosing:
            if self._look is None or wanted != self._wanted:
                self._wanted, self._look = wanted, Paced(partial(self._load, wanted))
            look = self._look
        return look()

    def _load(self, wanted: Columns) -> tuple[str, Customers]:
        states = {SEGMENTS: self._tables[SEGMENTS].state()}
        for name in (FEATURES, LIFETIME):
            try:
                states[name] = self._tables[name].state()
            except FileNotFoundError:
                # There is nothing to ask of it.
                continue
        state = "-".join(f"{name} {each}" for name, each in states.items())
        last = self._last
        if last is None or last[:2] != (wanted, state):
            from customer_segmentation.audiences.counting import (  # noqa: PLC0415 - DuckDB, few ask
                Customers,
            )

            with self._files_of(states, dict(wanted)) as files:
                last = wanted, state, Customers(files, dict(wanted), self._memory)
            self._last = last
        return state, last[2]

    @contextmanager
    def _files_of(
        self, names: Mapping[str, str], wanted: Mapping[str, tuple[str, ...]]
    ) -> Iterator[dict[str, str]]:
        """Each table as a Parquet file on this machine: a copy, where it is none."""
        with TemporaryDirectory(prefix="segmentation-audiences-") as folder:
            files = {}
            for name in names:
                table = self._tables[name]
                if table.path.endswith(".parquet") and "://" not in table.path:
                    files[name] = table.path
                    continue
                files[name] = str(Path(folder) / f"{name}.parquet")
                _copy(table, [*wanted[name], AS_OF], files[name])
            yield files


class StoredConsents:
    """Who agreed to what: the file of consents, and dates in the customers' own table.

    Args:
        settings: They say where both are.
    """

    def __init__(self, settings: Settings) -> None:
        self._place = settings.consents or os.environ.get(_CONSENTS) or ""
        self._own = StoredTable(settings.customers)
        self._reading = Lock()
        self._last: tuple[str, Schema, Statements] | None = None

    def is_known(self, schema: Schema) -> bool:
        """Whether anything could be known of consent."""
        return bool(self._place) or _names_columns(schema)

    def state(self, schema: Schema) -> str:
        """A text that changes when what is known does.

        Raises:
            UserError: The file is not there.
        """
        states = []
        if self._place:
            files, root = fsspec.core.url_to_fs(self._place)
            files.invalidate_cache()
            try:
                states.append(file_state(files.info(root)))
            except FileNotFoundError as error:
                message = f"the file of consents is not there: {self._place}"
                raise UserError(message) from error
        if _names_columns(schema):
            states.append(self._own.state())
        return "-".join(states)

    def agreed(self, schema: Schema, purpose: str, day: date) -> set[str]:
        """The ids of those who have agreed to a purpose on a day.

        Raises:
            FileNotFoundError: The customers' own table states consent, and is not there.
            UserError: What is known cannot be read.
        """
        from customer_segmentation.campaigns.consent import has_consent  # noqa: PLC0415 - few ask

        # One at a time: many may ask before the first is read.
        with self._reading:
            state, last = self.state(schema), self._last
            if last is None or last[:2] != (state, schema):
                self._last = last = state, schema, self._read(schema)
        return has_consent(last[2], purpose, day)

    def _read(self, schema: Schema) -> Statements:
        from customer_segmentation.campaigns.consent import (  # noqa: PLC0415 - as above
            Statements,
            stated_in_columns,
        )
        from customer_segmentation.campaigns.consent_file import read_statements  # noqa: PLC0415

        said = [Statements.none()]
        if self._place:
            from pyarrow import parquet  # noqa: PLC0415 - as above

            from customer_segmentation.sources.landing import land  # noqa: PLC0415 - as above

            with TemporaryDirectory(prefix="segmentation-consents-") as folder:
                target = str(Path(folder) / "consents.parquet")
                land(self._place, target)
                said.append(read_statements(parquet.read_table(target), schema))
        if _names_columns(schema):
            said.append(stated_in_columns(self._own.scan(), schema))
        return Statements.joined(said)


def _columns_of(choices: Choices) -> Columns:
    """The columns of each table that a field needs."""
    columns: dict[str, list[str]] = {SEGMENTS: [KEY, "segment"], FEATURES: [KEY], LIFETIME: [KEY]}
    for field in choices.fields.values():
        columns[field.table] += field.columns
    columns[FEATURES] += choices.never
    return tuple((name, tuple(dict.fromkeys(each))) for name, each in columns.items())


def _names_columns(schema: Schema) -> bool:
    return any(one.given_on or one.withdrawn_on for one in schema.campaigns.consent.values())


def _copy(table: StoredTable, wanted: list[str], target: str) -> None:
    import polars as pl  # noqa: PLC0415 - 40 MB that few requests need

    try:
        rows = table.scan()
        has = rows.collect_schema().names()
        rows.select(name for name in dict.fromkeys(wanted) if name in has).sink_parquet(target)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        # Its message may tell of customers in the log.
        message = f"{table.path}: the table cannot be read ({type(error).__name__})"
        raise UserError(message) from None
