"""A champion stays where a part that it has would be replaced by one that is worse than none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import onnx
import pytest

from customer_segmentation.promotion import promote, why_kept
from customer_segmentation.scoring.cold_start import build_no_cold_start
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from tests.scoring.example import make_segmenter
from tests.serving.example import write_bundle

WELL: dict[str, Any] = {"expected_spend_r2": 0.7}
MODEL: dict[str, Any] = {"cold_start": {"models": {}}}
WORSE: dict[str, Any] = {"cold_start": {"left_out": "noise", "is_worse_than_none": True}}


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> dict[str, onnx.ModelProto]:
    folder = write_bundle(tmp_path_factory.mktemp("champion"))
    return {name: onnx.load(folder / f"{name}.onnx") for name in ("segmenter", "cold_start")}


def without_parts() -> dict[str, onnx.ModelProto]:
    segmenter = build_segmenter(replace(make_segmenter(), decisions=("affluence_tier",)))
    reason = "the source has nothing of it"
    return {
        "segmenter": segmenter,
        "cold_start": build_no_cold_start(reason, metadata_of(segmenter)),
    }


@pytest.mark.parametrize("r2", [-16.7, -0.01])
def test_it_stays_where_the_expected_spend_is_worse_than_none(
    champion: dict[str, onnx.ModelProto], r2: float
) -> None:
    kept = why_kept(champion, {"expected_spend_r2": r2}, MODEL)
    version = metadata_of(champion["segmenter"])["version"]
    assert kept.startswith(f"The champion {version} stays: ")
    assert f"expected spend (out-of-fold R2 of {r2:.2f})" in kept
    assert kept.endswith("--params=promotion.even_if_worse=true")
    assert "\n" not in kept


def test_it_stays_where_the_cold_start_model_is_worse_than_none(
    champion: dict[str, onnx.ModelProto],
) -> None:
    assert "cold-start model" in why_kept(champion, WELL, WORSE)


@pytest.mark.parametrize("r2", [0.7, 0.01, None])
def test_it_is_replaced_where_nothing_is_worse_than_none(
    champion: dict[str, onnx.ModelProto], r2: float | None
) -> None:
    left_out = {"cold_start": {"left_out": "no inputs", "is_worse_than_none": False}}
    for supervised in (MODEL, left_out):
        assert not why_kept(champion, {"expected_spend_r2": r2}, supervised)


def test_it_is_replaced_where_it_lacks_the_part_too() -> None:
    assert not why_kept(without_parts(), {"expected_spend_r2": -16.7}, WORSE)


class Catalog:
    """The datasets that a promotion reads and writes."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def load(self, name: str) -> Any:
        return self.data[name]

    def save(self, name: str, value: Any) -> None:
        self.data[name] = value

    def exists(self, name: str) -> bool:
        return name in self.data


@pytest.mark.parametrize(
    ("has_champion", "even_if_worse", "lines"),
    [("yes", "no", 1), ("yes", "yes", 0), ("no", "no", 0)],
)
def test_a_whole_run_says_in_one_line_that_the_champion_stays(
    champion: dict[str, onnx.ModelProto],
    capsys: pytest.CaptureFixture[str],
    has_champion: str,
    even_if_worse: str,
    lines: int,
) -> None:
    data = {f"{name}_candidate": f"new {name}" for name in champion}
    data |= (
        {f"{name}_champion": model for name, model in champion.items()}
        if has_champion == "yes"
        else {}
    )
    data |= {
        "params:promotion": {"after_whole_run": True, "even_if_worse": even_if_worse == "yes"},
        "clustering_summary": {"expected_spend_r2": -16.7},
        "supervised_metrics": MODEL,
    }
    catalog: Any = Catalog(data)
    whole = dict.fromkeys(
        (
            *("pipeline_names", "tags", "node_names", "from_nodes", "to_nodes"),
            *("from_inputs", "to_outputs", "namespaces", "only_missing_outputs"),
        )
    )
    promote(whole, catalog)
    assert len(capsys.readouterr().out.strip().splitlines()) == lines
    assert (catalog.data["segmenter_champion"] == "new segmenter") is not bool(lines)
