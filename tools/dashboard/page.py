"""The page: what all sections say, filled into one template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.reporting.moves import WIDTH as MOVES_WIDTH
from tools.dashboard import words
from tools.dashboard.campaign import campaign
from tools.dashboard.pictures import HEIGHT, WIDTH
from tools.dashboard.segments import segments
from tools.dashboard.state import flow, freshness, quality
from tools.dashboard.tables import Answers, Tables
from tools.deploy.sql.asked import QUESTIONS

_HERE = Path(__file__).parent
# Style and macros are the report's.
_REPORT = "customer_segmentation.pipelines.reporting"


def render(tables: Tables, wanted: Mapping[str, str], *, is_served: bool) -> str:
    """The page as HTML.

    Args:
        tables: Of the environment.
        wanted: Column -> value that customers are chosen by.
        is_served: Else it is one file, that cannot choose.

    Raises:
        UserError: No customer has a segment yet, or a store does not answer.
    """
    left = tables.left
    name = left.environment.name
    titles = {one.name: one.title for one in QUESTIONS}
    # What is not of segments is of everybody, whoever is chosen.
    with tables.answers(wanted) as answers, tables.answers({}) as everybody:
        if "gold_segments" in answers.absent:
            raise UserError(f"{name} has no gold_segments yet: kedro run --env={name} makes them")
        return (
            _environment()
            .get_template("page.html.jinja")
            .render(
                is_served=is_served,
                environment=name,
                choices=_choices(answers),
                chosen=[_chosen(answers, column) for column in answers.choices],
                segments=segments(answers, left.schema),
                lacking={titles[name]: why for name, why in answers.lacking.items()},
                flow=flow(everybody, left),
                campaign=campaign(everybody, left.schema.money.unit),
                quality=quality(everybody, left),
                fresh=freshness(everybody, datetime.now(UTC)),
                size=(WIDTH, HEIGHT),
                moves_width=MOVES_WIDTH,
                period=left.schema.money.period,
            )
        )


def style() -> str:
    """The style of the page."""
    return _environment().get_template("page.css.jinja").render()


def _choices(answers: Answers) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
    """For each column its label, and the values that one can choose."""
    return [
        (
            column,
            words.label(column),
            [
                (value, words.label(text), answers.choices.get(column) == value)
                for value, text in values.items()
            ],
        )
        for column, values in answers.options.items()
    ]


def _chosen(answers: Answers, column: str) -> str:
    return f"{words.label(column)}: {words.label(answers.options[column][answers.choices[column]])}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(_HERE), PackageLoader(_REPORT)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
