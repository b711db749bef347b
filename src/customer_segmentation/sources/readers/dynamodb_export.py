"""Exports of DynamoDB tables to S3, in DynamoDB JSON: each is a whole load."""

from __future__ import annotations

import gzip
import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from fsspec.core import url_to_fs

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Position
from customer_segmentation.sources.readers.documents import Cells, Columns, Flattening
from customer_segmentation.sources.readers.dynamodb_items import item_document
from customer_segmentation.sources.readers.failures import failure
from customer_segmentation.sources.readers.whole_loads import whole_load

# Where DynamoDB puts exports below a prefix, and what it writes last of each.
_FOLDER = "AWSDynamoDB"
_SUMMARY, _FILES = "manifest-summary.json", "manifest-files.json"
_EXPORT = "export"
# Raised by what is JSON or not, and no item.
_NO_ITEM = (ValueError, KeyError, TypeError, AttributeError)


class DynamoExportReader:
    """Reads the newest whole export of a table, and none twice.

    Args:
        place: Path or URL of the bucket and prefix that the table is exported to, and no other
            table: `s3://bucket/prefix`.
        columns: As of `Flattening`.
        as_json: As of `Flattening`.
        deleted: As of `Flattening`.
    """

    def __init__(
        self,
        *,
        place: str,
        columns: Columns = (),
        as_json: Sequence[str] = (),
        deleted: str = "",
    ) -> None:
        """Nothing is read yet.

        Raises:
            UserError: `columns`, `as_json` or `deleted` are no paths.
        """
        self._place = place.replace("s3a://", "s3://", 1).rstrip("/")
        self.name = f"dynamodb-export:{self._place}"
        self._flattening = Flattening(columns, as_json, deleted)

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """The items of the newest export, unless it is that of the position or holds the same.

        Raises:
            UserError: There is no export that has ended, or a file of it is missing or not as its
                manifest says.
        """
        try:
            files, path = url_to_fs(self._place, use_listings_cache=False)
        except ValueError as error:
            raise failure(self.name, "mend reader.place", error) from error
        folder = f"{path.rstrip('/')}/{_FOLDER}"
        export = self._newest(files, folder)
        if since and since.get(_EXPORT) == export:
            return
        place = f"{folder}/{export}/{_SUMMARY}"
        summary = self._manifest(place, self._bytes(files, place), "itemCount")
        expected = {"outputFormat": "DYNAMODB_JSON", "exportType": "FULL_EXPORT"}
        for name, value in expected.items():
            # Older exports name no type: all were whole.
            if (told := summary.get(name, value)) != value:
                raise failure(self.name, f"the export {export} has {name} {told}: export {value}")
        rows = self._rows(files, f"{folder}/{export}", int(summary["itemCount"]))
        yield from whole_load(self.name, rows, self._flattening, since, {_EXPORT: export})

    def _newest(self, files: Any, folder: str) -> str:  # noqa: ANN401 - fsspec ships no types
        try:
            names = [path.rstrip("/").rpartition("/")[2] for path in files.ls(folder, detail=False)]
        except FileNotFoundError:
            names = []
        # They begin with the time at which they began. One without a summary has not ended.
        for name in sorted(names, reverse=True):
            if files.exists(f"{folder}/{name}/{_SUMMARY}"):
                return name
        raise failure(self.name, f"there is no export below {_FOLDER}/ that has ended")

    def _rows(self, files: Any, folder: str, count: int) -> Iterator[Cells]:  # noqa: ANN401
        """The items of all files that the manifest names."""
        read = 0
        for line in self._bytes(files, f"{folder}/{_FILES}").splitlines():
            if not line.strip():
                continue
            told = self._manifest(f"{folder}/{_FILES}", line, "dataFileS3Key", "itemCount")
            # Its key begins at the bucket, which may have been copied elsewhere since.
            file = f"{folder}/data/{told['dataFileS3Key'].rpartition('/')[2]}"
            content = self._bytes(files, file)
            found = b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
            if told.get("md5Checksum", found) != found:
                raise failure(self.name, f"{file} is not as its manifest says: copy it again")
            before = read
            for cells in self._items(file, content):
                read += 1
                yield cells
            if read - before != int(told["itemCount"]):
                raise self._short(file, read - before, told["itemCount"])
        if read != count:
            raise self._short(folder, read, count)

    def _items(self, file: str, content: bytes) -> Iterator[Cells]:
        try:
            with gzip.open(BytesIO(content)) as lines:
                for number, line in enumerate(lines, start=1):
                    document = item_document(json.loads(line)["Item"])
                    yield self._flattening.cells(document, f"{number} of {file}")
        except (OSError, EOFError, *_NO_ITEM) as error:
            raise failure(self.name, f"{file} holds what is no item", error) from error

    def _manifest(self, path: str, line: bytes, *names: str) -> dict[str, Any]:
        """An object of a manifest, which has these names.

        Raises:
            UserError: It is none.
        """
        try:
            told: dict[str, Any] = json.loads(line)
            _ = [told[name] for name in names], int(told["itemCount"])
        except _NO_ITEM as error:
            raise failure(self.name, f"{path} is no manifest: copy it again", error) from error
        return told

    def _bytes(self, files: Any, path: str) -> bytes:  # noqa: ANN401
        try:
            content: bytes = files.cat_file(path)
        except FileNotFoundError:
            raise failure(self.name, f"{path} is gone: copy the whole export") from None
        return content

    def _short(self, where: str, found: int, told: object) -> UserError:
        return failure(
            self.name, f"{where} has {found} items, and its manifest says {told}: copy it again"
        )
