"""What the tables of eda say, on customers whose relations are known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import yaml
from kedro.pipeline import Pipeline

from customer_segmentation.pipelines.eda import create_pipeline
from customer_segmentation.pipelines.eda.measures import (
    describe_distributions,
    hopkins,
    list_missingness,
    mutual_information,
    relate_features,
)
from customer_segmentation.pipelines.eda.nodes import explain_hopkins, summarise_eda
from customer_segmentation.pipelines.eda.parameters import EdaParameters
from customer_segmentation.pipelines.eda.sample import draw_eda_sample
from tests.marketing import with_segment_features

CAP = 0.95
SCHEMA = with_segment_features("income", "age", "web_visits_month")
EDA = EdaParameters(
    sample_rows=1000,
    seed=1,
    hopkins_probes=50,
    hopkins_repeats=5,
    top_features=3,
    heat_map_features=8,
)
CONF = Path(__file__).parents[3] / "conf" / "base"


def customers(rows: int = 300) -> pd.DataFrame:
    """Spend follows income; responses follow web visits; age follows nothing."""
    random = np.random.default_rng(0)
    income = random.uniform(1e4, 9e4, rows)
    visits = random.integers(0, 9, rows).astype(float)
    wines = income / 50.0 + random.normal(0.0, 50.0, rows)
    deals = random.integers(0, 6, rows).astype(float)
    web = random.integers(1, 12, rows).astype(float)
    return pd.DataFrame(
        {
            "customer_id": [f"{row:04d}" for row in range(rows)],
            "as_of": pd.Timestamp("2014-06-30"),
            "sample_key": random.permutation(rows),
            "year_birth": 1970.0,
            "education": 1.0,
            "income": income,
            "spend_wines": wines,
            "purchases_deals": deals,
            "purchases_web": web,
            "web_visits_month": visits,
            "responded": (visits > 5.0).astype(float),
            "complained": 0.0,
            "as_of_year": 2014.0,
            "age": random.integers(20, 80, rows).astype(float),
            "spend_total": wines,
            "deal_share": deals / web,
        }
    )


def all_tables(frame) -> str:
    sample = draw_eda_sample(frame, SCHEMA, EDA)
    relations = relate_features(sample)
    summary = summarise_eda(sample, relations, CAP, EDA)
    distributions = describe_distributions(sample, CAP)
    return relations.to_csv() + distributions.to_csv() + json.dumps(summary)


def relations_of(frame) -> pd.DataFrame:
    return relate_features(draw_eda_sample(frame, SCHEMA, EDA)).set_index("feature")


def test_pandas_and_polars_give_the_same_bytes():
    assert all_tables(pl.from_pandas(customers())) == all_tables(customers())


def test_a_lazy_frame_will_do():
    assert all_tables(pl.from_pandas(customers()).lazy()) == all_tables(customers())


@pytest.mark.parametrize("rows", [300, 3000])
def test_the_order_of_rows_changes_nothing(rows):
    mixed = customers(rows).sample(frac=1.0, random_state=3)
    assert all_tables(mixed) == all_tables(customers(rows))


def test_missing_values_are_counted_and_left_out_alike_on_pandas_and_polars():
    gaps = customers()
    gaps.loc[:49, "income"] = np.nan
    sample = draw_eda_sample(gaps, SCHEMA, EDA)
    income = describe_distributions(sample, CAP).set_index("feature").loc["income"]
    assert (income["count"], income["missing"]) == (250, 50)
    assert all_tables(pl.from_pandas(gaps)) == all_tables(gaps)


def test_the_feature_that_spend_follows_comes_first():
    sample = draw_eda_sample(customers(), SCHEMA, EDA)
    summary = summarise_eda(sample, relate_features(sample), CAP, EDA)
    top = {target: found[0]["feature"] for target, found in summary["top_features"].items()}
    assert top["spend_total"] == "income"
    assert top["responded"] == "web_visits_month"


def test_a_feature_made_of_the_target_is_marked_and_is_no_finding():
    table = relations_of(customers())
    assert table.loc["spend_wines", "made_of"] == "spend_total"
    assert table.loc["purchases_web", "made_of"] == "deal_share"
    assert table.loc["income", "made_of"] == ""
    assert np.isnan(table.loc["spend_wines", "mutual_information_spend_total"])
    assert np.isnan(table.loc["spend_wines", "spearman_spend_total"])


def test_selected_features_are_marked():
    assert relations_of(customers())["selected"].sum() == 3


def test_codes_and_years_are_not_taken_for_quantities():
    assert {"education", "year_birth", "as_of_year"}.isdisjoint(relations_of(customers()).index)


def test_a_column_the_source_lacks_is_left_out():
    frame = customers().drop(columns=["responded", "web_visits_month"])
    assert not relations_of(frame).columns.str.contains("responded").any()
    sample = draw_eda_sample(frame, SCHEMA, EDA)
    summary = summarise_eda(sample, relate_features(sample), CAP, EDA)
    assert list(summary["top_features"]) == ["spend_total", "deal_share"]
    assert summary["hopkins"]["features"] == ["income", "age"]


def test_without_any_target_the_table_still_names_the_features():
    table = relations_of(customers()[["customer_id", "sample_key", "income", "age"]])
    assert list(table.index) == ["income", "age"]
    assert table["relevance"].isna().all()


def test_a_constant_column_has_no_relation_and_breaks_nothing():
    frame = customers().assign(income=50_000.0)
    table = relations_of(frame)
    assert np.isnan(table.loc["income", "relevance"])
    assert np.isnan(table.loc["complained", "spearman_spend_total"])
    assert json.loads(json.dumps(summarised(frame)))["hopkins"]["value"] is not None


def summarised(frame) -> dict:
    sample = draw_eda_sample(frame, SCHEMA, EDA)
    return summarise_eda(sample, relate_features(sample), CAP, EDA)


def test_cluster_tendency_is_not_measured_where_nothing_varies():
    constant = customers().assign(income=1.0, age=1.0, web_visits_month=1.0)
    assert summarised(constant)["hopkins"]["value"] is None


def test_the_summary_says_whether_it_is_of_a_sample():
    whole, drawn = summarised(customers(300)), summarised(customers(3000))
    assert (whole["rows"], whole["sample_rows"], whole["sampled"]) == (300, 300, False)
    assert drawn["rows"] == 3000
    assert drawn["sampled"]
    assert drawn["sample_rows"] < 1200


def test_a_distribution_states_the_cap_and_what_it_does_to_the_skew():
    frame = customers()
    frame.loc[0, "income"] = 1e7
    row = (
        describe_distributions(draw_eda_sample(frame, SCHEMA, EDA), CAP)
        .set_index("feature")
        .loc["income"]
    )
    assert row["cap"] == pytest.approx(frame["income"].quantile(CAP))
    assert row["skewness"] > 10.0
    assert abs(row["skewness_capped"]) < 1.0
    assert row["capped_share"] == pytest.approx(0.05)


ACCOUNTING = {
    "rows_in": 200,
    "customers": 180,
    "quarantined": 15,
    "repeats": 5,
    "reasons": {"income: missing": 12, "age: outside 18 to 100": 4},
}


def test_missingness_gives_each_reason_as_a_share_of_the_rows_in():
    table = list_missingness(ACCOUNTING)
    assert table["rows"].tolist() == [180, 15, 5, 12, 4]
    assert table["share_of_rows_in"].tolist() == [0.9, 0.075, 0.025, 0.06, 0.02]
    assert table.loc[3, ["column", "what"]].tolist() == ["income", "missing"]


def test_missingness_of_nothing_is_a_table_without_reasons():
    nothing = {"rows_in": 0, "customers": 0, "quarantined": 0, "repeats": 0, "reasons": {}}
    assert list_missingness(nothing)["share_of_rows_in"].tolist() == [0.0, 0.0, 0.0]


def test_mutual_information_of_independent_numbers_is_near_zero():
    left, right = (pd.Series(np.random.default_rng(seed).normal(size=5000)) for seed in (1, 2))
    assert mutual_information(left, right) < 0.01


def test_mutual_information_of_a_coin_with_itself_is_log_2():
    coin = pd.Series([0.0, 1.0] * 1000)
    assert mutual_information(coin, coin) == pytest.approx(np.log(2.0), abs=0.001)


def test_mutual_information_sees_what_correlation_does_not():
    number = pd.Series(np.linspace(-1.0, 1.0, 2000))
    assert number.corr(number**2) == pytest.approx(0.0, abs=1e-9)
    assert mutual_information(number, number**2) > 1.0


def test_hopkins_is_about_a_half_for_points_spread_evenly():
    points = np.random.default_rng(5).uniform(size=(2000, 2))
    assert hopkins(points, probes=100, repeats=20, seed=1) == pytest.approx(0.5, abs=0.05)


def test_hopkins_is_high_for_clear_clusters():
    random = np.random.default_rng(5)
    points = np.vstack([random.normal(centre, 0.1, (300, 2)) for centre in (0.0, 5.0, 10.0)])
    assert hopkins(points, probes=80, repeats=5, seed=1) > 0.75


def test_hopkins_is_the_same_in_any_order_and_counts_coinciding_points_once():
    points = np.random.default_rng(5).uniform(size=(500, 3))
    doubled = np.vstack([points[::-1], points[:200]])
    assert hopkins(doubled, 40, 3, seed=1) == hopkins(points, 40, 3, seed=1)


@pytest.mark.parametrize(
    ("value", "says"),
    [(None, "not measured"), (0.8, "clustered"), (0.7, "weak"), (0.5, "no tend"), (0.2, "evenly")],
)
def test_hopkins_is_explained_in_words(value, says):
    assert says in explain_hopkins(value)


def test_the_shipped_parameters_are_valid():
    EdaParameters(**yaml.safe_load((CONF / "parameters_eda.yml").read_text())["eda"])


def test_every_result_has_an_entry_in_the_catalog_and_stands_in_the_reporting_layer():
    entries = yaml.safe_load((CONF / "catalog_eda.yml").read_text())
    pipeline: Pipeline = create_pipeline()
    assert pipeline.all_outputs() - {"eda_sample"} == set(entries)
    assert {entry["metadata"]["kedro-viz"]["layer"] for entry in entries.values()} == {"reporting"}
