"""The synthetic customers: reproducible, dirty on purpose, and like the published file."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from customer_segmentation.schema.file import read_schema
from tools.engines import run_on
from tools.generator import generate, main, write
from tools.generator.any_schema import generate as generate_any

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "customers.csv"
HEADER = [
    "ID",
    "Year_Birth",
    "Education",
    "Marital_Status",
    "Income",
    "Kidhome",
    "Teenhome",
    "Dt_Customer",
    "Recency",
    "MntWines",
    "MntFruits",
    "MntMeatProducts",
    "MntFishProducts",
    "MntSweetProducts",
    "MntGoldProds",
    "NumDealsPurchases",
    "NumWebPurchases",
    "NumCatalogPurchases",
    "NumStorePurchases",
    "NumWebVisitsMonth",
    "AcceptedCmp3",
    "AcceptedCmp4",
    "AcceptedCmp5",
    "AcceptedCmp1",
    "AcceptedCmp2",
    "Complain",
    "Z_CostContact",
    "Z_Revenue",
    "Response",
]
PURCHASES = ["NumWebPurchases", "NumCatalogPurchases", "NumStorePurchases"]
CLUSTERED = ["Income", "Age", "Spend", "NumDealsPurchases", "NumWebVisitsMonth"]

CORRELATIONS = [
    ("Income", "Spend", 0.72, 0.86),
    ("Kidhome", "Spend", -0.63, -0.40),
    ("Teenhome", "Spend", -0.22, 0.0),
    ("NumWebVisitsMonth", "Income", -0.75, -0.55),
    ("NumDealsPurchases", "Kidhome", 0.06, 0.28),
    ("NumDealsPurchases", "Teenhome", 0.28, 0.48),
    ("NumCatalogPurchases", "Spend", 0.70, 0.88),
    ("MntWines", "MntMeatProducts", 0.50, 0.75),
    ("Age", "Teenhome", 0.25, 0.45),
    ("AcceptedCmp5", "AcceptedCmp1", 0.28, 0.55),
    ("Response", "Recency", -0.28, -0.12),
    ("Response", "AcceptedCmp5", 0.22, 0.45),
]
MEDIANS = [
    ("Income", 48_000, 54_000),
    ("Age", 42, 47),
    ("Spend", 280, 480),
    ("NumDealsPurchases", 2, 2),
    ("NumStorePurchases", 5, 6),
    ("NumWebVisitsMonth", 5, 6),
]
SHARES = [
    ("Education", "Graduation", 0.46, 0.54),
    ("Education", "Basic", 0.01, 0.04),
    ("Marital_Status", "Married", 0.34, 0.43),
    ("Kidhome", 0, 0.53, 0.63),
    ("Teenhome", 2, 0.01, 0.04),
    ("Response", 1, 0.12, 0.18),
    ("AcceptedCmp2", 1, 0.003, 0.03),
    ("Complain", 1, 0.003, 0.02),
]


def read(path: Path) -> pd.DataFrame:
    """Read a file and add age in 2014 and total spend."""
    frame = pd.read_csv(path, sep="\t")
    spend = frame.filter(like="Mnt").sum(axis=1)
    return frame.assign(Age=2014 - frame["Year_Birth"], Spend=spend)


@pytest.fixture(
    scope="module",
    params=[
        "synthetic",
        pytest.param(
            "real",
            marks=pytest.mark.skipif(
                "SEGMENTATION_REAL_CSV" not in os.environ,
                reason="the published file is not shipped: set SEGMENTATION_REAL_CSV to its path",
            ),
        ),
    ],
)
def customers(request: pytest.FixtureRequest) -> pd.DataFrame:
    """Give the sample, and the published file to hold it to the same bands."""
    real = request.param == "real"
    return read(Path(os.environ["SEGMENTATION_REAL_CSV"]) if real else SAMPLE)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    """Give the sample as it is."""
    return pd.read_csv(SAMPLE, sep="\t")


def clustered(customers: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Cap, standardise and cluster the five features into three groups."""
    known = customers.dropna(subset=["Income"])
    features = known[CLUSTERED].clip(upper=known[CLUSTERED].quantile(0.95), axis=1)
    scaled = ((features - features.mean()) / features.std()).to_numpy()
    groups = KMeans(3, n_init=10, random_state=0).fit_predict(scaled)
    return known, scaled, groups


def test_the_committed_sample_is_what_the_generator_makes(tmp_path: Path) -> None:
    write(tmp_path / "again.csv", 2240, 1)
    assert (tmp_path / "again.csv").read_bytes() == SAMPLE.read_bytes()
    assert SAMPLE.stat().st_size < 300_000


def test_another_seed_makes_other_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one.csv", 500, 1)
    write(tmp_path / "two.csv", 500, 2)
    assert (tmp_path / "one.csv").read_bytes() != (tmp_path / "two.csv").read_bytes()


def test_the_file_has_the_published_header_line_ends_and_no_quotes() -> None:
    content = SAMPLE.read_bytes()
    assert content.split(b"\r\n")[0].decode().split("\t") == HEADER
    assert content.count(b"\n") == content.count(b"\r\n") == 2241
    assert b'"' not in content


def test_generate_gives_in_memory_what_write_puts_in_a_file(tmp_path: Path) -> None:
    write(tmp_path / "file.csv", 300, 5)
    pd.testing.assert_frame_equal(
        pd.DataFrame(generate(300, 5)), pd.read_csv(tmp_path / "file.csv", sep="\t")
    )


def test_dates_are_day_month_year_within_the_published_period(sample: pd.DataFrame) -> None:
    dates = pd.to_datetime(sample["Dt_Customer"], format="%d-%m-%Y")
    assert dates.min() >= pd.Timestamp("2012-07-30")
    assert dates.max() <= pd.Timestamp("2014-06-29")


def test_contact_cost_and_revenue_are_constant(sample: pd.DataFrame) -> None:
    assert set(sample["Z_CostContact"]) == {3}
    assert set(sample["Z_Revenue"]) == {11}


def test_every_kind_of_dirt_is_present(sample: pd.DataFrame) -> None:
    assert 0.007 < sample["Income"].isna().mean() < 0.016
    assert (sample["Income"] == 666_666).sum() == 1
    assert {1893, 1899, 1900} <= set(sample["Year_Birth"])
    assert {"Alone", "Absurd", "YOLO"} <= set(sample["Marital_Status"])
    idle = sample[(sample[PURCHASES] == 0).all(axis=1)]
    assert 3 <= len(idle) <= 12
    assert (idle.filter(like="Mnt").sum(axis=1) > 0).all()


def test_an_id_repeats_only_where_its_whole_row_does(sample: pd.DataFrame) -> None:
    assert 0.003 < sample.duplicated().mean() < 0.008
    assert sample.drop_duplicates()["ID"].is_unique


def test_about_eight_percent_of_customers_equal_another_in_all_but_the_id(
    sample: pd.DataFrame,
) -> None:
    values = sample.drop_duplicates().drop(columns="ID")
    assert 0.07 < values.duplicated().mean() < 0.09


def test_ids_are_unordered_and_include_zero(sample: pd.DataFrame) -> None:
    assert 0 in set(sample["ID"])
    assert abs(sample["ID"].corr(sample.index.to_series())) < 0.2


@pytest.mark.parametrize(("left", "right", "low", "high"), CORRELATIONS)
def test_correlations_are_those_of_the_published_file(
    customers: pd.DataFrame, left: str, right: str, low: float, high: float
) -> None:
    plausible = customers[customers["Income"] < 200_000]
    assert low <= plausible[left].corr(plausible[right]) <= high


@pytest.mark.parametrize(("column", "low", "high"), MEDIANS)
def test_medians_are_those_of_the_published_file(
    customers: pd.DataFrame, column: str, low: float, high: float
) -> None:
    assert low <= customers[column].median() <= high


@pytest.mark.parametrize(("column", "value", "low", "high"), SHARES)
def test_shares_are_those_of_the_published_file(
    customers: pd.DataFrame, column: str, value: object, low: float, high: float
) -> None:
    assert low <= (customers[column] == value).mean() <= high


def test_spend_has_a_heavy_right_tail(customers: pd.DataFrame) -> None:
    assert customers["Spend"].mean() > 1.3 * customers["Spend"].median()
    assert customers["Spend"].quantile(0.99) > 4.5 * customers["Spend"].median()


def test_three_groups_separate_as_in_the_published_file(customers: pd.DataFrame) -> None:
    _, scaled, groups = clustered(customers)
    assert 0.30 <= silhouette_score(scaled, groups) <= 0.36


def test_the_groups_are_small_budgets_deal_seekers_and_big_spenders(
    customers: pd.DataFrame,
) -> None:
    known, _, groups = clustered(customers)
    means = known.groupby(groups)[[*CLUSTERED, "Kidhome", "Teenhome"]].mean()
    small, seekers, big = (means.loc[group] for group in means["Spend"].sort_values().index)
    assert seekers["NumDealsPurchases"] > 2 * max(
        small["NumDealsPurchases"], big["NumDealsPurchases"]
    )
    assert seekers["Teenhome"] > 0.8
    assert small["Kidhome"] > 0.6
    assert big["Kidhome"] < 0.1
    assert big["Spend"] > 8 * small["Spend"]


def test_partitions_share_no_id_and_hold_all_rows(tmp_path: Path) -> None:
    parts = write(tmp_path / "parts", 1050, 3, file_rows=250)
    frames = [pd.read_csv(part, sep="\t").drop_duplicates() for part in parts]
    assert [part.name for part in parts] == [f"part-{number:05d}.csv" for number in range(5)]
    assert sum(len(part.read_bytes().splitlines()) - 1 for part in parts) == 1050
    assert pd.concat(frames)["ID"].is_unique


def test_partitions_and_one_file_hold_the_same_customers(tmp_path: Path) -> None:
    parts = write(tmp_path / "parts", 700, 3, file_rows=300)
    write(tmp_path / "one.tsv", 700, 3, file_rows=300)
    joined = pd.concat([pd.read_csv(part, sep="\t") for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(joined, pd.read_csv(tmp_path / "one.tsv", sep="\t"))


def test_partitions_of_another_run_are_not_mixed_in(tmp_path: Path) -> None:
    write(tmp_path, 50, file_rows=10)
    with pytest.raises(FileExistsError, match=r"part-00003\.csv of another run"):
        write(tmp_path, 30, file_rows=10)


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "customers.csv"
    target.write_text("old")

    def fail(*_: object) -> None:
        message = "disk full"
        raise OSError(message)

    monkeypatch.setattr("tools.generator._write_rows", fail)
    with pytest.raises(OSError, match="disk full"):
        write(target, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["customers.csv"]
    assert target.read_text() == "old"


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
def test_any_small_number_of_rows_works(rows: int) -> None:
    columns = generate(rows, 4)
    assert list(columns) == HEADER
    assert {len(values) for values in columns.values()} == {rows}
    assert 0 in columns["ID"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "0", "--out", "x.csv"], "error: rows must be 1 or more, not 0\n"),
        (
            ["--rows", "9", "--seed", "-1", "--out", "x.csv"],
            "error: seed must be 0 or more, not -1\n",
        ),
        (
            ["--rows", "many", "--out", "x.csv"],
            "error: argument --rows: invalid int value: 'many'\n",
        ),
        (
            ["--rows", "9", "--out", "x.parquet"],
            "error: x.parquet: the output must end in .csv or .tsv, or have no suffix (a folder)\n",
        ),
    ],
)
def test_a_bad_argument_ends_with_one_clear_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == message


def test_the_command_line_writes_the_file(tmp_path: Path) -> None:
    assert main(["--rows", "20", "--out", str(tmp_path / "new" / "c.csv")]) == 0
    assert len(pd.read_csv(tmp_path / "new" / "c.csv", sep="\t")) == 20


SCHEMAS = sorted((Path(__file__).parents[2] / "conf" / "schemas").glob("*.yml"))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_rows_of_any_schema_keep_it_but_for_a_little_dirt(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    assert main(["--rows", "800", "--out", str(file), "--schema", str(path)]) == 0
    schema = read_schema(path)
    made = run_on("pandas", file, schema, ["row_accounting", "gold_features"])
    account, features = made["row_accounting"], made["gold_features"]
    assert account["rows_in"] == 800
    assert 0 < account["quarantined"] + sum(account["lost_values"].values()) < 40
    assert account["absent"] == []
    # In groups, and correlated within a pattern.
    for name in schema.segment_features:
        assert len(features[name].unique()) > 1
    for pattern in schema.column_rules:
        parts = [*schema.members_of(pattern).values()]
        if parts and schema.columns[parts[0]].meaning == "money":
            assert features[parts].corr(method="spearman").to_numpy().min() > 0.2
    assert generate_any(schema, 50, seed=3) == generate_any(schema, 50, seed=3)
