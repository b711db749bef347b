"""A folder, or a prefix of a bucket, as the receiver: each part becomes a file of CSV."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from fsspec.core import url_to_fs

from customer_segmentation.delivery.bodies import as_csv
from customer_segmentation.errors import UserError
from customer_segmentation.new_files import put_new, remove_halves
from customer_segmentation.s3_errors import store_error


class FileReceiver:
    """Writes `KEY.csv`, which appears whole or not at all; one that is there already stays.

    Args:
        place: An absolute path, or `s3://bucket/prefix`.
    """

    def __init__(self, place: str) -> None:
        self.name = place

    def take(self, key: str, campaign: str, rows: pa.Table) -> Mapping[str, str]:
        """Write a part, unless it was written before; a folder rejects nobody.

        Raises:
            UserError: It cannot be written there.
        """
        try:
            files, path = url_to_fs(self.name, use_listings_cache=False)
            file = f"{path.rstrip('/')}/{key}.csv"
            remove_halves(files, file)
            put_new(files, file, as_csv(campaign, rows))
        except Exception as error:
            if not self.name.startswith("s3://"):
                if not isinstance(error, OSError):
                    raise
                raise UserError(
                    f"{self.name}: {error.strerror}: a delivery must be able to write there"
                ) from error
            raise store_error(error, self.name) from error
        return {}
