"""Show the gold tables of an environment: `make dashboard`, or `python -m tools.dashboard`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from kedro.framework.project import configure_project

from customer_segmentation.cli import left_in
from customer_segmentation.errors import UserError


@click.command()
@click.option("--env", default=None, help="The environment whose gold tables are shown.")
@click.option("--port", default=8100, show_default=True, help="On 127.0.0.1.")
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the page to this file, and serve nothing.",
)
def main(env: str | None, port: int, write: Path | None) -> None:
    """Show segments, moves, campaigns, data quality and freshness."""
    try:
        _show(env, port, write)
    except ImportError as error:
        sys.exit(f"Error: {error}: pip install 'customer_segmentation[serving]'")
    except UserError as error:
        sys.exit(f"Error: {error}")


def _show(env: str | None, port: int, write: Path | None) -> None:
    from tools.dashboard import page  # noqa: PLC0415 - what is missing is said in one line
    from tools.dashboard.tables import Tables  # noqa: PLC0415 - as above

    if write and not write.parent.is_dir():
        raise UserError(f"{write.parent} is no folder: make it, or write elsewhere")
    configure_project("customer_segmentation")
    tables = Tables(left_in(env, None))
    if write:
        write.write_text(page.render(tables, {}, is_served=False), encoding="utf-8")
        click.echo(f"Written: {write}")
        return
    import uvicorn  # noqa: PLC0415 - as above

    from tools.dashboard.site import HOST, site  # noqa: PLC0415 - as above

    click.echo(f"http://{HOST}:{port} shows {tables.left.environment.name}; Ctrl-C stops it")
    uvicorn.run(site(tables), host=HOST, port=port, log_level="warning")


if __name__ == "__main__":
    main()
