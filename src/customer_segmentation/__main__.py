"""`python -m customer_segmentation`: `kedro run` for the installed package, and its commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project

from customer_segmentation.errors import NothingDue


def main(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
    """Run the pipelines as `kedro run` does, with the same options, or `check FILE`."""
    package_name = Path(__file__).parent.name
    configure_project(package_name)
    kwargs["standalone_mode"] = not hasattr(sys, "ps1")
    from customer_segmentation.cli import cli  # noqa: PLC0415 - of a configured project

    given = args[0] if args else sys.argv[1:]
    is_command = bool(given) and given[0] in cli.commands
    command = cli if is_command else find_run_command(package_name)
    try:
        return command(*args, **kwargs)
    except NothingDue as nothing:
        # Where click does not end the process, as in a task of Databricks: it ends well.
        nothing.show()
        return None


if __name__ == "__main__":
    main()
