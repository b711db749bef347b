"""What the end of a run does for promotion: keep its bundle, and switch the champion."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kedro.io import CatalogProtocol

from customer_segmentation.bundles.bundle import (
    BASELINE,
    MODELS,
    SEGMENTER,
    Promotion,
    StoredBundle,
)
from customer_segmentation.bundles.challenger import Challenger, Compared, Ending
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.state import RunState
from customer_segmentation.promotion.gates import NEVER_OVERRIDDEN, as_lines
from customer_segmentation.promotion.parameters import PromotionParameters
from customer_segmentation.promotion.registry import CANDIDATE, CHAMPION, register
from customer_segmentation.promotion.whole_run import candidate_bundle, is_whole, why_kept
from customer_segmentation.run_record import LENDER, current_run

VERDICT, PROPOSAL = "promotion_verdict", "challenger_proposal"
_OVERRIDE = (
    " Whoever answers for it lets it pass with "
    "--params=promotion.approver=NAME,promotion.reason=WHY"
)
_CANDIDATES = {name: f"{name.removesuffix('.onnx')}_candidate" for name in MODELS}
_BASELINE = "baseline_candidate"
# What retraining learns stands beside the candidate of the last whole run.
RETRAINED = "retrained_"


@dataclass(frozen=True)
class Outcome:
    """What a run comes to.

    Attributes:
        candidate: The bundle that it made, which is kept by now.
        entry: What makes a bundle the champion; None if the champion stays.
        champion: The bundle that the entry names.
        lines: What the run says of it.
        refused: Why the promotion that was asked for is refused; '' if it is not.
        challenger: What is tried from now on; None if that does not change.
        ended: Of the trial of the challenger the number, how it ended, and why; None if it goes on.
    """

    candidate: StoredBundle | None = None
    entry: Promotion | None = None
    champion: StoredBundle | None = None
    lines: Sequence[str] = ()
    refused: str = ""
    challenger: Challenger | None = None
    ended: tuple[int, Ending, str] | None = None


def outcome(run_params: Mapping[str, Any], state: RunState) -> Outcome:
    """What the end of a successful run is to do; nothing of it is visible yet.

    Raises:
        UserError: A bundle has changed since it passed the gates.
    """
    if VERDICT in state.made:
        return _of_verdict(state.catalog)
    if PROPOSAL in state.made:
        return _of_proposal(state)
    candidate = _kept_candidate(state)
    entry, why = _of_whole_run(run_params, state.catalog, candidate)
    return Outcome(candidate, entry, candidate if entry else None, ["", why] if why else [])


def require_live(told: Outcome, catalog: WholeFilesCatalog) -> None:
    """Check that the bundle of this run's entry is the champion now, if it has an entry.

    Raises:
        UserError: Somebody has rolled back meanwhile, which no lock keeps from.
    """
    if not (entry := told.entry):
        return
    live: Promotion | None = catalog.load("bundles").live()
    if live is None or live.bundle != entry.bundle:
        now = f"{live.by} has made {live.bundle} the champion" if live else "the log was emptied"
        raise UserError(f"bundle {entry.bundle} is not promoted: meanwhile {now}. Run again")


def tell_challenger(told: Outcome, catalog: WholeFilesCatalog) -> None:
    """Have a bundle tried, or no longer, as this run has come to.

    The champion is switched by now; a kill before this leaves a trial that is over by itself, or
    one that goes on, and nobody is answered otherwise.

    Raises:
        UserError: The champion changed, or somebody else has begun or ended one meanwhile.
    """
    bundles: BundleStore = catalog.load("bundles")
    if one := told.challenger:
        live = bundles.live()
        if live is None or live.number != one.promotion:
            raise UserError(
                f"bundle {one.bundle} is learned, and not tried: meanwhile the champion changed, "
                f"which was {one.champion}. Run kedro run --pipeline=retraining again"
            )
        bundles.challengers.begin(one)
    if told.ended:
        number, event, reason = told.ended
        run_id = str(current_run.get().get("run_id", ""))
        bundles.challengers.end(event, by=who(), reason=reason, run_id=run_id, number=number)


def show_in_mlflow(told: Outcome, catalog: WholeFilesCatalog) -> None:
    """Have the aliases of MLflow's registry name the candidate and the champion."""
    for bundle, alias in ((told.candidate, CANDIDATE), (told.champion, CHAMPION)):
        if bundle:
            register(bundle, catalog.load("bundles"), alias)


def _of_proposal(state: RunState) -> Outcome:
    """A bundle that was learned anew is kept and tried; the champion stays."""
    candidate, proposal = _kept_candidate(state, RETRAINED), state.catalog.load(PROPOSAL)
    if candidate is None or candidate.id != proposal["bundle"]:
        raise UserError(
            "what was learned does not belong together, or was learned from another environment's "
            "customers: nothing is tried. Run kedro run --pipeline=retraining again"
        )
    why = f"{proposal['why']}: {proposal['reason']}"
    if candidate.id == proposal["champion"]:
        told = f"Learned anew ({why}), it is the champion {candidate.id} again: nothing is tried"
        return Outcome(lines=["", told])
    fields = ("bundle", "champion", "promotion", "why", "reason", "agreement")
    run_id = str(current_run.get().get("run_id", ""))
    told_of_it = {name: proposal[name] for name in fields}
    compared = proposal["compared"] and Compared(**proposal["compared"])
    tried = Challenger(by=who(), run_id=run_id, compared=compared, **told_of_it)
    source = "outcomes" if proposal["learned_from_outcomes"] else "the answers in the source"
    told = (
        f"Bundle {tried.bundle} is tried beside the champion {tried.champion}, and answers nobody: "
        f"{tried.agreement:.1%} of the customers here have the same segment by both. Its response "
        f"model is learned from {source}."
    )
    further = (
        "See kedro challenger; promote it by kedro run --pipeline=promotion "
        "--params=promotion.source=challenger"
    )
    lines = ["", f"Learned anew ({why}).", told, further]
    return Outcome(candidate, challenger=tried, lines=lines)


def _kept_candidate(state: RunState, prefix: str = "") -> StoredBundle | None:
    """Keep the bundle of the candidates, if this run made one and they belong together.

    Args:
        state: Of the run.
        prefix: What their names begin with, in the catalog.
    """
    catalog = state.catalog
    candidates = {file: f"{prefix}{name}" for file, name in _CANDIDATES.items()}
    names = candidates.values()
    if not any(name in state.made for name in names) or not all(map(catalog.exists, names)):
        return None
    # What was learned from another environment's customers is not promoted here.
    if LENDER in current_run.get():
        return None
    origin = {**state.ledger.entries, **state.made}.get(candidates[SEGMENTER])
    if origin is None:
        return None
    models = {
        file: catalog.load(name).SerializeToString(deterministic=True)
        for file, name in candidates.items()
    }
    told = {
        "environment": current_run.get().get("environment", ""),
        "run_id": origin.run,
        "commit": origin.commit,
        "code": origin.code,
        "source_sha256": origin.source_sha256,
    }
    summary = catalog.load(f"{prefix}clustering_summary")
    bundle = candidate_bundle(models, told, {n: summary[n] for n in ("silhouette", "stability")})
    if bundle:
        bundle = _with_baseline(bundle, catalog, f"{prefix}{_BASELINE}")
        catalog.load("bundles").add(bundle)
    return bundle


def _with_baseline(bundle: StoredBundle, catalog: WholeFilesCatalog, name: str) -> StoredBundle:
    """The bundle and what its models learned from, if that is there and theirs."""
    if not catalog.exists(name):
        return bundle
    baseline = catalog.load(name)
    if baseline["version"] != bundle.about["artifact_version"]:
        return bundle
    return StoredBundle({**bundle.files, BASELINE: json.dumps(baseline).encode() + b"\n"})


def _of_whole_run(
    run_params: Mapping[str, Any], catalog: WholeFilesCatalog, bundle: StoredBundle | None
) -> tuple[Promotion | None, str]:
    """The entry that makes a whole run's candidate the champion, or why there is none.

    Neither where the environment is not configured for it, or it is the champion already.
    """
    promotion = promotion_of(catalog)
    if bundle is None or not (is_whole(run_params) and promotion.after_whole_run):
        return None, ""
    store: BundleStore = catalog.load("bundles")
    live = store.live()
    if live and live.bundle == bundle.id:
        return None, ""
    # One whose files somebody removed is not compared with.
    if live and live.bundle in store.kept() and not promotion.even_if_worse:
        summaries = map(catalog.load, ("clustering_summary", "supervised_metrics"))
        if kept := why_kept(store.bundle(live.bundle), *summaries):
            return None, kept
    return entry(bundle, live, kind="whole run", source=store.environment), ""


def _of_verdict(catalog: WholeFilesCatalog) -> Outcome:
    """A bundle that passed its gates is kept here, and an entry names it."""
    verdict = catalog.load(VERDICT)
    here: BundleStore = catalog.load("bundles")
    below: BundleStore | None = catalog.load("bundles_below")
    environment, named, tried = here.environment, verdict["bundle"], verdict["trial"]
    lines = ["", *as_lines(verdict["gates"]), ""]
    if verdict["refused"]:
        gates = ", ".join(verdict["refused"])
        override = "" if {*NEVER_OVERRIDDEN} & {*verdict["refused"]} else _OVERRIDE
        refused = f"bundle {named} is not promoted to {environment}: refused by {gates}."
        refused += " The champion is unchanged."
        if not tried:
            return Outcome(lines=lines, refused=f"{refused}{override}")
        if verdict["goes_on"]:
            still = " Time may mend that: its trial goes on."
            return Outcome(lines=lines, refused=f"{refused}{still}")
        ended: tuple[int, Ending, str] = (tried, "refused", f"refused by {gates}")
        over = (
            " It is tried no longer. Whoever answers for it learns it again by "
            "--params=retraining.by_hand=true and promotes it with an approver and a reason"
        )
        return Outcome(lines=lines, refused=f"{refused}{over}", ended=ended)
    if named == verdict["champion"]:
        return Outcome(lines=[*lines, f"Bundle {named} is the champion of {environment} already"])
    store = below if below and below.environment == verdict["source"] else here
    bundle = store.bundle(named)
    if bundle.hashes != verdict["files"]:
        raise UserError(
            f"{store.root}: bundle {named} has changed since it passed the gates. Nothing was "
            "promoted: run again"
        )
    here.add(bundle)
    told = {name: tuple(verdict[name]) for name in ("gates", "overridden")}
    who = {name: verdict[name] for name in ("approver", "reason", "source")}
    promoted = entry(bundle, here.live(), kind="promotion", **told, **who)
    if verdict["overridden"]:
        lines.append(
            f"Overridden by {verdict['approver']}: {', '.join(verdict['overridden'])} "
            f"({verdict['reason']})"
        )
    before = f", in place of {promoted.previous}" if promoted.previous else ""
    lines.append(f"Bundle {named} is the champion of {environment} now{before}")
    done: tuple[int, Ending, str] | None = None
    if tried:
        done = (tried, "promoted", "passed the gates")
    return Outcome(None, promoted, bundle, lines, ended=done)


def promotion_of(catalog: CatalogProtocol[Any, Any]) -> PromotionParameters:
    """The block `promotion`, which is checked already if a step of the run takes it."""
    given = catalog.load("params:promotion")
    is_checked = isinstance(given, PromotionParameters)
    return given if is_checked else PromotionParameters.model_validate(given)


def entry(
    bundle: StoredBundle,
    live: Promotion | None,
    *,
    kind: str,
    **told: Any,  # noqa: ANN401 - fields of several types
) -> Promotion:
    """An entry for the log, whose number and time the log gives it.

    Args:
        bundle: What becomes the champion.
        live: The entry that is in force.
        kind: `promotion`, `whole run` or `rollback`.
        told: Other fields of the entry.
    """
    run = current_run.get()
    defaults = {key: run.get(key, "") for key in ("environment", "run_id", "commit")}
    return Promotion(
        number=0,
        kind=kind,
        bundle=bundle.id,
        artifact_version=str(bundle.about["artifact_version"]),
        previous=live.bundle if live else None,
        at="",
        by=who(),
        files=bundle.hashes,
        **{**defaults, **told},
    )


def who() -> str:
    """Who runs this: as told, such as the actor of a CI workflow, or the user of the machine."""
    try:
        return os.environ.get("SEGMENTATION_USER") or getpass.getuser()
    # A container may run as a number without a name.
    except (KeyError, OSError):
        return "unknown"
