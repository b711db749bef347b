"""The operations that take many customers: asynchronous jobs, and MLflow's scoring protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import to_builtins

from customer_segmentation.serving.jobs.desk import MEDIA_TYPES
from customer_segmentation.serving.jobs.table import Job
from customer_segmentation.serving.jobs.views import view
from customer_segmentation.serving.openapi.operations import (
    JSON,
    Part,
    answer,
    content,
    operation,
    parameter,
    ref,
)

_CSV, _LINES, _PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"
_OTHERS = tuple(kind for kind in MEDIA_TYPES if kind != _CSV)
# Far above any input, and far below where a square stops being finite.
_MOST = 1e12
_CELL = "[0-9]{1,6}(?:[.][0-9]{1,3})?"


def job_paths(sheet: str) -> dict[str, Part]:
    """The routes of jobs.

    Args:
        sheet: An example CSV of customers.
    """
    created = datetime(2026, 1, 31, 9, 30, tzinfo=UTC).timestamp()
    job = to_builtins(view(_example_job(created, len(sheet)), 0.0, ""))
    # A file is of any form: what is wrong with it is told by the job.
    files: dict[str, Part] = {kind: {} for kind in _OTHERS}
    job_id = parameter("job_id", "path", {"type": "string", "minLength": 1}, "As posting gave it")
    again = parameter(
        "Idempotency-Key",
        "header",
        {"type": "string", "minLength": 1, "maxLength": 255},
        "The same one again, with the same file, gives the same job",
    )
    location = {"Location": {"description": "Of the job", "schema": {"type": "string"}}}
    posted = answer("Taken; it is worked soon", ref("JobView"), job=job)
    listed = {"type": "array", "items": ref("JobView")}
    jobs_list = {"type": "object", "properties": {"jobs": listed}, "required": ["jobs"]}
    jobs: Part = {"tag": "Jobs", "role": "score"}
    return {
        "/v1/jobs": {
            "post": operation(
                "post_job",
                "Score a file of any number of customers; ask for the results later",
                {"202": posted | {"headers": location}},
                (400, 408, 413, 415, 422),
                body={_CSV: {"examples": {"file": {"value": sheet}}}, **files},
                parameters=[again],
                **jobs,
            ),
            "get": operation(
                "list_jobs",
                "This key's jobs",
                {"200": answer("The newest first", jobs_list)},
                (),
                **jobs,
            ),
        },
        "/v1/jobs/{job_id}": {
            "get": operation(
                "get_job",
                "How far a job is",
                {"200": answer("The job", ref("JobView"), job=job)},
                (404,),
                parameters=[job_id],
                **jobs,
            ),
            "delete": operation(
                "cancel_job",
                "Cancel a job, or remove the files of one that has ended",
                {"204": {"description": "It is cancelled, or removed"}},
                (404,),
                parameters=[job_id],
                **jobs,
            ),
        },
        "/v1/jobs/{job_id}/results": {"get": _download("results", "The answers", job_id)},
        "/v1/jobs/{job_id}/rejected": {
            "get": _download("rejected", "The rows that were refused, with every reason", job_id)
        },
    }


def invocation_paths(
    columns: Sequence[str], most_rows: int, row: Sequence[float]
) -> dict[str, Part]:
    """MLflow's scoring protocol.

    Args:
        columns: The artifact's numeric columns.
        most_rows: In one request.
        row: An example: one number a column.
    """
    table = {"columns": list(columns), "data": [list(row)]}
    record = dict(zip(columns, row, strict=True))
    text = "\n".join([",".join(columns), ",".join(f"{value:g}" for value in row), ""])
    forms = {
        "dataframe_split": {"dataframe_split": table},
        "dataframe_records": {"dataframe_records": [record]},
        "inputs": {"inputs": {"customers": [list(row)]}},
    }
    predictions: Part = {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": {"type": "object"}},
            "unsegmented": {
                "type": "array",
                "items": ref("Unsegmented"),
                "description": "The rows whose segment is -1; left out where there are none",
            },
        },
        "required": ["predictions"],
    }
    taken = {
        JSON: content(_forms(columns, most_rows), **forms),
        "text/csv": content(_csv(columns, most_rows), file=text),
    }
    return {
        "/invocations": {
            "post": operation(
                "score_numbers",
                "The artifact's own codes for rows of its own numbers, as MLflow's server answers",
                {"200": answer("One object a row", predictions)},
                (400, 408, 413, 415),
                role="score",
                body=taken,
                tag="MLflow",
            )
        },
        "/ping": {
            "get": operation(
                "ping",
                "Whether it takes requests",
                {"200": answer("It does", {"type": "object"}, ready={})},
                (503,),
                tag="MLflow",
            )
        },
    }


def _example_job(created: float, size: int) -> Job:
    """As it is the moment it was posted."""
    return Job(
        id="f3b0c44298fc1c149afbf4c8996fb924",
        owner="",
        idempotency_key=None,
        sha256="",
        bytes=size,
        parameters={"format": "csv"},
        state="queued",
        created_at=created,
        started_at=None,
        ended_at=None,
        rows=None,
        rows_done=0,
        rows_rejected=0,
        artifact_version=None,
        message=None,
        attempt=None,
        attempts=0,
        lease_until=None,
    )


def _download(name: str, summary: str, job_id: Part) -> Part:
    formats = {"type": "string", "enum": ["parquet"]}
    binary = {"type": "string", "format": "binary"}
    chosen = parameter("format", "query", formats, "Parquet, whatever was sent")
    file = {kind: {"schema": binary} for kind in (_CSV, _LINES, _PARQUET)}
    return operation(
        f"get_{name}",
        summary,
        {"200": {"description": "A file in the format that was sent", "content": file}},
        (400, 404, 409),
        parameters=[job_id, chosen],
        tag="Jobs",
        role="score",
    )


def _number() -> Part:
    return {"type": ["number", "null"], "minimum": -_MOST, "maximum": _MOST}


def _forms(columns: Sequence[str], most: int) -> Part:
    """One of the three forms that a body of JSON has."""
    width = len(columns)
    row = {"type": "array", "items": _number(), "minItems": width, "maxItems": width}
    # More rows are refused for their size (413), not for their form.
    said = f"At most {most} rows"
    rows = {"type": "array", "items": row, "description": said}
    record = _closed({name: _number() for name in columns})
    records = {"type": "array", "items": record, "minItems": 1, "description": said}
    split = _closed({"columns": {"const": list(columns)}, "data": rows})
    forms = {
        "dataframe_split": split,
        "dataframe_records": records,
        "inputs": {"anyOf": [rows, _closed({"customers": rows})]},
    }
    return {"oneOf": [_closed({name: schema}) for name, schema in forms.items()]}


def _csv(columns: Sequence[str], most: int) -> Part:
    """A header of the columns, and lines of numbers."""
    line = f"{_CELL}(?:,{_CELL}){{{len(columns) - 1}}}"
    return {
        "type": "string",
        "pattern": f"^{','.join(columns)}\\n(?:{line}\\n)+$",
        "description": f"A header of the columns, then a line a row: at most {most}. The columns "
        "may be in any order, and an empty cell is a missing number.",
    }


def _closed(properties: Mapping[str, Part]) -> Part:
    """An object with these properties, all of them, and nothing else."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
