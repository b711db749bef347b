"""Explain errors of other libraries that a person can fix, in one line."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from customer_segmentation.errors import UserError
from customer_segmentation.s3_errors import explain_s3

# By extra: who needs it, `make`'s target that installs it if there is one, and its modules.
_EXTRAS = {
    "spark": ("prod needs Spark's packages", "prod", "delta pyspark"),
    "cloud": ("staging needs packages for S3", "staging", "boto3 botocore polars s3fs"),
    "serving": (
        "the server needs packages of its own",
        "serve",
        (
            "deltalake duckdb httptools litestar msgspec prometheus_client psycopg sqlalchemy "
            "sqlglot uvicorn uvloop"
        ),
    ),
    "databases": (
        "this source needs packages of its own",
        "",
        "adbc_driver_manager adbc_driver_postgresql bson cassandra pymongo",
    ),
    "tracing": ("traces need packages of their own", "", "opentelemetry"),
    "streaming": ("Kafka needs packages of its own", "", "confluent_kafka fastavro"),
}
_NOT_INSTALLED = r"No module named '(\w+)|Install (s3fs) to access S3"

_FULL = "the disk is full: free some space, and run again; nothing is half written"
# The message of the catalog.
_AT = r"(\w+): Failed while (?:saving|loading)"
_NO_WRITE = "a run must be able to write there"
_DISK = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "your share of the disk is used up: free some space, and run again",
    errno.EROFS: f"the disk is read-only: {_NO_WRITE}",
    **dict.fromkeys((errno.EACCES, errno.EPERM), f"permission denied: {_NO_WRITE}"),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EEXIST), f"a file is where a folder should be: {_NO_WRITE}"
    ),
}
# Messages of SQLite, which MLflow wraps.
_DATABASE = {
    "database or disk is full": f"mlflow.db: {_FULL}",
    "unable to open database file": f"mlflow.db cannot be opened: {_NO_WRITE}",
    "attempt to write a readonly database": f"mlflow.db is read-only: {_NO_WRITE}",
}

# Kedro has no error types for these.
_SELECTIONS = (
    (
        r"Pipeline does not contain nodes named (\[.*\])",
        "there is no node {} in what is run: `kedro registry describe` lists the nodes",
    ),
    (
        r"Pipeline does not contain nodes with the following namespaces: (\[.*\])",
        "there is no namespace {} in what is run: leave --namespaces out",
    ),
    (
        r"Pipeline does not contain datasets named (\[.*\])",
        "there is no dataset {} in what is run: `kedro catalog describe-datasets` lists them",
    ),
    (
        r"Pipeline contains no (nodes) after applying all provided filters",
        (
            "no {} are left to run: no node has all that --tags, --nodes, --from-nodes and the like"
            " ask for; `kedro registry describe` lists the nodes"
        ),
    ),
    (
        r"^\w+Runner\.__init__\(\) got an unexpected keyword argument '(.*)'",
        "the runner has no parameter `{}`: leave it out of --runner-params",
    ),
)


def explain(error: BaseException) -> str | None:
    """What is wrong and what to do, if a person can fix it; else None."""
    causes = list(_causes(error))
    # Our own messages first, anywhere in the chain.
    for cause in causes:
        if isinstance(cause, UserError):
            return str(cause)
    table = next((at[1] for cause in causes if (at := re.match(_AT, str(cause)))), None)
    for cause in causes:
        if told := _disk(cause, table) or _missing_extra(cause) or _selection(cause):
            return told
    return explain_s3(error, "the bucket of this environment")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes; Kedro wraps errors of datasets."""
    while error is not None:
        yield error
        error = error.__cause__


def _disk(error: BaseException, table: str | None) -> str | None:
    if isinstance(error, OSError) and error.errno in _DISK:
        # Not every library names the file.
        where = error.filename or table
        return (f"{where}: " if where else "") + _DISK[error.errno]
    if type(error).__module__.startswith(("sqlalchemy", "sqlite3", "mlflow")):
        return next((said for words, said in _DATABASE.items() if words in str(error)), None)
    return None


def _missing_extra(error: BaseException) -> str | None:
    if not (match := re.search(_NOT_INSTALLED, str(error))):
        return None
    # For a dataset, Kedro names the last module path it tried.
    module = {"spark": "pyspark"}.get(match[1], match[1]) or match[2]
    for extra, (needed, target, modules) in _EXTRAS.items():
        if module in modules.split():
            how = f"run `make {target}`, or " if target else ""
            return f"{needed}, and {module} is not installed: {how}pip install '.[{extra}]'"
    return None


def _selection(error: BaseException) -> str | None:
    for pattern, message in _SELECTIONS:
        if match := re.search(pattern, str(error)):
            return message.format(match[1])
    return None
