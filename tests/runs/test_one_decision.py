"""A decision that is declared in one place is in every answer: tables, API, jobs and report."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pandas as pd

from tests.runs.project import CHECKOUT, Project

NAME, LABEL = "lives_alone", "lives without a partner"
PROGRAM = f"""
import asyncio, json, os, sys
from pathlib import Path
from customer_segmentation.schema import decisions

# What would stand in `schema/decisions.py`, before anything else reads it.
def {NAME}(partnered):
    '''1 for a customer without a partner.'''
    return decisions.indicator(partnered == 0.0)

defined = decisions._defined

def with_one_more(schema):
    yield from defined(schema)
    yield decisions.define({NAME}, "{LABEL}", "code", labels=("no", "yes"))

decisions._defined = with_one_more
decisions.DECISION_NAMES += ("{NAME}",)

import httpx
from kedro.framework.cli.cli import KedroCLI

KedroCLI(Path.cwd()).main(["run"], standalone_mode=False)

from customer_segmentation.serving.app import make_app
from customer_segmentation.serving.jobs.scoring import FileScorer
from customer_segmentation.serving.jobs.source import open_source
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.settings import read_settings
from tests.serving.example import a_customer

async def answers():
    app = make_app(read_settings({{}}))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost"
    ) as client:
        # Litestar decodes the path alone, and the guard reads it as it was sent.
        record = a_customer() | {{"marital_status": "single"}}
        single = await client.post("/v1/segments", json=record)
        routes = "/v1/bundle", "/schema/openapi.json", "/v1/customers/9365"
        return [single.json(), *[(await client.get(route)).json() for route in routes]]

file = open_source(Path("data/sample/customers.csv"), "csv")
scorer = FileScorer(file.headers, Champion("data/models").current, file.batches)
rows = next(iter(file.batches(scorer.headers, scorer.check)))
told = [*asyncio.run(answers()), scorer.answers(rows)["{NAME}"].to_list()]
Path("told.json").write_text(json.dumps(told))
"""


def test_a_decision_declared_in_one_place_is_in_every_answer(new_project: Project) -> None:
    new_project.make_quick()
    ended = subprocess.run(  # noqa: S603 - the program above
        [sys.executable, "-c", PROGRAM],
        cwd=new_project.root,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(CHECKOUT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    single, bundle, document, stored, job = json.loads((new_project.root / "told.json").read_text())
    data = new_project.root / "data"
    gold = pd.read_parquet(data / "gold" / "segments.parquet")
    assert {*gold[NAME]} == {*job} == {"no", "yes"}
    assert stored[NAME] == gold.set_index("customer_id").loc["9365", NAME]
    assert single[NAME] in {"no", "yes"}
    # The page shows what the bundle names, under its label.
    assert bundle["decisions"][NAME] == "code"
    assert bundle["labels"][NAME] == LABEL
    schemas = document["components"]["schemas"]
    assert NAME in schemas["Answer"]["properties"]
    assert NAME in schemas["StoredAnswer"]["properties"]
    profiles = pd.read_parquet(data / "gold" / "segment_profiles.parquet")
    assert f"{NAME}=yes" in {*profiles["measure"]}
    report = (data / "reporting" / "report.html").read_text()
    assert LABEL.capitalize() in report
    assert "1 for a customer without a partner." in report
