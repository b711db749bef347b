"""Each gate of a promotion has a case that it alone refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from customer_segmentation.bundles.bundle import (
    ABOUT,
    BASELINE,
    COLD_START,
    SEGMENTER,
    StoredBundle,
)
from customer_segmentation.pipelines.clustering import nodes as clustering
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.pipelines.promotion import nodes
from customer_segmentation.promotion.chosen import Chosen
from customer_segmentation.promotion.gates import NEVER_OVERRIDDEN, Gate, failed
from customer_segmentation.promotion.parameters import PromotionParameters
from customer_segmentation.promotion.whole_run import candidate_bundle
from customer_segmentation.scoring.cold_start import build_no_cold_start
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import SCHEMA
from tests.promotion.example import MADE, an_entry
from tests.runs.project import CHECKOUT, Project

SHIPPED = yaml.safe_load((CHECKOUT / "conf/base/parameters_promotion.yml").read_text())["promotion"]
# What a case leaves to one gate, the bounds of the others let pass.
WIDE = {"min_ari": -1.0, "max_movers": 1.0, "max_share_change": 1.0}


@dataclass(frozen=True)
class Base:
    """Customers, and a way to learn segments of them."""

    silver: pd.DataFrame
    learn: Callable[[int], Segmenter]


@pytest.fixture(scope="module")
def base(quick_run: Project) -> Base:
    data = quick_run.root / "data"
    features = pd.read_parquet(data / "gold" / "features.parquet")
    block = yaml.safe_load((quick_run.root / "conf/base/parameters_clustering.yml").read_text())

    def learn(k: int) -> Segmenter:
        given = {
            **block["clustering"],
            "k": {**block["clustering"]["k"], "minimum": k, "maximum": k},
        }
        parameters = ClusteringParameters.model_validate(given)
        sample = clustering.draw_sample(features, SCHEMA, parameters)
        measured = clustering.measure_candidates(sample, parameters)
        return clustering.learn_segmenter(sample, measured, parameters)

    return Base(pd.read_parquet(data / "silver" / "customers.parquet"), learn)


@pytest.fixture(scope="module")
def three(base: Base) -> Segmenter:
    return base.learn(3)


def bundle_of(segmenter: Segmenter) -> StoredBundle:
    """Without a cold-start model, which would be one more thing that changes."""
    artifact = build_segmenter(segmenter)
    cold_start = build_no_cold_start("nobody learned one", metadata_of(artifact))
    models = {SEGMENTER: artifact, COLD_START: cold_start}
    contents = {n: model.SerializeToString(deterministic=True) for n, model in models.items()}
    found = candidate_bundle(contents, MADE, {})
    assert found
    return found


def verdict_of(
    bundle: StoredBundle,
    champion: StoredBundle | None,
    silver: pd.DataFrame,
    recorded: StoredBundle | None = None,
    **bounds: float,
) -> tuple[dict[str, Any], list[Gate]]:
    """The verdict on a bundle of dev's.

    Args:
        bundle: What lies in dev's store.
        champion: What is live in staging.
        silver: Staging's customers.
        recorded: What dev's log says that it is.
        bounds: Of the gates, beside those shipped.
    """
    given = {**SHIPPED, "bounds": {**SHIPPED["bounds"], "bootstraps": 3, **bounds}}
    promotion = PromotionParameters.model_validate(given)
    recorded = recorded or bundle
    entry = replace(an_entry(recorded, None), environment="dev", number=1)
    chosen = Chosen(bundle, recorded.id, "dev", entry, champion)
    of_bundle = nodes.check_bundle(chosen)
    of_customers = nodes.check_customers(chosen, of_bundle, silver, promotion)
    of_agreement = nodes.compare_with_champion(chosen, of_customers, silver, promotion)
    of_quality = nodes.measure_quality(chosen, of_customers, silver, promotion)
    gates = [*of_bundle, *of_customers, *of_agreement, *of_quality]
    verdict, _ = nodes.judge(
        chosen, of_bundle, of_customers, of_agreement, of_quality, [], promotion
    )
    assert verdict["refused"] == [*failed(gates)]
    return verdict, gates


def note_of(gates: list[Gate], name: str) -> str:
    return next(gate.note for gate in gates if gate.gate == name and not gate.passed)


def test_the_champions_own_bundle_passes_every_gate(base: Base, three: Segmenter) -> None:
    bundle = bundle_of(three)
    verdict, gates = verdict_of(bundle, bundle, base.silver)
    assert verdict["refused"] == []
    assert {gate.gate for gate in gates} == {
        *("provenance", "same_answers", "features", "contract", "freshness"),
        *("agreement", "segments", "quality", "stability"),
    }
    measured = {gate.figure: gate.measured for gate in gates}
    assert measured["adjusted Rand index"] == 1.0
    assert measured["share of customers who move"] == 0.0


def test_a_file_that_was_tampered_with_is_not_run(base: Base, three: Segmenter) -> None:
    bundle = bundle_of(three)
    changed = bundle.files[SEGMENTER][:-1] + b"?"
    tampered = StoredBundle({**bundle.files, SEGMENTER: changed})
    verdict, gates = verdict_of(tampered, bundle, base.silver, bundle)
    assert verdict["refused"] == ["provenance"]
    assert note_of(gates, "provenance") == SEGMENTER
    assert [gate.gate for gate in gates] == ["provenance"]


def test_another_baseline_than_the_recorded_one_is_refused_and_one_that_came_later_is_not(
    three: Segmenter,
) -> None:
    older = bundle_of(three)
    bundle = StoredBundle({**older.files, BASELINE: b"{}"})
    entry = replace(an_entry(bundle, None), environment="dev", number=1)
    other = StoredBundle({**older.files, BASELINE: b"{} "})
    assert failed(nodes.check_bundle(Chosen(bundle, bundle.id, "dev", entry, None))) == ()
    (gate,) = nodes.check_bundle(Chosen(other, bundle.id, "dev", entry, None))
    assert (gate.gate, gate.passed, gate.note) == ("provenance", False, BASELINE)
    # Promoted before there was monitoring, and made again since.
    before = replace(an_entry(older, None), environment="dev", number=1)
    assert failed(nodes.check_bundle(Chosen(bundle, bundle.id, "dev", before, None))) == ()


def test_a_changed_definition_under_the_same_version_is_refused(three: Segmenter) -> None:
    bundle = bundle_of(three)
    entry = replace(an_entry(bundle, None), environment="dev", number=1)
    told = bundle.about["features"]
    former = {**told, "hashes": {**told["hashes"], "customer_features": "000000000000"}}
    for features, refused in [((told,), ()), ((told, former), ("features",))]:
        gates = nodes.check_bundle(Chosen(bundle, bundle.id, "dev", entry, None, features))
        assert failed(gates) == refused
    now = told["hashes"]["customer_features"]
    assert note_of(gates, "features") == (
        f"customer_features version 1 is {now} here and was 000000000000"
    )
    # Nobody can override it; another version may be defined otherwise.
    assert "features" in NEVER_OVERRIDDEN
    raised = ({**former, "version": 2},)
    assert failed(nodes.check_bundle(Chosen(bundle, bundle.id, "dev", entry, None, raised))) == ()


def test_a_bundle_that_does_not_say_where_it_comes_from_is_refused(
    base: Base, three: Segmenter
) -> None:
    bundle = bundle_of(three)
    about = {**bundle.about, "source_sha256": None, "artifact_version": "000000000000"}
    untold = StoredBundle({**bundle.files, ABOUT: json.dumps(about).encode()})
    verdict, gates = verdict_of(untold, bundle, base.silver)
    assert verdict["refused"] == ["provenance"]
    assert "source_sha256 is absent; artifact_version is not" in note_of(gates, "provenance")


def test_a_bundle_that_answers_otherwise_than_where_it_was_made_is_refused(
    base: Base, three: Segmenter
) -> None:
    bundle = bundle_of(three)
    about = bundle.about
    segments = about["answers"][SEGMENTER]["answers"]["segment"]
    segments[5] = 1 - segments[5]
    verdict, gates = verdict_of(
        StoredBundle({**bundle.files, ABOUT: json.dumps(about).encode()}), bundle, base.silver
    )
    assert verdict["refused"] == ["same_answers"]
    assert next(gate.measured for gate in gates if gate.gate == "same_answers") == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda silver: silver.assign(income=-1.0), "income is below 0 in"),
        (lambda silver: silver.drop(columns="income"), "there is no column income"),
        (lambda silver: pd.concat([silver, silver.head(3)]), "3 rows share their customer_id"),
    ],
)
def test_customers_who_break_the_contract_are_scored_with_nothing(
    base: Base,
    three: Segmenter,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    told: str,
) -> None:
    bundle = bundle_of(three)
    verdict, gates = verdict_of(bundle, bundle, change(base.silver))
    assert verdict["refused"] == ["contract"]
    assert told in note_of(gates, "contract")


@pytest.mark.parametrize(("days", "refused"), [(7, []), (8, ["freshness"])])
def test_customers_who_are_older_than_what_was_learned_from_are_stale(
    base: Base, three: Segmenter, days: int, refused: list[str]
) -> None:
    bundle = bundle_of(three)
    stale = base.silver.assign(as_of=base.silver["as_of"] - pd.Timedelta(days=days))
    verdict, _ = verdict_of(bundle, bundle, stale)
    assert verdict["refused"] == refused


def test_shuffled_centroids_move_customers(base: Base, three: Segmenter) -> None:
    champion = bundle_of(three)
    shuffled = bundle_of(replace(three, centroids=three.centroids[[1, 0, 2]]))
    verdict, gates = verdict_of(shuffled, champion, base.silver, max_share_change=1.0)
    assert verdict["refused"] == ["agreement"]
    measured = {gate.figure: gate.measured for gate in gates}
    # The groups are the same, and their names are not.
    assert measured["adjusted Rand index"] == 1.0
    assert measured["share of customers who move"] == pytest.approx(0.54, abs=0.05)


def test_a_segment_that_vanished_is_named(base: Base, three: Segmenter) -> None:
    champion = bundle_of(three)
    names = (*three.names[:2], SegmentName("thrifty", "Thrifty"))
    verdict, gates = verdict_of(
        bundle_of(replace(three, names=names)), champion, base.silver, **WIDE
    )
    assert verdict["refused"] == ["segments"]
    assert note_of(gates, "segments") == "low_spend; thrifty"


def test_a_segment_that_grows_too_much_is_named(base: Base, three: Segmenter) -> None:
    champion = bundle_of(three)
    shuffled = bundle_of(replace(three, centroids=three.centroids[[1, 0, 2]]))
    wide = {**WIDE, "max_share_change": 0.05}
    verdict, gates = verdict_of(shuffled, champion, base.silver, **wide)
    assert verdict["refused"] == ["segments"]
    assert any("largest change of a share, of " in gate.figure for gate in gates)


def test_worse_segments_are_refused_for_their_quality(base: Base, three: Segmenter) -> None:
    champion = bundle_of(three)
    moved = three.centroids + np.linspace(-1.5, 1.5, three.centroids.size).reshape(
        three.centroids.shape
    )
    verdict, _ = verdict_of(
        bundle_of(replace(three, centroids=moved)),
        champion,
        base.silver,
        **WIDE,
        min_stability=-1.0,
    )
    assert verdict["refused"] == ["quality"]


def test_a_bundle_that_lacks_a_part_of_the_champion_is_refused_for_its_quality(
    base: Base, three: Segmenter
) -> None:
    champion = bundle_of(three)
    lacking = bundle_of(replace(three, decisions=three.decisions[:1]))
    verdict, gates = verdict_of(lacking, champion, base.silver)
    assert verdict["refused"] == ["quality"]
    assert "offer" in note_of(gates, "quality")


def test_segments_that_resamples_do_not_find_again_are_unstable(
    base: Base,
) -> None:
    nine = bundle_of(base.learn(9))
    verdict, _ = verdict_of(nine, nine, base.silver)
    assert verdict["refused"] == ["stability"]


def test_a_first_champion_is_held_to_a_silhouette_and_to_no_other(
    base: Base, three: Segmenter
) -> None:
    bundle = bundle_of(three)
    verdict, gates = verdict_of(bundle, None, base.silver)
    assert verdict["refused"] == []
    assert not {"agreement", "segments"} & {gate.gate for gate in gates}
    verdict, _ = verdict_of(bundle, None, base.silver, min_silhouette=0.5)
    assert verdict["refused"] == ["quality"]


@pytest.mark.parametrize(
    ("failing", "refused", "overridden"),
    [
        (["quality", "freshness"], [], ["quality", "freshness"]),
        (["provenance"], ["provenance"], []),
        (["same_answers"], ["same_answers"], []),
        (["contract", "freshness"], ["contract"], ["freshness"]),
    ],
)
def test_an_override_lets_pass_what_was_measured(
    three: Segmenter, failing: list[str], refused: list[str], overridden: list[str]
) -> None:
    given = {**SHIPPED, "approver": "Ana Lima", "reason": "four brands since May"}
    promotion = PromotionParameters.model_validate(given)
    bundle = bundle_of(three)
    gates = [Gate(name, "figure", "a figure", 1.0, 0.0) for name in failing]
    chosen = Chosen(bundle, bundle.id, "dev", None, None)
    verdict, _ = nodes.judge(chosen, [], gates, [], [], [], promotion)
    assert verdict["refused"] == refused
    assert verdict["overridden"] == overridden
    assert (verdict["approver"], verdict["reason"]) == ("Ana Lima", "four brands since May")


def test_the_page_names_what_refuses_and_hides_no_figure(base: Base, three: Segmenter) -> None:
    verdict, gates = verdict_of(bundle_of(three), None, base.silver, min_silhouette=0.5)
    page = nodes.show_verdict(verdict)
    assert "Refused by quality. The champion is unchanged." in page
    assert all(gate.figure in unescape(page) for gate in gates)
    assert page.count("<td>fail</td>") == 1


def test_what_a_bundle_takes_with_it_is_small(three: Segmenter, tmp_path: Path) -> None:
    about = tmp_path / ABOUT
    about.write_bytes(bundle_of(three).files[ABOUT])
    assert about.stat().st_size < 100_000
