"""Files that are written once, on S3 stores that say little."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from s3fs.errors import translate_boto_error

from customer_segmentation.new_files import put_new

AWS = {"Code": "PreconditionFailed", "Condition": "If-None-Match"}


class Store:
    """Holds one object, and refuses to replace it in its own words."""

    protocol = ("s3", "s3a")

    def __init__(self, error: dict[str, str]) -> None:
        self.error = error

    def pipe_file(self, path: str, content: bytes, *, mode: str) -> None:
        assert (path, content, mode) == ("bucket/key", b"new", "create")
        refusal = ClientError({"Error": self.error}, "PutObject")
        raise translate_boto_error(refusal)

    def cat_file(self, _: str) -> bytes:
        return b"old"


@pytest.mark.parametrize("error", [AWS, {"Code": "PreconditionFailed"}, {"Code": "412"}])
def test_an_object_that_is_there_stays_in_whatever_words_the_store_says_so(error: Any) -> None:
    assert not put_new(Store(error), "bucket/key", b"new")


def test_a_write_that_met_another_is_tried_again() -> None:
    class Busy(Store):
        calls = 0

        def pipe_file(self, path: str, content: bytes, *, mode: str) -> None:
            self.calls += 1
            if self.calls < 3:
                super().pipe_file(path, content, mode=mode)

    assert put_new(Busy({"Code": "ConditionalRequestConflict"}), "bucket/key", b"new")
    with pytest.raises(OSError, match="ConditionalRequestConflict"):
        put_new(Store({"Code": "ConditionalRequestConflict"}), "bucket/key", b"new")


def test_any_other_refusal_is_raised() -> None:
    with pytest.raises(PermissionError):
        put_new(Store({"Code": "AccessDenied"}), "bucket/key", b"new")
