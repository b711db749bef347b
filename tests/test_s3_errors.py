"""Faults of the access to S3 are told in one line, whichever library meets them."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import deltalake
import polars as pl
import pytest
import s3fs
import yaml
from botocore.exceptions import ClientError

from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import run_lock
from customer_segmentation.s3_errors import explain_s3
from tests.services.s3 import S3Server, add_user

BUCKET = "known"
NONSENSE = "nonsense"
READER = {"access_key": "reader", "secret_key": "reader-secret"}


RECORDED = yaml.safe_load((Path(__file__).parent / "services" / "s3_error_texts.yml").read_text())
TEXTS: dict[str, dict[str, str]] = {
    f"{origin}: {name}": text for origin, texts in RECORDED.items() for name, text in texts.items()
}


@dataclass(frozen=True)
class Access:
    """A server, reached rightly or wrongly."""

    server: S3Server
    bucket: str = BUCKET
    session_token: str | None = None

    def environment(self) -> dict[str, str]:
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return self.server.environment() | token

    def options(self) -> dict[str, str]:
        """The same, as Polars and delta-rs take it."""
        return {name.lower(): value for name, value in self.environment().items()}


@pytest.fixture(scope="session")
def right(versitygw_server: S3Server) -> Access:
    """A bucket of versitygw, which checks who may do what, and a user who may only read it."""
    versitygw_server.make_bucket(BUCKET)
    add_user(versitygw_server, READER["access_key"], READER["secret_key"])
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [READER["access_key"]]},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    versitygw_server.client().put_bucket_policy(Bucket=BUCKET, Policy=policy)
    return Access(versitygw_server)


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def changed(access: Access, **changes: str) -> Access:
    return replace(access, server=replace(access.server, **changes))


FAULTS: dict[str, tuple[Callable[[Access], Access], str]] = {
    "missing bucket": (lambda right: replace(right, bucket="absent"), "there is no such bucket"),
    "wrong secret": (
        lambda right: changed(right, secret_key=NONSENSE),
        "the secret key does not match the access key: check AWS_SECRET_ACCESS_KEY",
    ),
    "unknown key": (
        lambda right: changed(right, access_key="nobody"),
        "S3 does not know the access key: check AWS_ACCESS_KEY_ID",
    ),
    "reader": (lambda right: changed(right, **READER), "need s3:ListBucket on the bucket"),
    "wrong region": (
        lambda right: changed(right, region="eu-west-1"),
        "another region, us-east-1: set AWS_REGION and AWS_DEFAULT_REGION to us-east-1",
    ),
    "foreign token": (
        lambda right: replace(right, session_token=NONSENSE),
        "unset AWS_SESSION_TOKEN",
    ),
    "closed port": (
        lambda right: changed(right, endpoint=closed_port()),
        "nothing answers at http://127.0.0.1:",
    ),
}


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, right: Access) -> tuple[Access, str]:
    """A way to reach the server wrongly, and what is to be said of it."""
    wrongly, wording = FAULTS[request.param]
    return wrongly(right), wording


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Set these AWS variables and no others."""

    def set_only(variables: dict[str, str]) -> None:
        # Without files of the person who runs the tests, and without Amazon's own machines.
        none = {
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in (none | variables).items():
            monkeypatch.setenv(name, value)

    return set_only


def raised(action: Callable[[], Any]) -> Exception:
    with pytest.raises(Exception) as error:  # noqa: PT011 - which one is the library's choice
        action()
    return error.value


class TestFirstContact:
    """The run's lock is the first to meet S3."""

    def test_each_fault_is_one_line(self, fault, environment):
        access, wording = fault
        environment(access.environment())
        error = raised(run_lock(f"s3://{access.bucket}/tables", "one").acquire)
        assert isinstance(error, UserError)
        assert str(error).startswith(f"s3://{access.bucket}/tables: ")
        assert wording in str(error)
        assert "\n" not in str(error)

    def test_moto_says_the_same_of_a_missing_bucket(self, moto_server, environment):
        environment(moto_server.environment())
        with pytest.raises(UserError, match=r"^s3://absent: there is no such bucket"):
            run_lock("s3://absent", "one").acquire()

    def test_no_credentials(self, right, environment, monkeypatch):
        environment({"AWS_ENDPOINT_URL": right.server.endpoint})
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(UserError, match="no credentials for S3: set AWS_ACCESS_KEY_ID"):
            run_lock("s3://known", "one").acquire()

    def test_a_profile_that_is_not_there(self, right, environment):
        environment(right.environment() | {"AWS_PROFILE": "nobody"})
        with pytest.raises(UserError, match="the profile that AWS_PROFILE names is not there"):
            run_lock("s3://known", "one").acquire()

    def test_an_endpoint_that_is_no_address(self, right, environment):
        environment(right.environment() | {"AWS_ENDPOINT_URL": "nonsense"})
        with pytest.raises(UserError, match=r"^s3://known: Invalid endpoint: nonsense"):
            run_lock("s3://known", "one").acquire()

    def test_an_endpoint_that_is_not_s3(self, right, environment, web_server):
        environment(right.environment() | {"AWS_ENDPOINT_URL": web_server})
        with pytest.raises(UserError, match="is not S3: check AWS_ENDPOINT_URL"):
            run_lock("s3://known", "one").acquire()


@pytest.fixture
def web_server() -> Iterator[str]:
    """A web server that has no idea of S3."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class TestLibraries:
    """Faults that begin in the middle of a run come through the library that saves a table."""

    def test_polars(self, fault):
        access, wording = fault
        path = f"s3://{access.bucket}/table.parquet"
        table = pl.DataFrame({"a": [1]})
        # The first attempt is enough, here and below: the faults do not pass.
        options: Any = access.options() | {"max_retries": 0}
        error = raised(lambda: table.write_parquet(path, storage_options=options))
        assert wording in (explain_s3(error, path) or "")

    def test_delta_rs(self, fault):
        access, wording = fault
        path = f"s3://{access.bucket}/table"
        table = pl.DataFrame({"a": [1]}).to_arrow()
        options = access.options() | {"max_retries": "0"}
        error = raised(lambda: deltalake.write_deltalake(path, table, storage_options=options))
        assert wording in (explain_s3(error, path) or "")

    @pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"wrong region"}), indirect=True)
    def test_s3fs(self, fault, environment):
        access, wording = fault
        environment(access.environment())
        store = s3fs.S3FileSystem(
            skip_instance_cache=True, config_kwargs={"retries": {"total_max_attempts": 1}}
        )
        store.retries = 1
        error = raised(lambda: store.pipe_file(f"{access.bucket}/table.csv", b"1"))
        assert wording in (explain_s3(error, "s3://known") or "")

    def test_s3fs_follows_a_bucket_to_its_region(self, right, environment):
        environment(changed(right, region="eu-west-1").environment())
        s3fs.S3FileSystem(skip_instance_cache=True).pipe_file(f"{BUCKET}/table.csv", b"1")

    def test_s3fs_is_told_less_when_it_looks_for_a_file(self, right, environment):
        environment(changed(right, secret_key=NONSENSE).environment())
        store = s3fs.S3FileSystem(skip_instance_cache=True)
        error = raised(lambda: store.exists(f"{BUCKET}/table.csv"))
        assert "does not say why: check AWS_ACCESS_KEY_ID" in (explain_s3(error, "here") or "")


class TestTexts:
    @pytest.mark.parametrize("recorded", TEXTS.values(), ids=TEXTS)
    def test_a_recorded_text_is_one_line(self, recorded):
        line = explain_s3(OSError(recorded["text"]), "s3://known")
        assert line
        assert line.startswith("s3://known: ")
        assert recorded["says"] in line
        assert "\n" not in line

    @pytest.mark.parametrize(
        ("code", "headers", "wording"),
        [
            ("ExpiredToken", {}, "the credentials have expired"),
            ("AccessDenied", {}, "need s3:ListBucket"),
            ("403", {}, "does not say why"),
            ("PermanentRedirect", {"x-amz-bucket-region": "eu-north-1"}, "region, eu-north-1: set"),
            ("301", {}, "AWS_DEFAULT_REGION to its region"),
            ("RequestTimeTooSkewed", {}, "clock is wrong"),
            ("SlowDown", {}, "try again later"),
            ("NotImplemented", {}, "not support conditional writes"),
        ],
    )
    def test_amazons_codes(self, code, headers, wording):
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPHeaders": headers}}
        assert wording in (explain_s3(ClientError(answer, "PutObject"), "here") or "")

    def test_the_fault_may_be_the_cause_of_another_error(self):
        outer = RuntimeError("Failed while saving data to dataset")
        outer.__cause__ = PermissionError("Access Denied.")
        outer.__cause__.__context__ = ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")
        assert explain_s3(outer, "here")

    @pytest.mark.parametrize(
        "error",
        [
            FileNotFoundError("known/y.parquet"),
            PermissionError(13, "Permission denied", "/data/gold"),
            ConnectionRefusedError(111, "Connection refused"),
            ValueError("403"),
            ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject"),
            ClientError({"Error": {"Code": "404"}}, "HeadObject"),
        ],
        ids=repr,
    )
    def test_other_errors_are_not_explained(self, error):
        assert explain_s3(error, "here") is None

    def test_an_error_that_is_its_own_cause_ends(self):
        error = ValueError("round")
        error.__cause__ = error
        assert explain_s3(error, "here") is None
