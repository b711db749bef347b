"""Refuse to join or keep tables and files that do not match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kedro.framework.project import pipelines
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from customer_segmentation.customers.account import listed
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import (
    SOURCE,
    WHOLE,
    ancestors,
    command,
    is_parameter,
    makers,
)
from customer_segmentation.lineage.origin import UNKNOWN, Clash, leaves
from customer_segmentation.lineage.record import code_hash
from customer_segmentation.lineage.state import RunState, configured

_MAX_NAMED = 3
_FROM_ANOTHER = "from another "
_BY_HAND = "made by an older version, or changed by hand"


def require_belonging(pipeline: Pipeline, state: RunState) -> None:
    """Refuse before a run to join or keep tables and files that do not match.

    Args:
        pipeline: What is to run.
        state: Before the run; the steps are registered in it.

    Raises:
        UserError: Names the tables and files, and the pipelines to run.
    """
    if state.params["only_missing_outputs"]:
        _require_current(pipeline, state)
    for node in pipeline.nodes:
        require_matching(node, state)


def require_matching(node: Node, state: RunState) -> None:
    """Register a step, and refuse it if its inputs do not match.

    Raises:
        UserError: Names them, and the pipelines to run.
    """
    if not (clashing := state.enter(node)):
        return
    clash = min(clashing, key=_rank)
    makes = makers(_to_make(node, clash, state))
    raise UserError(
        f"{node.name} would combine outputs of different states: {_words(clash, state)}. Run "
        f"{command(makes, state.params)}"
    )


def refuse_stale(stale: Mapping[str, str], state: RunState) -> None:
    """Refuse to keep outdated outputs, each given with the reason.

    Raises:
        UserError: Names them, and the pipelines to run.
    """
    if not stale:
        return
    # What is behind the others comes first.
    causes = sorted(stale.items(), key=lambda item: (item[1].startswith(_FROM_ANOTHER), item))
    named = listed((f"{name} (made {why})" for name, why in causes), _MAX_NAMED)
    anew = command(makers(stale), {**state.params, "pipeline_names": ()})
    raise UserError(
        "--only-missing-outputs would keep outdated outputs: "
        f"{named}. Run {anew} first, without that option"
    )


def _require_current(pipeline: Pipeline, state: RunState) -> None:
    """Refuse to keep outputs that a run would now make differently."""
    catalog = state.catalog
    kept = [name for name in pipeline.all_outputs() if state.is_kept(name) and catalog.exists(name)]
    source: Any = catalog.get(SOURCE)
    if SOURCE in pipeline.inputs() and kept and hasattr(source, "look"):
        # Its hash is known only after reading it.
        source.look()
    stale = state.stale(kept, _current_parameters(catalog))
    for name in kept:
        entry = state.ledger.entries.get(name)
        if name not in stale and entry and entry.code != code_hash():
            stale[name] = "by another version of the code"
    refuse_stale(stale, state)


def _current_parameters(catalog: DataCatalog) -> dict[str, Any]:
    """Every parameter value that a pipeline reads, by full name, as configured now."""
    return leaves(configured(filter(is_parameter, pipelines[WHOLE].inputs()), catalog))


def _rank(clash: Clash) -> tuple[int, int]:
    """The clash that explains the others comes first."""
    if any(str(state).startswith(UNKNOWN) for state in clash.states.values()):
        return 0, 0
    if clash.name == SOURCE:
        return 1, 0
    return (2, 0) if clash.is_parameter else (3, len(ancestors([clash.name])))


def _to_make(node: Node, clash: Clash, state: RunState) -> dict[str, str]:
    """The outdated tables and files behind the inputs of a step."""
    parameters = _current_parameters(state.catalog)
    behind = {name for name in node.inputs if not is_parameter(name)}
    behind |= ancestors(behind)
    wanted = {clash.name: parameters[clash.name]} if clash.name in parameters else {}
    is_read = any(is_parameter(name) for name in clash.states)
    stale = state.stale(behind, wanted if is_read else {})
    # Outputs of a trial with another value may stay if nothing else is outdated.
    return stale or state.stale(behind, wanted)


def _words(clash: Clash, state: RunState) -> str:
    groups: dict[str, list[str]] = {}
    for name, value in clash.states.items():
        groups.setdefault(str(value), []).append(name)
    unknown = [value for value in groups if value.startswith(UNKNOWN)]
    if unknown:
        names = {value.removeprefix(UNKNOWN).split(" ", 1)[0] for value in unknown}
        return f"{', '.join(sorted(names))} {'was' if len(names) == 1 else 'were'} {_BY_HAND}"
    if clash.is_parameter:
        told = [f"{value} for {_listed(names)}" for value, names in groups.items()]
        return f"{clash.name} was {' and '.join(told)}"
    now = state.mark(clash.name)
    others = [name for value, names in groups.items() if value != now for name in names]
    those = groups.get(now) or [name for name in others if name not in next(iter(groups.values()))]
    others = [name for name in others if name not in those]
    return f"{_listed(others)} and {_listed(those)} were made from different states of {clash.name}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join("this run" if is_parameter(name) else name for name in names)
