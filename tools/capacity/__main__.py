"""`python -m tools.capacity`: workers for a rate of requests, and a forecast of next week."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from customer_segmentation.mendable import explain
from customer_segmentation.monitoring.objectives import read_objectives
from tools.capacity.arrivals import Hours, read_csv, read_summaries
from tools.capacity.forecast import Forecast, forecast
from tools.capacity.plan import measured_service, most_rate, promise, workers_for
from tools.capacity.service import Service, of_metrics
from tools.capacity.workers import ANSWERS, recommend
from tools.deploy.declared import DEPLOY, declared

_SECONDS = 3600.0
_metrics = click.option(
    "--metrics",
    type=click.Path(path_type=Path),
    help="A file of what GET /metrics of your server answers; what was measured here without it.",
)
_processor = click.option(
    "--processor-ms",
    type=click.FloatRange(min=0.0, min_open=True),
    help="Of a request, where it is known: HTTP costs more than the histogram sees.",
)


class _Told(click.Group):
    """A group whose errors that a person can mend are one line."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as error:
            # Of a store, too: what a person can mend.
            told = explain(error) or (str(error) if isinstance(error, OSError) else None)
            if told is None:
                raise
            raise click.ClickException(told) from error


@click.group(cls=_Told)
def main() -> None:
    """Workers for your traffic, by deploy/objectives.yml and measured times of service."""


@main.command()
@click.option("--rate", type=click.FloatRange(min=0.0), required=True, help="Requests a second.")
@_metrics
@_processor
def workers(rate: float, metrics: Path | None, processor_ms: float | None) -> None:
    """Tell how many workers hold the objective at a rate of requests."""
    service = _service(metrics, processor_ms)
    for line in _told(rate, service):
        click.echo(line)


@main.command("forecast")
@click.argument("hours")
@click.option(
    "--customers-a-request",
    type=click.FloatRange(min=0.0, min_open=True),
    default=1.0,
    help="By which the customers of summaries are divided.",
)
@_metrics
@_processor
def forecast_week(
    hours: str, customers_a_request: float, metrics: Path | None, processor_ms: float | None
) -> None:
    """Tell of next week's busiest hour, and of the workers that it needs.

    HOURS is a CSV file with the columns hour (UTC) and count, or the folder `monitoring` that the
    server writes.
    """
    known = _hours(hours, customers_a_request)
    told = forecast(known)
    for line in [*_told_week(told), *_told_peak(told, _service(metrics, processor_ms))]:
        click.echo(line)


def _hours(place: str, customers_a_request: float) -> Hours:
    if place.endswith(".csv"):
        return read_csv(Path(place))
    return read_summaries(place, customers_a_request)


def _service(metrics: Path | None, processor_ms: float | None) -> Service:
    if metrics is None:
        service = measured_service()
    else:
        routes = read_objectives(DEPLOY / "objectives.yml").latency[ANSWERS].routes
        service = of_metrics(metrics.read_text("utf-8", "replace"), routes)
    return service.of_mean(processor_ms / 1e3) if processor_ms else service


def _told(rate: float, service: Service) -> Iterator[str]:
    promised, utilisation = promise(), declared().traffic.utilisation
    found = recommend(rate, service, promised)
    needed = workers_for(rate, service, utilisation)
    yield (
        f"workers needed: {needed}, and {declared().traffic.spare} to spare, for {rate:,.1f} "
        f"requests a second of {service.mean * 1e3:.2f} ms each (variability "
        f"{service.variability:.1f})"
    )
    yield (
        f"{found.workers} hold {promised.share:.0%} within {promised.seconds * 1e3:g} ms: at "
        f"{found.utilisation:.0%} of their time, {found.response * 1e3:.1f} ms"
    )
    yield (
        f"start another where one answers more than {most_rate(service, utilisation):,.0f} a second"
        f" ({utilisation:.0%} of its time, or what the objective allows)"
    )


def _told_week(told: Forecast) -> Iterator[str]:
    trend = {
        None: "too few weeks for a trend",
        0.0: "no trend that chance would not explain",
    }.get(told.growth, f"{told.growth or 0.0:+.1%} a week")
    yield f"from {told.weeks} weeks; {trend}"
    if told.unknown:
        yield f"of {told.unknown} hours nothing is known: they are left out"
    yield (
        f"busiest hour of next week: {told.peak_hour:%A %Y-%m-%d %H:00} UTC, {told.peak:,.0f} "
        f"requests ({told.coverage:.0%}: {told.peak_low:,.0f} to {told.peak_high:,.0f})"
    )


def _told_peak(told: Forecast, service: Service) -> Iterator[str]:
    traffic = declared().traffic
    rates = [each * traffic.burst / _SECONDS for each in (told.peak, told.peak_low, told.peak_high)]
    needed, fewest, most = (workers_for(one, service, traffic.utilisation) for one in rates)
    yield (
        f"in its busiest minute, taken as {traffic.burst:g} times the hour's mean, "
        f"{rates[0]:,.1f} a second: workers needed: {needed} ({fewest} to {most}), and "
        f"{traffic.spare} to spare"
    )
    busy = told.peak_high / _SECONDS
    yield f"for deploy/deployment.yml, traffic.environments.prod: busy: {busy:.1f}"


if __name__ == "__main__":
    main()
