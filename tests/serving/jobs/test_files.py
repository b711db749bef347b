"""Files of every format, their answers, and files that cannot be answered."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import httpx
import msgspec
import narwhals as nw
import onnx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.label_generation.nodes import score_customers
from customer_segmentation.pipelines.preprocessing import nodes as preprocessing
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.table import score_table
from customer_segmentation.sources.dataset import SourceDataset
from tests.serving.example import a_customer
from tests.serving.jobs.posting import CSV, HEADER, LINES, PARQUET, done, ended, fetched, post
from tests.sources.made import EXCEL, as_xlsx, as_zip

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "customers.csv"


@pytest.fixture(scope="module")
def sample(client: httpx.Client) -> dict[str, Any]:
    return done(client, SAMPLE.read_bytes())


@pytest.fixture(scope="module")
def answers(client: httpx.Client, sample: dict[str, Any]) -> pl.DataFrame:
    return pl.read_parquet(fetched(client, sample, "results", "?format=parquet"))


@pytest.fixture(scope="module")
def cells() -> pl.DataFrame:
    text = SAMPLE.read_text(encoding="utf-8-sig").splitlines()
    header, *rows = [line.split("\t") for line in text if line.strip()]
    return pl.DataFrame(rows, schema=header, orient="row")


def test_answers_are_those_of_the_pipelines_bit_for_bit(
    answers: pl.DataFrame, bundle: Path, customer_parameters: Schema
) -> None:
    source = SourceDataset(filepath=str(SAMPLE), engine="polars").load()
    bronze = ingest_source(source, customer_parameters)
    artifact = onnx.load(bundle / "segmenter.onnx")
    reading = preprocessing.settle_reading(bronze, customer_parameters)
    checked = preprocessing.check_rows(bronze, reading, customer_parameters)
    silver = preprocessing._verdicts(checked).customers().to_native()
    gold = score_customers(silver, artifact).collect()
    known = answers.unique("customer_id", keep="first")
    known = known.join(gold.select("customer_id"), on="customer_id", how="semi")
    assert len(known) == len(gold) > 2000
    chances = score_table(nw.from_native(silver).lazy(), onnx.load(bundle / "response.onnx"))
    # Missing as null, as other answers are.
    told = chances.collect().to_native().with_columns(pl.col("p_response").fill_nan(None))
    assert 0 < told["p_response"].null_count() < 10
    gold = gold.join(told.select("customer_id", "p_response"), on="customer_id")
    expected = gold.select(answers.columns)
    assert_frame_equal(known.sort("customer_id"), expected.sort("customer_id"), check_exact=True)


def test_answers_are_in_the_order_of_the_rows(
    client: httpx.Client, sample: dict[str, Any], answers: pl.DataFrame, cells: pl.DataFrame
) -> None:
    rejected = pl.read_parquet(fetched(client, sample, "rejected", "?format=parquet"))
    numbered = cells.with_row_index("row_number", 1)
    kept = numbered.filter(~pl.col("row_number").is_in(rejected["row_number"].to_list()))
    assert answers["customer_id"].to_list() == kept["ID"].to_list()
    assert len(answers) + len(rejected) == sample["rows"] == len(cells)
    assert sample["rows_rejected"] == len(rejected) > 0


def test_csv_tells_the_same_as_parquet(
    client: httpx.Client, sample: dict[str, Any], answers: pl.DataFrame
) -> None:
    text = fetched(client, sample, "results")
    read = pl.read_csv(io.BytesIO(text), separator="\t", schema=answers.schema)
    assert_frame_equal(read, answers, check_exact=True)


def test_every_reason_and_the_cells_as_sent_are_told_of_a_rejected_row(
    client: httpx.Client, cells: pl.DataFrame
) -> None:
    wrong = cells.head(3).with_columns(
        Income=pl.Series(["-5", "x", "100"]),
        Kidhome=pl.Series(["?", "0", "0"]),
        Education=pl.Series(["?", "?", "?"]),
    )
    job = done(client, wrong.write_csv().encode())
    rejected = pl.read_csv(fetched(client, job, "rejected"), infer_schema=False).to_dicts()
    assert [row["row_number"] for row in rejected] == ["1", "2"]
    assert rejected[0]["reasons"] == "income: negative; kids_home: not a number"
    assert rejected[0]["sent_Income"] == "-5"
    assert rejected[1]["customer_id"] == cells["ID"][1]


@pytest.mark.parametrize("kind", [LINES, PARQUET])
def test_every_format_gives_the_same_answers(
    client: httpx.Client, answers: pl.DataFrame, cells: pl.DataFrame, kind: str
) -> None:
    typed = cells.with_columns(
        pl.col("Income").cast(pl.Float64, strict=False),
        pl.col("Year_Birth").cast(pl.Int32),
        pl.col("Dt_Customer").str.to_date("%d-%m-%Y"),
        pl.col("Response").cast(pl.Int8).cast(pl.Boolean),
    )
    content = io.BytesIO()
    if kind == LINES:
        typed.write_ndjson(content)
    else:
        typed.write_parquet(content)
    job = done(client, content.getvalue(), kind)
    found = fetched(client, job, "results")
    if kind == LINES:
        read = msgspec.json.Decoder(dict[str, Any]).decode_lines(found)
        assert read == answers.to_dicts()
    else:
        assert_frame_equal(pl.read_parquet(found), answers, check_exact=True)


def test_a_key_that_json_writes_as_a_number_is_the_one_that_the_api_tells(
    client: httpx.Client, cells: pl.DataFrame
) -> None:
    row = cells.head(1).to_dicts()[0]
    lines = [msgspec.json.encode(row | {"ID": key}) for key in (7.0, 8, "9.0")]
    job = done(client, b"\n".join(lines), LINES)
    found = pl.read_ndjson(fetched(client, job, "results"))["customer_id"].to_list()
    assert found == ["7", "8", "9.0"]
    for key, told in zip((7.0, 8, "9.0"), found, strict=True):
        sent = a_customer() | {"customer_id": key}
        assert client.post("/v1/segments", json=sent).json()["customer_id"] == told


def test_a_file_without_purchases_is_answered_by_the_cold_start_model(
    client: httpx.Client, cells: pl.DataFrame
) -> None:
    known = cells.select("ID", "Year_Birth", "Marital_Status", "Income")
    job = done(client, known.write_csv(separator=";").encode())
    found = pl.read_csv(fetched(client, job, "results"), separator=";")
    shares = [name for name in found.columns if name.startswith("probability_")]
    expected = ["customer_id", "segment", "segment_name", *shares, "artifact_version"]
    assert found.columns == expected
    assert ((found.select(shares).sum_horizontal() - 1.0).abs() < 1e-9).all()


def test_no_cell_of_text_is_a_formula_of_a_spreadsheet(
    client: httpx.Client, cells: pl.DataFrame
) -> None:
    keys = ["=1+1", "+a", "-b", "@c", "-5"]
    rows = cells.head(5).with_columns(
        ID=pl.Series(keys), Income=pl.Series(["1", "1", "1", "=x", "-1"])
    )
    job = done(client, rows.write_csv().encode())
    ids = pl.read_csv(fetched(client, job, "results"))["customer_id"].to_list()
    assert ids == ["'=1+1", "'+a", "'-b"]
    rejected = pl.read_csv(fetched(client, job, "rejected"), infer_schema=False)
    assert rejected["customer_id"].to_list() == ["'@c", "-5"]
    assert rejected["sent_Income"].to_list() == ["'=x", "-1"]
    parquet = pl.read_parquet(fetched(client, job, "results", "?format=parquet"))
    assert parquet["customer_id"].to_list() == keys[:3]


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"ID,Income\n1,2\n", CSV, "no column for `year_birth` (header Year_Birth or year_birth)"),
        (b"ID,ID\n1,2\n", CSV, "names ['ID'] more than once"),
        (b"ID\n1\n", CSV, "the header is one column"),
        (f"{HEADER}\n".encode(), CSV, "no row"),
        (b"ID,Income\n\xff\xfe,2\n", CSV, "line 2 is not UTF-8"),
        (f'{HEADER}\n1,"2\n'.encode(), CSV, "never closed"),
        (f"{HEADER}\n1,1960,Single,5,0,0,\n{HEADER}\n".encode(), CSV, "line 3 does not"),
        (f"{HEADER}\n{HEADER}\n1,1960,Single,5,0,0,\n".encode(), CSV, "line 3 has more cells"),
        (b"%PDF-1.7", CSV, "a PDF. Export the table as CSV"),
        (b"no Parquet at all", PARQUET, "sent as a Parquet file"),
        (b'{"ID": 1}\n{"ID": [1]}\n', LINES, "line 2 is no JSON object"),
        (b'{"ID": 1\n', LINES, "line 1 is no JSON object"),
    ],
)
def test_a_file_that_cannot_be_answered_fails_with_one_clear_message(
    client: httpx.Client, content: bytes, kind: str, says: str
) -> None:
    job = ended(client, post(client, content, kind).json())
    assert job["state"] == "failed"
    assert says in job["message"]
    assert job["id"] not in job["message"]
    assert client.get(f"/v1/jobs/{job['id']}/results").status_code == httpx.codes.CONFLICT


def test_a_file_whose_rows_are_all_rejected_has_headers_alone(client: httpx.Client) -> None:
    job = done(client, b"ID,Year_Birth,Marital_Status,Income\n1,x,y,z\n")
    assert fetched(client, job, "results").decode().startswith("customer_id,segment,")
    assert job["rows_rejected"] == 1


def test_blank_lines_and_lone_returns_are_read_as_the_pipelines_do(client: httpx.Client) -> None:
    rows = b"ID,Year_Birth,Marital_Status,Income\r1,1960,Single,5\r\r2,1970,Married,6\r"
    job = done(client, rows)
    assert job["rows_done"] == 2
    assert job["rows_rejected"] == 0


@pytest.mark.parametrize("kind", ["application/zip", "application/gzip", EXCEL, CSV])
def test_a_job_takes_what_a_run_takes_and_answers_in_csv(
    client: httpx.Client, cells: pl.DataFrame, answers: pl.DataFrame, kind: str
) -> None:
    text = cells.head(3).write_csv().encode()
    content = {
        "application/zip": as_zip(customers__csv=text),
        "application/gzip": gzip.compress(text),
        EXCEL: as_xlsx({"customers": [cells.columns, *map(list, cells.head(3).rows())]}),
        CSV: text.decode().encode("utf-16"),
    }[kind]
    found = pl.read_csv(fetched(client, done(client, content, kind), "results"))
    expected = answers.filter(pl.col("customer_id").is_in(cells["ID"].head(3).to_list()))
    assert found["segment_name"].to_list() == expected["segment_name"].head(3).to_list()


def test_a_job_reads_another_encoding_where_the_media_type_says_so(client: httpx.Client) -> None:
    content = f"{HEADER}\nn\u00e4me,1960,Single,5,0,0\n".encode("cp1252")
    assert done(client, content, "text/csv; charset=windows-1252")["rows_rejected"] == 0
    refused = post(client, content, "text/csv; charset=none-such")
    assert refused.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE
    job = ended(client, post(client, content).json())
    assert "`text/csv; charset=cp1252` for a job" in job["message"]


def test_a_job_warns_of_thousands_that_are_read_as_fractions(
    client: httpx.Client, sample: dict[str, Any], cells: pl.DataFrame
) -> None:
    dotted = pl.col("Income").str.replace(r"^(\d+)(\d{3})$", "$1.$2")
    job = done(client, cells.with_columns(dotted).write_csv().encode())
    assert job["message"].startswith("Warning about the file: most fractions have exactly three")
    assert '`customers.thousands_sign: "."`' in job["message"]
    assert "message" not in sample
