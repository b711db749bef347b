"""The contract of a table as the CHECK constraint of its Delta table."""

from __future__ import annotations

from collections.abc import Sequence

from customer_segmentation.tables.check import SHA256
from customer_segmentation.tables.schemas import TableContract

NAME = "contract"
# The table property in which Delta keeps the constraint of that name.
CONSTRAINT = f"delta.constraints.{NAME}"


def constraint(contract: TableContract, present: Sequence[str]) -> str:
    """One condition in Spark SQL, true for every row that keeps the contract.

    It cannot find duplicate keys: the merge and the check before it do.
    """
    rules = [f"`{name}` IS NOT NULL" for name in (*contract.key, *contract.required)]
    for column in contract.columns:
        if column.name not in present:
            continue
        name = f"`{column.name}`"
        if column.minimum is not None:
            rules.append(f"({name} IS NULL OR {name} >= {column.minimum!r})")
        if column.maximum is not None:
            rules.append(f"({name} IS NULL OR {name} <= {column.maximum!r})")
        if column.categories:
            labels = ", ".join(f"'{label}'" for label in column.categories)
            rules.append(f"({name} IS NULL OR {name} IN ({labels}))")
        if column.is_email:
            rules.append(f"({name} IS NULL OR {name} RLIKE '{SHA256}')")
    return " AND ".join(rules)
