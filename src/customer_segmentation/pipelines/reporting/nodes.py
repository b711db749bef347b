"""Put all results on one page, and the segments into five lines."""

from __future__ import annotations

from typing import Any

import narwhals as nw
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from narwhals.typing import IntoFrame

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.reporting import (
    answers,
    cards,
    choice,
    curves,
    models,
    moves,
    phrases,
    relations,
)
from customer_segmentation.pipelines.reporting.cleaning import explain_cleaning
from customer_segmentation.pipelines.reporting.drift import explain_drift
from customer_segmentation.pipelines.reporting.glossary import define_terms
from customer_segmentation.pipelines.reporting.identity import explain_identity
from customer_segmentation.pipelines.reporting.key_points import key_points
from customer_segmentation.pipelines.reporting.lifetime import explain_lifetime
from customer_segmentation.pipelines.reporting.notes import no_groups, notes
from customer_segmentation.pipelines.reporting.profiles import Profiles, read_profiles
from customer_segmentation.pipelines.reporting.summary import five_lines
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import VERSION, metadata_of, schema_of

# onnx.ModelProto: its library is imported when run.
Artifact = Any

_HASH_DIGITS = 12


def build_report(  # noqa: PLR0913, PLR0917 - one page of all results
    profiles: IntoFrame,
    segmenter: Artifact,
    accounting: dict[str, Any],
    clustering: dict[str, Any],
    identity: dict[str, Any],
    choice_of_k: IntoFrame,
    eda: dict[str, Any],
    supervised: dict[str, Any],
    flow: dict[str, Any],
    lifetime: dict[str, Any],
    monitoring: dict[str, Any],
) -> str:
    """The report: one page of HTML that needs nothing else, the same bytes for the same input.

    Raises:
        UserError: The inputs are of different runs.
    """
    metadata = metadata_of(segmenter)
    schema = schema_of(metadata)
    profiled = read_profiles(schema, profiles)
    _require_one_run(metadata, profiled, accounting, clustering, supervised)
    names = {segment["key"]: segment["name"] for segment in metadata["segments"]}
    rows = nw.from_native(choice_of_k).lazy().collect().rows(named=True)
    told = notes(schema, clustering, identity, supervised, lifetime)
    return _template().render(
        period=schema.money.period,
        cards=[cards.make_card(segment) for segment in profiled.segments],
        # What a reader must know first of all.
        key_points=(*no_groups(clustering), *key_points(profiled)),
        by_size=cards.overview_bars(profiled.segments, lambda segment: segment.share),
        by_spend=cards.overview_bars(profiled.segments, cards.spend_share),
        notes=told[len(no_groups(clustering)) :],
        choice=choice.explain_choice(clustering),
        choice_rows=choice.choice_rows(clustering, rows),
        identity=explain_identity(identity),
        influences=choice.influences(schema, clustering),
        curves=curves.choice_curves(rows, clustering),
        curve_size=(curves.WIDTH, curves.HEIGHT),
        tendency=choice.explain_tendency(eda["hopkins"]),
        cleaning=explain_cleaning(schema, accounting, profiled.unsegmented),
        cold_start=models.explain_cold_start(schema, supervised["cold_start"], names),
        candidates=models.explain_candidates(supervised["cold_start"]),
        demonstration=models.explain_demonstration(supervised["demonstration"]),
        potential=models.explain_potential(
            clustering["expected_spend_r2"] if "likely_to_spend" in metadata["outputs"] else None
        ),
        answers=answers.explain_answers(schema, supervised["response"]),
        targets=relations.explain_relations(schema, eda),
        moves=moves.explain_moves(schema, flow),
        moves_width=moves.WIDTH,
        drift=explain_drift(monitoring),
        worth=explain_lifetime(schema, lifetime),
        looked_at=phrases.count(eda["sample_rows"]),
        terms=define_terms(metadata),
        provenance=_provenance(metadata, accounting, supervised),
        as_of=metadata["provenance"]["as_of"],
    )


def summarise_segments(  # noqa: PLR0913, PLR0917 - what must be known of each
    profiles: IntoFrame,
    schema: Schema,
    clustering: dict[str, Any],
    identity: dict[str, Any],
    supervised: dict[str, Any],
    lifetime: dict[str, Any],
    _report: str,
) -> str:
    """What a reader must know first, if anything; then the segments in five lines at most.

    Made once there is a report that says more.
    """
    told = notes(schema, clustering, identity, supervised, lifetime)
    return "\n".join([*told, *([""] if told else []), five_lines(schema, profiles, clustering)])


def _require_one_run(
    metadata: dict[str, Any],
    profiles: Profiles,
    accounting: dict[str, Any],
    clustering: dict[str, Any],
    supervised: dict[str, Any],
) -> None:
    names = [segment["name"] for segment in metadata["segments"]]
    learned_from = metadata["provenance"]["customers"]
    stale = {
        "preprocessing": accounting["customers"] != learned_from,
        "label_generation": not {s.name for s in profiles.segments} <= {*names},
        "clustering": clustering["segments"] != names,
        "supervised_training": supervised["cold_start"]["segmenter_version"] != metadata[VERSION],
    }
    again = [pipeline for pipeline, is_stale in stale.items() if is_stale]
    if again:
        message = (
            f"segmenter_candidate {metadata[VERSION]} is of another run than what "
            f"{phrases.listed(again)} saved: run kedro run --pipelines={','.join(again)},reporting"
        )
        raise UserError(message)


def _provenance(
    metadata: dict[str, Any], accounting: dict[str, Any], supervised: dict[str, Any]
) -> list[tuple[str, str]]:
    learned_from = metadata["provenance"]
    sampled = phrases.count(learned_from["sample_rows"])
    return [
        ("Source file", accounting["source_name"]),
        ("Source SHA-256", f"{accounting['source_sha256'][:_HASH_DIGITS]}..."),
        ("Snapshot", learned_from["as_of"]),
        ("Segmenter version", metadata[VERSION]),
        ("Cold-start version", supervised["cold_start"]["version"]),
        ("Response model version", supervised["response"]["version"]),
        ("Learned from", f"{sampled} of {phrases.count(learned_from['customers'])} customers"),
        ("Project version", learned_from["project_version"]),
    ]


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("customer_segmentation.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.jinja")
