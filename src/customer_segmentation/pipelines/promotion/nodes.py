"""Measure a bundle against the gates of this environment."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.bundles.bundle import COLD_START, RESPONSE, SEGMENTER, StoredBundle
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.feature_store.definitions import conflicts, feature_set
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.pages import render
from customer_segmentation.promotion import agreement, quality
from customer_segmentation.promotion.bundling import differing_answers, lacks, made_for_others
from customer_segmentation.promotion.chosen import Chosen, choose
from customer_segmentation.promotion.gates import NEVER_OVERRIDDEN, Gate, failed
from customer_segmentation.promotion.parameters import PromotionParameters
from customer_segmentation.retraining.comparing import compare_on_outcomes
from customer_segmentation.retraining.outcomes import KnownOutcomes, known_outcomes
from customer_segmentation.retraining.parameters import RetrainingParameters
from customer_segmentation.retraining.trial import (
    Shadows,
    evidence,
    gates_of_outcomes,
    gates_of_shadow,
    goes_on,
)
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.scoring.artifact_file import WrongArtifactError, read_model
from customer_segmentation.scoring.metadata import VERSION, schema_of
from customer_segmentation.scoring.table import score_table
from customer_segmentation.scoring.verify import verified
from customer_segmentation.tables.check import broken_promises
from customer_segmentation.tables.history import History
from customer_segmentation.tables.schemas import tables_of

# What `bundle.json` must say of where its models come from.
_ORIGIN = ("environment", "run_id", "commit", "code", "source_sha256", "made_at")
_SILVER = "silver_customers"
_SEED = 1


def choose_bundle(
    bundles: BundleStore, bundles_below: BundleStore | None, promotion: PromotionParameters
) -> Chosen:
    """The champion of the environment below, or this environment's candidate or challenger."""
    return choose(bundles, bundles_below, promotion)


def check_bundle(chosen: Chosen) -> list[Gate]:
    """Whether the bytes are those that were recorded, say where they come from, and answer alike.

    A model whose bytes nobody vouches for is not run.
    """
    bundle, entry = chosen.bundle, chosen.made_champion
    changed = bundle.changed_since(entry.files) if entry else []
    if not changed and bundle.id != chosen.named:
        changed = list(bundle.models)
    figure = f"files that are not those recorded in {chosen.source}"
    gates = [Gate.none_of("provenance", "changed_files", figure, changed)]
    if changed:
        return gates
    wrong = _wrong_statements(bundle)
    figure = "statements about the origin that are wrong or absent"
    gates.append(Gate.none_of("provenance", "wrong_statements", figure, wrong))
    if not wrong:
        differing, compared = differing_answers(bundle)
        told = f"answers that differ here, of {compared:,} for made-up customers"
        gates.append(Gate("same_answers", "made_up_customers", told, differing, 0))
        features = feature_set(verified(bundle.files[SEGMENTER]))
        figure = f"feature views that are other than version {features.version} was here before"
        changed = conflicts(features, chosen.features)
        gates.append(Gate.none_of("features", "changed_definitions", figure, changed))
    return gates


def check_customers(
    chosen: Chosen,
    of_bundle: list[Gate],
    silver_customers: IntoFrame,
    promotion: PromotionParameters,
) -> list[Gate]:
    """Whether this environment's customers are what the bundle was made for, and recent enough."""
    if failed(of_bundle):
        return []
    metadata = verified(chosen.bundle.files[SEGMENTER])
    silver = nw.from_native(silver_customers).lazy()
    absent = sorted({*quality.needed_columns(metadata)} - {*silver.collect_schema().names()})
    broken = [f"there is no column {name}" for name in absent]
    if not absent:
        broken = broken_promises(silver, tables_of(schema_of(metadata))[_SILVER])
    figure = f"promises of the bundle's schema that {_SILVER} breaks"
    gates = [Gate.none_of("contract", "broken_promises", figure, broken)]
    if AS_OF not in absent:
        newest = silver.select(nw.col(AS_OF).max()).collect()[AS_OF][0]
        learned = date.fromisoformat(metadata["provenance"]["as_of"])
        behind = (learned - date(newest.year, newest.month, newest.day)).days
        figure = f"days that {_SILVER} is older than what the bundle was learned from"
        bound = promotion.bounds.max_days_behind
        gates.append(Gate("freshness", "days_behind", figure, max(0, behind), bound))
    if not broken:
        plan = quality.draw_customers(silver, promotion.bounds.sample_rows)
        drawn = plan.collect().sort(KEY)
        differing = _differing_by_engine(chosen.bundle.files[SEGMENTER], plan, drawn)
        told = f"customers with another segment by this environment's engine, of {len(drawn):,}"
        gates.append(Gate("same_answers", "by_engine", told, differing, 0))
    return gates


def compare_with_champion(
    chosen: Chosen,
    of_customers: list[Gate],
    silver_customers: IntoFrame,
    promotion: PromotionParameters,
) -> list[Gate]:
    """How many customers the bundle puts elsewhere than the champion does, and where."""
    if chosen.champion is None or not _is_measurable(of_customers):
        return []
    silver, bounds = nw.from_native(silver_customers).lazy(), promotion.bounds
    found = agreement.compare(
        silver, chosen.bundle.files[SEGMENTER], chosen.champion.files[SEGMENTER]
    )
    changed, shares = found.changed_segments, found.share_changes
    most = max(shares, key=lambda key: abs(shares[key]), default="")
    share = f"largest change of a share{f', of {most}' if most else ''}"
    change = abs(shares[most]) if most else 0.0
    both = "segments that only one of the two has"
    ari, movers = "adjusted Rand index", "share of customers who move"
    return [
        Gate("agreement", "ari", ari, found.ari, bounds.min_ari, is_least=True),
        Gate("agreement", "movers", movers, found.movers, bounds.max_movers),
        Gate.none_of("segments", "changed", both, changed),
        Gate("segments", "share_change", share, change, bounds.max_share_change),
    ]


def measure_quality(
    chosen: Chosen,
    of_customers: list[Gate],
    silver_customers: IntoFrame,
    promotion: PromotionParameters,
) -> list[Gate]:
    """How good the bundle is on this environment's customers, beside the champion if there is one.

    Silhouettes of both are measured in the champion's space, since those of two spaces say nothing
    about each other.
    """
    if not _is_measurable(of_customers):
        return []
    bounds, files = promotion.bounds, chosen.bundle.files
    silver = nw.from_native(silver_customers).lazy()
    drawn = quality.draw_customers(silver, bounds.sample_rows).collect().sort(KEY)
    metadata = verified(files[SEGMENTER])
    own = quality.standardised(metadata, drawn)
    gates = []
    if chosen.champion is None:
        value = quality.silhouette(own, quality.labels_of(files[SEGMENTER], drawn))
        figure = "silhouette, as there is no champion to compare with"
        gates.append(
            Gate("quality", "silhouette", figure, value, bounds.min_silhouette, is_least=True)
        )
    else:
        champion = chosen.champion.files[SEGMENTER]
        space = quality.standardised(verified(champion), drawn)
        new, old = (
            quality.silhouette(space, quality.labels_of(model, drawn))
            for model in (files[SEGMENTER], champion)
        )
        loss = None if new is None or old is None else old - new
        told = (
            "silhouette lost" if loss is None else f"silhouette lost, from {old:.3f} to {new:.3f}"
        )
        gates.append(Gate("quality", "silhouette_lost", told, loss, bounds.max_silhouette_loss))
        gates += _compared_parts(chosen.bundle, chosen.champion, drawn, promotion)
    stability = quality.resampled_ari(metadata, own, bounds.bootstraps, _SEED)
    figure = f"mean adjusted Rand index of {bounds.bootstraps} resamples"
    return [
        *gates,
        Gate("stability", "ari", figure, stability, bounds.min_stability, is_least=True),
    ]


def gather_later_outcomes(
    chosen: Chosen,
    recorded_outcomes: History,
    assignments: IntoDataFrame,
    recorded_campaign_inputs: History,
    feedback: FeedbackParameters,
) -> KnownOutcomes:
    """What came of contacts, by which a challenger is judged; nothing for any other bundle."""
    if chosen.challenger is None:
        return KnownOutcomes(None, "")
    return known_outcomes(recorded_outcomes, assignments, recorded_campaign_inputs, feedback)


def judge_trial(  # noqa: PLR0913, PLR0917 - what is known of a trial
    chosen: Chosen,
    of_bundle: list[Gate],
    shadows: Shadows,
    outcomes: KnownOutcomes,
    retraining: RetrainingParameters,
    campaign_planning: CampaignParameters,
) -> list[Gate]:
    """What a challenger did beside the champion, and how well it foretells answers."""
    tried, champion = chosen.challenger, chosen.champion
    if tried is None or champion is None or failed(of_bundle):
        return []
    bounds, later = retraining.trial, None
    old, new = (one.files.get(RESPONSE) for one in (champion, chosen.bundle))
    if outcomes.training is not None:
        offers = campaign_planning.offers
        later = compare_on_outcomes(outcomes.training, old, new, offers)
    found = evidence(tried, later, bounds)
    counts = shadows.of(champion.id, chosen.named)
    comes = outcomes.training is not None
    return [
        *gates_of_shadow(counts, tried.agreement, bounds, is_judged=bool(found), is_awaited=comes),
        *gates_of_outcomes(found),
    ]


def judge(  # noqa: PLR0913, PLR0917 - the gates of each step
    chosen: Chosen,
    of_bundle: list[Gate],
    of_customers: list[Gate],
    of_agreement: list[Gate],
    of_quality: list[Gate],
    of_trial: list[Gate],
    promotion: PromotionParameters,
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """The verdict, and the figures for MLflow.

    What is refused is named; an override lets all pass but what may never be overridden.
    """
    gates = [*of_bundle, *of_customers, *of_agreement, *of_quality, *of_trial]
    refused = failed(gates)
    overridden = [
        name for name in refused if promotion.approver.strip() and name not in NEVER_OVERRIDDEN
    ]
    bundle, champion = chosen.bundle, chosen.champion
    is_known = "provenance" not in refused
    verdict = {
        "bundle": chosen.named,
        "artifact_version": bundle.about["artifact_version"] if is_known else "unknown",
        "source": chosen.source,
        "champion": champion.id if champion else None,
        # The number of its entry among the challengers; 0 of any other bundle.
        "trial": chosen.challenger.number if chosen.challenger else 0,
        # Time alone may let it pass.
        "goes_on": goes_on(gates),
        "files": bundle.hashes,
        "gates": [gate.told() for gate in gates],
        "refused": [name for name in refused if name not in overridden],
        "overridden": overridden,
        "approver": promotion.approver,
        "reason": promotion.reason,
    }
    figures = {
        f"{gate.gate}.{gate.name}": {"value": float(gate.measured), "step": 0}
        for gate in gates
        if gate.measured is not None
    }
    return verdict, figures


def show_verdict(verdict: dict[str, Any]) -> str:
    """The verdict as one page of HTML that needs nothing else."""
    return render("promotion", "promotion.html.jinja", **verdict)


def _wrong_statements(bundle: StoredBundle) -> list[str]:
    try:
        segmenter = verified(bundle.files[SEGMENTER])
        others = made_for_others({name: bundle.files[name] for name in bundle.models})
    except WrongArtifactError as error:
        return [str(error)]
    about = bundle.about
    wrong = [f"{name} is absent" for name in _ORIGIN if not about.get(name)]
    if about.get("artifact_version") != segmenter[VERSION]:
        wrong.append(f"artifact_version is not {segmenter[VERSION]}")
    wrong += [f"{name} was made for {version}" for name, version in others.items()]
    if {*about.get("answers", ())} != {*bundle.models}:
        wrong.append("answers are absent")
    return wrong


def _is_measurable(of_customers: list[Gate]) -> bool:
    """Whether the bundle can score these customers; where bytes are wrong, nothing was checked."""
    return bool(of_customers) and "contract" not in failed(of_customers)


def _differing_by_engine(model: bytes, plan: nw.LazyFrame[Any], drawn: nw.DataFrame[Any]) -> int:
    """Customers whom the environment's engine puts elsewhere than one process does."""
    scored = score_table(plan, read_model(model)).select(KEY, "segment").collect().sort(KEY)
    return int((scored["segment"].to_numpy() != quality.labels_of(model, drawn)).sum())


def _compared_parts(
    bundle: StoredBundle,
    champion: StoredBundle,
    drawn: nw.DataFrame[Any],
    promotion: PromotionParameters,
) -> list[Gate]:
    """What the champion answers and the bundle does not, and what the cold-start model lost."""
    outputs = [{*verified(one.files[SEGMENTER])["outputs"]} for one in (bundle, champion)]
    lost = sorted(outputs[1] - outputs[0])
    lost += [
        name.removesuffix(".onnx")
        for name in (COLD_START, RESPONSE)
        if lacks(bundle, name) and not lacks(champion, name)
    ]
    figure = "answers that the champion gives and the bundle does not"
    gates = [Gate.none_of("quality", "lost_answers", figure, lost)]
    new, old = (quality.cold_start_accuracy(one, drawn) for one in (bundle, champion))
    if new is not None and old is not None:
        told = f"cold start's balanced accuracy lost, from {old:.3f} to {new:.3f}"
        bound = promotion.bounds.max_cold_start_loss
        gates.append(Gate("quality", "cold_start_lost", told, old - new, bound))
    return gates
