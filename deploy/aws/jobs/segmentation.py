"""A job of the project on EMR Serverless or Glue: what `spark-submit` starts there.

    --env prod --pipelines ingestion,preprocessing      as of `kedro run`; also --params
    --conf-source s3://bucket/artifacts/conf-customer_segmentation.tar.gz
    --STATE s3://bucket                                 below it, in reporting/, small files wait
                                                        for the next job
    --OUTCOME s3://bucket/outcomes/1/ingestion.json     where to say how it ended, in place of
                                                        failing: customer_segmentation.cloud_job
    --LANDING s3://bucket/landed/source                 the newest file below it is the source where
                                                        none is named, as in a run by schedule
    --SEGMENTATION_TABLES s3a://bucket/prod             any setting of docs/environments.md

A setting is an argument, since Glue gives a job no environment variables. What Glue adds to the
arguments by itself is passed over.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fsspec.core import url_to_fs

from customer_segmentation.__main__ import main as run
from customer_segmentation.cloud_job import run_and_say
from customer_segmentation.configuration import project_of
from customer_segmentation.sources.files import why_skipped

OWN = ("STATE", "OUTCOME", "LANDING")
OPTIONS = ("env", "conf-source", "pipelines", "params")
SETTINGS = ("AWS_", "SEGMENTATION_", "SPARK_")
SOURCE = "SEGMENTATION_SOURCE"
# What later jobs read and the tables' store does not have: metrics, figures, accounts of rows.
TAKEN = "reporting"


def parsed(arguments: Sequence[str]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The options of `kedro run` by name, the settings by name, and those of `OWN`."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in OPTIONS:
        parser.add_argument(f"--{name}", default="")
    for name in OWN:
        parser.add_argument(f"--{name}", default="")
    known, others = parser.parse_known_args(arguments)
    options = {name: getattr(known, name.replace("-", "_")) for name in OPTIONS}
    settings = argparse.ArgumentParser(allow_abbrev=False)
    for each in others:
        name = each.partition("=")[0].removeprefix("--")
        if each.startswith("--") and name.startswith(SETTINGS):
            settings.add_argument(f"--{name}", dest=name)
    found = vars(settings.parse_known_args(others)[0])
    own = {name: getattr(known, name) for name in OWN}
    return {name: value for name, value in options.items() if value}, found, own


def marks(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells that a file below a folder is another one, by its path."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {
        path.relative_to(folder).as_posix(): (stat.st_mtime_ns, stat.st_size)
        for path, stat in found.items()
    }


def fetch(state: str, folder: Path) -> dict[str, tuple[int, int]]:
    """Copy the files that earlier jobs left to this machine, and tell what is there."""
    files, place = url_to_fs(state)
    for path in files.find(place):
        copy = folder / path.removeprefix(place).lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        files.get_file(path, str(copy))
    return marks(folder)


def keep(state: str, folder: Path, before: dict[str, tuple[int, int]]) -> None:
    """Leave to later jobs what has changed since; other files may be another job's by now."""
    files, place = url_to_fs(state)
    now = marks(folder)
    for path in sorted(now):
        if now[path] != before.get(path):
            files.makedirs(f"{place}/{path}".rpartition("/")[0], exist_ok=True)
            files.put_file(str(folder / path), f"{place}/{path}")
    for path in sorted(before.keys() - now):
        files.rm_file(f"{place}/{path}")


def newest(landing: str) -> str:
    """The file that landed last; where there is none the folder, of which the run says so."""
    files, place = url_to_fs(landing)
    # As for the function that a file's arrival starts, an empty one is none.
    there = files.find(place, detail=True).items()
    found = [path for path, told in there if told["size"] and not why_skipped(path)]
    last = max(found, key=lambda path: (files.modified(path), path), default="")
    return str(files.unstrip_protocol(last)) if last else landing


def main(arguments: Sequence[str]) -> None:
    """Run the pipelines, between fetching small files and keeping them."""
    options, settings, own = parsed(arguments)
    os.environ.update(settings)
    if own["LANDING"] and not os.environ.get(SOURCE):
        os.environ[SOURCE] = newest(own["LANDING"])
    data = project_of(options.get("conf-source")) / "data" / options.get("env", "prod")
    folder, state = data / TAKEN, f"{own['STATE']}/{TAKEN}" if own["STATE"] else ""
    before = fetch(state, folder) if state else {}
    given = [f"--{name}={value}" for name, value in options.items()]
    try:
        if own["OUTCOME"]:
            # In one line of JSON, of which CloudWatch makes metrics.
            print(json.dumps(run_and_say(given, own["OUTCOME"]) | counted(folder)))  # noqa: T201
        else:
            run(given)
    finally:
        # A gate that refuses says why in a file; a run that fails has changed none.
        if state:
            keep(state, folder, before)


def counted(folder: Path) -> dict[str, float]:
    """The share of rows that were left out, as far as it is known by now."""
    account = folder / "row_accounting.json"
    said = json.loads(account.read_text("utf-8")) if account.is_file() else {}
    return {"quarantined_share": said["quarantined"] / said["rows_in"]} if said else {}


if __name__ == "__main__":
    main(sys.argv[1:])
