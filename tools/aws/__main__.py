"""AWS rehearsed on this machine: `python -m tools.aws`, or `make aws`.

An emulator, `terraform apply`, a file that lands, gold tables, a prediction, `terraform destroy`.
"""

from __future__ import annotations

import signal
import time
from typing import NoReturn

import click

from customer_segmentation.errors import UserError
from tools.access.places import CHECKOUT
from tools.aws.emulated import LEFT_OUT, applied, served, zips
from tools.aws.rehearsal import Execution, Rehearsal
from tools.deploy.project import steps
from tools.terraform import require_terraform

SAMPLE = CHECKOUT / "data/sample/customers.csv"
# A customer of the sample, by the API's names.
CUSTOMER = {
    "customer_id": "9365",
    "income": 42201,
    "year_birth": 1973,
    "kids_home": 1,
    "teens_home": 0,
    "spend_wines": 68,
    "spend_fruits": 4,
    "spend_meat": 30,
    "spend_fish": 3,
    "spend_sweets": 5,
    "spend_gold": 129,
    "purchases_deals": 1,
    "purchases_web": 6,
    "purchases_catalog": 0,
    "purchases_store": 3,
    "web_visits_month": 12,
}
_RUN_SECONDS = 400.0


def rehearse() -> None:
    """Rehearse, and say what was done.

    Raises:
        UserError: Something is not installed, or a part does not do what it should.
    """
    begun = time.monotonic()
    require_terraform()
    with served() as (server, folder):
        _say(begun, f"An emulator of AWS (ministack) answers on {server.endpoint}")
        made = zips(folder)
        _say(begun, "Functions are packed for this machine's Python")
        environment = applied(server, folder, made)
        count = sum(not name.startswith("data.") for name in environment.workspace.resources())
        _say(begun, f"terraform apply: {count} resources; left out: {', '.join(LEFT_OUT)}")
        place = environment.drop(SAMPLE.name, SAMPLE.read_bytes())
        _say(begun, f"{SAMPLE.name} is dropped: {place}")
        run = environment.ended(1, _RUN_SECONDS)
        _require(run)
        _say(begun, f"Run: {', '.join(_done(run))}; {run.seconds:.0f} s")
        for line in _gold(environment):
            _say(begun, line)
        _say(begun, _prediction(environment))
        environment.workspace.destroy()
        left = environment.workspace.resources()
        _say(begun, f"terraform destroy: {len(left)} resources left")
    _say(begun, "The emulator has ended; nothing is left running")


def _done(run: Execution) -> list[str]:
    named = {*(step.name for step in steps()), "gate", "refresh_serving"}
    return [name for name in run.states if name in named]


def _require(run: Execution) -> None:
    if run.status != "SUCCEEDED":
        raise UserError(f"run {run.name} ended as {run.status}: {run.output}")


def _gold(environment: Rehearsal) -> list[str]:
    segments = environment.table("gold/segments.parquet")
    shares = segments.group_by("segment").aggregate([("customer_id", "count")]).to_pylist()
    told = ", ".join(f"{each['segment']} {each['customer_id_count']:,}" for each in shares)
    count = len(environment.keys("gold/"))
    return [f"Gold: {count} files; gold_segments: {segments.num_rows:,} customers: {told}"]


def _prediction(environment: Rehearsal) -> str:
    """Ask the API for a customer of the file, whose answer the run has written too.

    Raises:
        UserError: The two differ.
    """
    begun = time.monotonic()
    answer = environment.ask(CUSTOMER)
    taken = time.monotonic() - begun
    named = CUSTOMER["customer_id"]
    rows = environment.table("gold/segments.parquet").to_pylist()
    row = next(each for each in rows if each["customer_id"] == named)
    if (answer["segment"], answer["margin"]) != (row["segment"], row["margin"]):
        raise UserError(f"the API answers {answer}, and gold_segments has {row}")
    return (
        f"Customer {named} by API Gateway: {answer['segment']}, margin {answer['margin']:.3f}, "
        f"champion {answer['artifact_version']}, as in gold_segments; first answer in {taken:.1f} s"
    )


def _say(begun: float, line: str) -> None:
    click.echo(f"{time.monotonic() - begun:5.0f} s  {line}")


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@click.command()
def main() -> None:
    """Rehearse the deployment on AWS on this machine, and leave nothing."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        rehearse()
    except KeyboardInterrupt:
        raise click.ClickException("stopped: the emulator has ended, and all it held") from None


if __name__ == "__main__":
    main()
