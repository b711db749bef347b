"""A newcomer's DuckDB and PostgreSQL over the files of a run, whatever it lacks."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import psycopg
import pytest
from click.testing import CliRunner

from customer_segmentation.errors import UserError
from tools.deploy.declared import DEPLOY
from tools.deploy.project import tables
from tools.deploy.sql.__main__ import main
from tools.deploy.sql.local import connect, load
from tools.deploy.sql.questions import questions

DAY = pd.Timestamp("2014-06-30")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with two customers, of an export without complaints; its name has a quote."""
    folder = tmp_path / "a run's" / "data"
    (folder / "gold" / "history").mkdir(parents=True)
    customers = {"customer_id": ["1", "2"], "as_of": DAY}
    features = customers | {"sample_key": [1, 2], "income": [10.0, None], "education": [2.0, None]}
    segments = customers | {"segment": "low_spend", "segment_name": "Low-spend", "margin": 0.05}
    pd.DataFrame(features).to_parquet(folder / "gold" / "features.parquet")
    pd.DataFrame(segments).to_parquet(folder / "gold" / "segments.parquet")
    # Nobody has moved: pandas writes columns without a type.
    nobody = pd.DataFrame({name: [] for name in ("customer_id", "cause")}, dtype=object)
    nobody.to_parquet(folder / "gold" / "movers.parquet")
    return folder


def test_tables_and_columns_that_are_not_there_yet_are_empty(data: Path) -> None:
    with connect(data) as session:
        for one in questions():
            session.execute(one.sql("duckdb")).fetchall()
        assert session.execute("SELECT COUNT(*) FROM gold_campaign").fetchall() == [(0,)]
        profile = "SELECT customer_id, income, complained, education FROM customer_profile"
        assert session.execute(f"{profile} ORDER BY 1").fetchall() == [
            # A category in its own word.
            ("1", 10.0, None, "second_cycle"),
            ("2", None, None, None),
        ]
        for table in tables().values():
            found = session.table(table.name)
            assert found.columns == [column.name for column in table.columns]
        assert session.sql("SELECT cause FROM gold_movers").types == ["VARCHAR"]


def test_the_script_alone_makes_the_views_of_a_folder(data: Path) -> None:
    script = (DEPLOY / "sql" / "duckdb" / "views.sql").read_text()
    with duckdb.connect() as session:
        session.execute("SET VARIABLE data = ?", [str(data)])
        session.execute(script)
        assert session.execute("SELECT near_the_border FROM current_segments").fetchall() == [(2,)]
        comment = "SELECT comment FROM duckdb_columns() WHERE table_name = 'gold_segments'"
        assert ("Name of the segment, for people",) in session.execute(comment).fetchall()


def test_statements_of_a_stream_and_corrections_of_a_day_are_taken_as_the_history_means_them(
    data: Path,
) -> None:
    def say(name: str, day: str, at: str, run: str, **segments: str) -> None:
        rows = {
            "customer_id": [*segments],
            "as_of": pd.Timestamp(day),
            "segment": [*segments.values()],
            "segment_name": [*segments.values()],
            "runner_up": "b",
            "margin": 0.5,
            "artifact_version": "1",
            "run_id": run,
            "recorded_at": at,
        }
        pd.DataFrame(rows).to_parquet(data / "gold" / "history" / f"{name}.parquet")

    say("1", "2014-06-30", "2014-07-01T00:00:00.0Z", "first", c1="a", c2="a", c3="a")
    # A run of the same day says otherwise, and of one customer less.
    say("2", "2014-06-30", "2014-07-02T00:00:00.0Z", "second", c1="b", c2="a")
    say("3", "2014-06-30", "2014-07-03T00:00:00.0Z", "stream-1", c2="left")
    # Of a day of which no run has told, a stream tells too little for sizes.
    say("4", "2014-07-05", "2014-07-05T00:00:00.0Z", "stream-1", c1="a")
    say("5", "2014-07-30", "2014-07-30T00:00:00.0Z", "third", c1="a", c2="a")
    with connect(data) as session:
        sizes = session.execute("SELECT * FROM segment_sizes ORDER BY as_of").fetchall()
        assert [(str(day), *row) for day, *row in sizes] == [
            ("2014-06-30", "b", "b", 1, 1.0),
            ("2014-07-30", "a", "a", 2, 1.0),
        ]
        moves = session.execute("SELECT customer_id, from_name, to_name FROM segment_moves")
        assert moves.fetchall() == [("c1", "b", "a")]


def test_a_table_with_other_columns_is_told_and_nothing_is_loaded(data: Path, shop: str) -> None:
    with psycopg.connect(shop, autocommit=True) as session:
        session.execute("CREATE TABLE gold_segments (customer_id text)")
        with pytest.raises(UserError, match=r"there with other columns: drop it.*gold_segments"):
            load(shop, data)
        found = session.execute("SELECT to_regclass('gold_features')").fetchone()
    assert found == (None,)


def test_a_question_is_answered_on_the_command_line(data: Path) -> None:
    listed = CliRunner().invoke(main, ["ask"])
    assert "segment_sizes" in listed.output
    asked = CliRunner().invoke(main, ["ask", "near_the_border", f"--data={data}"])
    assert asked.exit_code == 0
    assert asked.output.startswith("Who is near the border of another segment?")
    wrong = CliRunner().invoke(main, ["ask", "lifetime_value_by_segment", f"--data={data}"])
    assert wrong.exit_code == 1
    assert "no question lifetime_value_by_segment: the schema declares no orders" in wrong.output
