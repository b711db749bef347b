"""S3 through boto3, for functions: to read a champion, and to land what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec.spec import AbstractFileSystem

from customer_segmentation.s3_errors import THERE, code_of, store_error

_ABSENT = frozenset({"404", "NoSuchKey"})
S3 = "s3"


def use_boto3() -> None:
    """Have fsspec read and write S3 through boto3 in this process."""
    fsspec.register_implementation(S3, BucketFiles, clobber=True)


class BucketFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files of S3 through boto3: Lambda's runtime has it, and s3fs has much more.

    Every method of fsspec that no function needs is missing.

    Args:
        config_kwargs: botocore's settings, as s3fs has them; without them a call ends within
            seconds, well before the event that waits for it does.
        options: fsspec's.
    """

    protocol = S3

    def __init__(
        self,
        config_kwargs: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - fsspec's
    ) -> None:
        import boto3  # noqa: PLC0415 - slow, and absent where no bucket is read
        from botocore.config import Config  # noqa: PLC0415 - as above

        super().__init__(**options)
        retries = {"mode": "standard", "max_attempts": 2}
        short = {"connect_timeout": 1, "read_timeout": 3, "retries": retries}
        self._s3 = boto3.client("s3", config=Config(**(config_kwargs or short)))

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: ANN401, FBT001, FBT002 - fsspec's
        """The files right below a folder."""
        bucket, _, key = self._strip_protocol(path).partition("/")
        asked = {"Bucket": bucket, "Prefix": f"{key}/", "Delimiter": "/"}
        try:
            pages = list(self._s3.get_paginator("list_objects_v2").paginate(**asked))
        except Exception as error:
            raise _error(error, path) from error
        names = [f"{bucket}/{one['Key']}" for page in pages for one in page.get("Contents", ())]
        if not names:
            raise FileNotFoundError(path)
        return [{"name": name, "type": "file"} for name in names] if detail else names

    def info(self, path: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - fsspec's
        """The size and state of a file."""
        told = self._told("head_object", path)
        return {
            "name": path,
            "type": "file",
            "size": told["ContentLength"],
            "ETag": told["ETag"],
        }

    def cat_file(
        self,
        path: str,
        start: int | None = None,
        end: int | None = None,
        **_: Any,  # noqa: ANN401 - fsspec's
    ) -> bytes:
        """A file's bytes from `start` to `end`, which is not among them."""
        asked = {} if end is None else {"Range": f"bytes={start or 0}-{end - 1}"}
        content: bytes = self._told("get_object", path, **asked)["Body"].read()
        return content

    def pipe_file(
        self,
        path: str,
        value: bytes,
        mode: str = "overwrite",
        **_: Any,  # noqa: ANN401 - fsspec's
    ) -> None:
        """Write a file; with the mode `create`, only where there is none."""
        bucket, _, key = self._strip_protocol(path).partition("/")
        only_new = {"IfNoneMatch": "*"} if mode == "create" else {}
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=value, **only_new)
        except Exception as error:
            raise _error(error, path) from error

    def _told(self, operation: str, path: str, **asked: str) -> dict[str, Any]:
        bucket, _, key = self._strip_protocol(path).partition("/")
        told: dict[str, Any]
        try:
            told = getattr(self._s3, operation)(Bucket=bucket, Key=key, **asked)
        except Exception as error:
            raise _error(error, path) from error
        return told


def _error(error: Exception, path: str) -> Exception:
    code, place = code_of(error), f"{S3}://{path}"
    if code in _ABSENT:
        return FileNotFoundError(f"{place} is not there")
    return FileExistsError(place) if code in THERE else store_error(error, place)
