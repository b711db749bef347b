"""A bundle of another schema: `conf/schemas/wholesale.yml`, learned from clients made up here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
import yaml

from customer_segmentation.customers.sample_key import with_sample_key
from customer_segmentation.pipelines.clustering import nodes
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.cold_start import build_no_cold_start
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.segmentation import structure

_CONFIGURATION = Path(__file__).parents[2] / "conf"
SCHEMA = read_schema(_CONFIGURATION / "schemas" / "wholesale.yml")
PRODUCTS = tuple(SCHEMA.groups["product"])
NO_COLD_START = "no sign_up_features are given"
# Of the published file: its columns, its decisions and its period.
_FOREIGN = re.compile(
    r"wine|\bdeals?\b|purchases_|income|two.year|birth|catalog|kids|teen|web.?(site|visit)"
    r"|campaign.?\d|accepted.?campaign|campaigns.accepted"
    r"|affluen|likely.to.spend|waits.for.offers|discount|2014-06",
    re.IGNORECASE,
)
# What three kinds of clients spend on each product.
_USUAL = {"fresh": (30, 3, 5, 8, 1, 3), "grocery": (4, 12, 25, 2, 11, 2), "small": (3,) * 6}


def draw_clients(each: int = 60) -> pd.DataFrame:
    """Numeric columns of so many clients of each kind."""
    random = np.random.default_rng(5)
    kinds = [
        random.lognormal(np.log(np.array(usual) * 1_000.0), 0.3, (each, len(PRODUCTS))).round()
        for usual in _USUAL.values()
    ]
    spend = np.concatenate(kinds)
    numbers = {f"spend_{name}": spend[:, place] for place, name in enumerate(PRODUCTS)}
    sector = np.repeat([0.0, 1.0, 0.0], each)
    return pd.DataFrame({"sector": sector, "region": np.full(len(spend), 2.0), **numbers})


def write_wholesale(folder: Path) -> Path:
    """Learn the clients' segments, and write the bundle."""
    numbers = draw_clients()
    table = numbers.assign(
        customer_id=[str(row) for row in range(1, len(numbers) + 1)],
        as_of=pd.Timestamp(SCHEMA.as_of),
    )
    keyed = with_sample_key(nw.from_native(table).lazy(), "customer_id")
    gold = on_frame(SCHEMA, keyed, SCHEMA.features).collect().to_native()
    return write_bundle(folder, gold, SCHEMA)


def write_bundle(folder: Path, gold: Any, schema: Schema) -> Path:
    """Learn segments of features as a run does, and write a bundle without a cold-start model."""
    block = yaml.safe_load((_CONFIGURATION / "base" / "parameters_clustering.yml").read_text())
    few = {"minimum": 3, "maximum": 4, "starts": 2, "bootstraps": 2}
    shipped: dict[str, Any] = block["clustering"]
    clustering = ClusteringParameters(**(shipped | {"k": shipped["k"] | few}))
    sample = nodes.draw_sample(gold, schema, clustering)
    with pytest.MonkeyPatch.context() as patch:
        # One table without groups instead of 19, to spare seconds.
        patch.setattr(structure, "_REFERENCES", 1)
        candidates = nodes.measure_candidates(sample, clustering)
    segmenter = nodes.learn_segmenter(sample, candidates, clustering)
    artifact = nodes.build_checked_artifact(segmenter, sample)
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "segmenter": artifact,
        "cold_start": build_no_cold_start(NO_COLD_START, metadata_of(artifact)),
    }
    for kind, graph in made.items():
        content = graph.SerializeToString(deterministic=True)
        (folder / f"{kind}.onnx").write_bytes(content)
    return folder


def a_client(**changed: Any) -> dict[str, Any]:
    """A client who spends most on fresh products, in canonical names."""
    usual = dict(zip(PRODUCTS, _USUAL["fresh"], strict=True))
    return {f"spend_{name}": amount * 1_000 for name, amount in usual.items()} | changed


def foreign(said: object) -> list[str]:
    """What a text, or what is JSON, says of the published file's columns."""
    text = said if isinstance(said, str) else json.dumps(said)
    return [text[max(m.start() - 40, 0) : m.end() + 20] for m in _FOREIGN.finditer(text)]
