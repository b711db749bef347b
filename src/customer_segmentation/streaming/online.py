"""The online feature store, kept up to date by a stream.

A run fills the store and gives it its snapshot; a stream replaces the rows of the customers that
change. The number of the state's change stands beside the rows, with that of the snapshot: where
these are others, or a run has filled the store meanwhile, all customers are written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import onnx
import polars as pl
from numpy.typing import NDArray

from customer_segmentation.customers.features import features_of
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import ROW, SNAPSHOT, Snapshot, versioned
from customer_segmentation.schema.lifetime import VALUES
from customer_segmentation.schema.parts import KEY, STANDARDISED
from customer_segmentation.scoring.metadata import metadata_of, scaling_of, schema_of

# Beside the snapshot; no row's key begins so.
_TOLD = "stream:"
_CHUNK = 5_000


class OnlineWriter:
    """Writes the features of customers that changed.

    Args:
        online: The store.
        group: Of the stream.

    Raises:
        UserError: It does not answer, or no run has filled it yet.
    """

    def __init__(self, online: OnlineFeatures, group: str) -> None:
        self._online, self._told = online, _TOLD + group
        self._number = self._live().number

    def is_at(self, number: int) -> bool:
        """Whether it has all up to a change of the state, and no run has filled it since."""
        (told,) = self._online.store.get([self._told])
        return told == self._mark(number)

    def is_current(self) -> bool:
        """Whether no run has filled it since all rows were written."""
        return self._live().number == self._number

    def put(
        self, customers: pl.DataFrame, gone: Iterable[str], artifact: onnx.ModelProto, number: int
    ) -> bool:
        """Replace rows; returns whether all must be written anew, since a run has filled the store.

        Args:
            customers: As in `silver_customers`.
            gone: Keys of those who are customers no more.
            artifact: The champion, by which features are standardised.
            number: Of the state's change.
        """
        live = self._live()
        if len(customers):
            for some in customers.iter_slices(_CHUNK):
                self._online.store.put(self._rows(some, artifact, live))
        self._online.store.remove(ROW + customer for customer in gone)
        if live.number != self._number:
            return True
        self._online.store.put([(self._told, self._mark(number))])
        return False

    def put_all(
        self, pieces: Iterable[pl.DataFrame], artifact: onnx.ModelProto, as_of: str, number: int
    ) -> None:
        """Replace the rows of all customers.

        Args:
            pieces: All, as in `silver_customers`.
            artifact: As of `put`.
            as_of: Their day.
            number: As of `put`.
        """
        live = self._live()
        self._number = live.number
        if as_of < live.as_of:
            raise UserError(
                f"the online store holds customers of {live.as_of}, and the stream's are of "
                f"{as_of}: set as_of: today in stream.yml, or fill the store by a run of that day"
            )
        for customers in pieces:
            self.put(customers, (), artifact, -1)
        if as_of != live.as_of:
            self._online.store.put([(SNAPSHOT, replace(live, as_of=as_of).encoded())])
        self._online.store.put([(self._told, self._mark(number))])

    def close(self) -> None:
        """Give back connections."""
        self._online.store.close()

    def _rows(
        self, customers: pl.DataFrame, artifact: onnx.ModelProto, live: Snapshot
    ) -> Iterator[tuple[str, bytes]]:
        keys, numbers = _numbers(customers, artifact, live.columns)
        lost = [place for place, name in enumerate(live.columns) if name in VALUES]
        if lost:
            # What is expected of a customer is told by runs alone.
            _, before = self._online.read(keys)
            for row, old in zip(numbers, before, strict=True):
                if old is not None:
                    row[lost] = np.frombuffer(old, "<f8")[lost]
        for key, row in zip(keys, numbers, strict=True):
            yield ROW + key, versioned({live.number: row.astype("<f8").tobytes()})

    def _live(self) -> Snapshot:
        live = self._online.live()
        if live is None:
            raise UserError(
                f"the online store {self._online.store.name} is empty: fill it by kedro run, which "
                "says which features it has, then start the stream"
            )
        return live

    def _mark(self, number: int) -> bytes:
        """Stands for a change of the state, on a snapshot of a run."""
        return f"{number} on {self._number}".encode()


def _numbers(
    customers: pl.DataFrame, artifact: onnx.ModelProto, columns: Sequence[str]
) -> tuple[list[str], NDArray[np.float64]]:
    """Customers' keys, and their features in the order of the store."""
    metadata: Any = metadata_of(artifact)
    features = features_of(nw.from_native(customers.lazy()), schema_of(metadata))
    standardised = {
        name + STANDARDISED: values
        for name, values in scaling_of(metadata).standardised_columns().items()
    }
    table: pl.DataFrame = features.with_columns(**standardised).collect().to_native()
    if absent := [name for name in columns if name not in {*table.columns, *VALUES}]:
        raise UserError(
            f"the online store has features that the champion has not: {', '.join(absent)}: run "
            "kedro run --pipeline=feature_export"
        )
    numbers = table.select(
        pl.col(name).cast(pl.Float64)
        if name in table.columns
        else pl.lit(None, pl.Float64).alias(name)
        for name in columns
    )
    return table[KEY].to_list(), numbers.fill_null(float("nan")).to_numpy(writable=True)
