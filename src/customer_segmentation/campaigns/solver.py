"""Linear and integer programs, by HiGHS (Huangfu and Hall 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from highspy import HighsLp

_TOLERANCE = 1e-9
# Nodes, not seconds, so that a slower machine gives the same answer.
_NODES = 2_000


@dataclass(frozen=True)
class Program:
    """Maximise gain @ x where low <= A x <= high and lower <= x <= upper.

    Attributes:
        gain: (columns,)
        lower: (columns,)
        upper: (columns,)
        low: (rows,)
        high: (rows,)
        columns: (entries,) of A, in ascending order.
        rows: (entries,)
        values: (entries,)
        offset: Added to the gain.
        whole: (columns,) which are whole numbers; none by default.
    """

    gain: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    offset: float = 0.0
    whole: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Solution:
    """What HiGHS found.

    Attributes:
        x: (columns,)
        prices: (rows,) what one more of a row's limit would bring; of a linear program.
        value: The gain.
        bound: No x has a higher one.
    """

    x: NDArray[np.float64]
    prices: NDArray[np.float64]
    value: float
    bound: float


def solve(program: Program) -> Solution | None:
    """The best x; None where none keeps the limits, or no whole one is found.

    Raises:
        RuntimeError: HiGHS gave up, which it has no reason to.
    """
    if not len(program.gain):
        # HiGHS has no opinion on nothing.
        is_kept = (program.low <= 0.0).all() and (program.high >= 0.0).all()
        nothing = Solution(program.gain, np.zeros_like(program.low), program.offset, program.offset)
        return nothing if is_kept else None
    import highspy  # noqa: PLC0415 - only where offers compete

    # Its subclass Highs prints the name and version of HiGHS.
    solver = highspy._core._Highs()  # noqa: SLF001 - as above
    options = {
        "output_flag": False,
        "threads": 1,
        "primal_feasibility_tolerance": _TOLERANCE,
        "dual_feasibility_tolerance": _TOLERANCE,
        "mip_feasibility_tolerance": _TOLERANCE,
        "mip_rel_gap": _TOLERANCE,
        "mip_abs_gap": _TOLERANCE,
        "mip_max_nodes": _NODES,
    }
    for name, value in options.items():
        solver.setOptionValue(name, value)
    # HiGHS's tolerances are absolute: amounts of money are made numbers near 1.
    unit = float(np.abs(program.gain).max(initial=0.0)) or 1.0
    solver.passModel(_model(program, unit))
    solver.run()
    status, whole = solver.getModelStatus(), program.whole is not None
    info = solver.getInfo()
    found = highspy.SolutionStatus.kSolutionStatusFeasible
    if info.primal_solution_status != found:
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if not whole:
            raise RuntimeError(f"HiGHS: {solver.modelStatusToString(status)}")
        return None
    solution = solver.getSolution()
    return Solution(
        np.array(solution.col_value),
        np.array(solution.row_dual) * unit,
        info.objective_function_value * unit,
        (info.mip_dual_bound if whole else info.objective_function_value) * unit,
    )


def _model(program: Program, unit: float) -> HighsLp:
    import highspy  # noqa: PLC0415 - as above

    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.gain), len(program.low)
    model.sense_ = highspy.ObjSense.kMaximize
    model.offset_ = program.offset / unit
    model.col_cost_ = program.gain / unit
    model.col_lower_ = program.lower
    model.col_upper_ = program.upper
    model.row_lower_, model.row_upper_ = program.low, program.high
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    counts = np.bincount(program.columns, minlength=len(program.gain))
    model.a_matrix_.start_ = np.concatenate([[0], counts.cumsum()])
    model.a_matrix_.index_ = program.rows
    model.a_matrix_.value_ = program.values
    if program.whole is not None:
        kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
        model.integrality_ = [kinds[is_whole] for is_whole in program.whole.astype(int).tolist()]
    return model
