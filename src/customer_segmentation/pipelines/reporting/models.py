"""How good the models are, in words: the cold start first, then the demonstration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.cards import Bar
from customer_segmentation.schema.schema import Schema

_BASELINE = "baseline"


@dataclass(frozen=True)
class ModelRow:
    """One model: how much it recognises, as a bar, and what the bar does not show."""

    bar: Bar
    log_loss: str
    calibration: str
    is_exported: bool


@dataclass(frozen=True)
class Models:
    """How good the models of one kind are.

    `recognised` has a row a segment: its name, the share of its customers that the model puts
    there, and where it puts most of the others.
    """

    lead: str
    note: str
    rows: tuple[ModelRow, ...]
    recognised: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Candidates:
    """What the models that could be exported cost and give.

    `rows` has a measure each: its name, and its value for every model of `names`.
    """

    lead: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def explain_cold_start(
    schema: Schema, section: Mapping[str, Any], names: Mapping[str, str]
) -> Models:
    """The model that guesses the segment at sign-up, against one that knows only sizes."""
    if reason := section.get("left_out"):
        return Models(f"There is no cold-start model: {reason}.", "", ())
    exported = section["exported"]
    accuracy, baseline = _balanced(section, exported), _balanced(section, _BASELINE)
    members = [names.get(key, phrases.spoken(key)) for key in section["members"]]
    return Models(
        lead=(
            "For a customer who has bought nothing yet, the cold-start model predicts the "
            f"segment from {phrases.listed(_sign_up(schema, section['inputs']))}. It recognises "
            f"{phrases.percent(accuracy)} of a segment's customers on average; a baseline that "
            f"knows only the segments' sizes, {phrases.percent(baseline)}."
        ),
        note=section["note"],
        rows=_model_rows(section, exported),
        recognised=tuple(
            _recognised(members, number, row) for number, row in enumerate(section["confusion"])
        ),
    )


def explain_candidates(section: Mapping[str, Any]) -> Candidates | None:
    """Why the exported cold-start model is the one; None where there is none."""
    if "candidates" not in section:
        return None
    candidates, full, rule = (section[k] for k in ("candidates", "full_model", "chosen_by"))
    used, trees = phrases.spoken(section["exported"]), phrases.spoken(full)
    why = f"chosen by this rule: {rule}" if rule else "named by supervised_training.exported"
    measures: dict[str, Callable[[str], str]] = {
        "File": lambda name: f"{candidates[name]['bytes'] / 1000.0:.1f} kB",
        "AUC": lambda name: f"{candidates[name]['roc_auc']:.3f}",
        "Recognised": lambda name: f"{100.0 * candidates[name]['balanced_accuracy']:.1f} %",
        "Log loss": lambda name: f"{candidates[name]['log_loss']:.3f}",
        "Answers that differ": lambda name: f"{100.0 * candidates[name]['differing']:.1f} %",
    }
    marks = {section["exported"]: " (used)", full: " (full)"}
    return Candidates(
        lead=(
            f"The {used} is in use, {why}. The full model is the better of two kinds of trees, "
            f"here {trees}; it is only measured. A light model's answer differs from the full "
            "model's for the share of customers in the last line, whom neither had seen. How long "
            "an answer takes differs from run to run and decides nothing: MLflow has what this "
            "run measured (one_row_us, thousand_rows_ms)."
        ),
        names=tuple(
            phrases.capitalised(phrases.spoken(name)) + marks.get(name, "") for name in candidates
        ),
        rows=tuple(
            (title, tuple(told(name) for name in candidates)) for title, told in measures.items()
        ),
    )


def explain_demonstration(section: Mapping[str, Any]) -> Models:
    """The models that see everything: a demonstration, told as such."""
    if reason := section.get("left_out"):
        return Models(f"Nothing was relearned: {reason}.", "", ())
    best = max(_balanced(section, name) for name in section["models"])
    return Models(
        lead=(
            f"A demonstration, not a forecast: models that see all the data recover "
            f"up to {phrases.percent(best)} of each segment."
        ),
        note=section["note"],
        rows=_model_rows(section, ""),
    )


def explain_potential(r2: float | None) -> str:
    """How well expected spend, behind "likely to spend", predicts unseen customers' spend."""
    if r2 is None:
        return ""
    return (
        f"The expected spend behind this percentile explains {phrases.percent(max(r2, 0.0))} of "
        "the variation in spend among customers it was not learned from (R\N{SUPERSCRIPT TWO}, "
        "cross-validated)."
    )


def _balanced(section: Mapping[str, Any], model: str) -> float:
    return float(section["models"][model]["balanced_accuracy"]["mean"])


def _model_rows(section: Mapping[str, Any], exported: str) -> tuple[ModelRow, ...]:
    baseline, rows = _balanced(section, _BASELINE), []
    for name, metrics in section["models"].items():
        accuracy, deviation = _balanced(section, name), metrics["balanced_accuracy"]["sd"]
        title = "baseline: sizes only" if name == _BASELINE else phrases.spoken(name)
        bar = Bar(
            label=phrases.capitalised(title),
            text=phrases.percent(accuracy),
            length=round(100.0 * accuracy, 2),
            mark=round(100.0 * baseline, 2),
            note=f"\N{PLUS-MINUS SIGN}{100.0 * deviation:.1f}",
        )
        loss = phrases.score(metrics["log_loss"]["mean"])
        calibration = phrases.score(metrics["expected_calibration_error"]["mean"])
        rows.append(ModelRow(bar, loss, calibration, is_exported=name == exported))
    return tuple(rows)


def _recognised(members: Sequence[str], number: int, row: Sequence[int]) -> tuple[str, str, str]:
    others = [(count, -other) for other, count in enumerate(row) if other != number]
    count, other = max(others, default=(0, 0))
    total = max(sum(row), 1)
    otherwise = f"{members[-other]} ({phrases.percent(count / total)})" if count else ""
    return members[number], phrases.percent(row[number] / total), otherwise


def _sign_up(schema: Schema, inputs: Sequence[str]) -> list[str]:
    return [schema.label_of(column) for column in schema.needed_columns(inputs)]
